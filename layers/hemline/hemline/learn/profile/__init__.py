"""A profile as a fold of one person's events, and the capsule that is ahead of it. Begin with `fold`."""
