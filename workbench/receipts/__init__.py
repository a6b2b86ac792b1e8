"""Receipts on the command line: explain, replay, why-not, what-if, preview. Begin with `commands`."""
