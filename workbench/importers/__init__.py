"""Readers of other formats, through the front door."""
