"""What a competent beginner writes: the other side of the benchmarks."""
