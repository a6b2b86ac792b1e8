"""The profile, a fold of one person's events, and the capsule that runs ahead of it. Begin with `fold`."""
