"""The sweep function's wiring."""
