"""The fragments function: request in, response out, wiring, preview."""
