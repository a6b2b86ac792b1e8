"""The naive implementation of a competent beginner, which the benchmarks compare Hemline with."""
