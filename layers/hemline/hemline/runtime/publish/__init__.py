"""The publish function's wiring, and the commands that it takes."""
