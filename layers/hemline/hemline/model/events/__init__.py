"""Events: their wire format, what is refused and with which way out, and records as they are stored."""
