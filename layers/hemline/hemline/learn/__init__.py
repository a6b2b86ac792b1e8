"""Pure mathematics of learning: profile fold, statistics, co-occurrence. No AWS, clock or randomness."""
