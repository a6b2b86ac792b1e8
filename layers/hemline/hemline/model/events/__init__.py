"""Events: the wire format, its checks and error texts, and the stored record. Begin with `event`."""
