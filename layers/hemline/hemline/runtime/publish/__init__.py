"""The publish function: wiring, commands, response."""
