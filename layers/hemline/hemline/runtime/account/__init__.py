"""The account function: request in, response out, wiring."""
