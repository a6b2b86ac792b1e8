"""The part of the HTTP contract for holders of a preview header: `explain` and its schema."""

from typing import Any

import msgspec

from hemline.usecases.receipts.explain import Explained

Document = dict[str, Any]


def schemas() -> Document:
    """The schema of a slot's explanation, from the structs."""
    _, parts = msgspec.json.schema_components(
        [Explained], ref_template="#/components/schemas/{name}"
    )
    return parts


def parameters() -> list[Document]:
    """The parameters `explain` and `Hemline-Preview`, for both fragment routes."""
    explain = {
        "name": "explain",
        "in": "query",
        "description": "1: explain how each slot was decided; needs Hemline-Preview. Other values are"
        " ignored.",
        "schema": {"type": "string"},
    }
    header = {
        "name": "Hemline-Preview",
        "in": "header",
        "description": "Signed: decide as another visitor or segment; the answer is private and its"
        " tokens are empty.",
        "schema": {"type": "string"},
    }
    return [explain, header]
