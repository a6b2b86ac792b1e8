"""The part of the HTTP contract that holders of a preview header have: explain, and its schema."""

from typing import Any

import msgspec

from hemline.usecases.receipts.explain import Explained

Document = dict[str, Any]


def schemas() -> Document:
    """What `explain` holds for a slot, from the structs themselves."""
    _, parts = msgspec.json.schema_components(
        [Explained], ref_template="#/components/schemas/{name}"
    )
    return parts


def parameters() -> list[Document]:
    """Of both routes for fragments."""
    explain = {
        "name": "explain",
        "in": "query",
        "description": "1: how each slot came about; needs Hemline-Preview. Anything else is as good as"
        " left out.",
        "schema": {"type": "string"},
    }
    header = {
        "name": "Hemline-Preview",
        "in": "header",
        "description": "Signed: be another visitor or segment, privately; tokens are empty.",
        "schema": {"type": "string"},
    }
    return [explain, header]
