"""Soak tests: real use cases under seeded kills and faults must lose nothing and count nothing twice.

Begin with `run` (everything in this process) or `cloud` (the same over the real APIs).
"""
