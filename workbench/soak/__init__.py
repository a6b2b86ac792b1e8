"""The proof that nothing is lost and nothing counts twice: real use cases under seeded kills and faults."""
