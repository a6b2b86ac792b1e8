"""Events as a browser states them, for tests of what takes them."""

import json

VIEW = {"id": "e1", "type": "view", "item": "p1"}
"""The least that a view states."""


def stated(kind: str, **members: object) -> bytes:
    """An event of p1, as it comes over the wire."""
    return json.dumps({"id": "e1", "type": kind, "item": "p1", **members}).encode()
