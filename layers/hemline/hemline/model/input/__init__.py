"""Checks of what callers send: JSON, texts, times, and the error texts that msgspec's become."""
