"""Benchmarks: Hemline beside a naive variant, same inputs, same answers."""
