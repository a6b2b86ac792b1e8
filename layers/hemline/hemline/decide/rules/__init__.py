"""Rules and conditions: compiled once an edition, asked once a slot. Begin with `eligibility`."""
