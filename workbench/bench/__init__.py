"""Benchmarks of Hemline against a naive implementation, with the same inputs and the same answers."""
