"""The collect function: request in, response out, wiring."""
