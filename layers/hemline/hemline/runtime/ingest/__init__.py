"""The ingest function's wiring."""
