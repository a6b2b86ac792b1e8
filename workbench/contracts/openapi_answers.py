"""JSON Schemas of the answers. They are written here because the code renders these bodies without structs.

Contract tests validate the functions' real answers against them.
"""

from typing import Any

from hemline.model.decision import Rung, Scope
from hemline.model.site.kinds import KINDS

Document = dict[str, Any]

PROBLEM: Document = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence: what is wrong."},
        "field": {"type": "string", "description": "The field that is wrong."},
        "way_out": {"type": "string", "description": "What to do about it."},
    },
}

CARD: Document = {
    "type": "object",
    "required": ["id", "title", "url", "image", "price", "reason"],
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "url": {"type": "string"},
        "image": {"type": "string"},
        "price": {"type": ["number", "null"]},
        "currency": {"type": "string"},
        "reason": {"type": "string", "description": "Why it is shown, in words for the visitor."},
    },
}

FRAGMENT: Document = {
    "type": "object",
    "required": ["kind", "rung", "scope", "token"],
    "properties": {
        "kind": {"enum": list(KINDS)},
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Card"}},
        "variant": {
            "type": ["object", "null"],
            "properties": {
                "name": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "opens": {
            "type": "object",
            "description": "When to show it, if the site file states it: at load, exit or idle.",
            "properties": {
                "at": {"enum": ["load", "exit", "idle"]},
                "seconds": {"type": "integer"},
            },
        },
        "sections": {"type": "array", "items": {"type": "string"}},
        "html": {"type": "string", "description": "Escaped markup; with format html and email."},
        "text": {"type": "string", "description": "The same without markup; with format email."},
        "rung": {"enum": [rung.value for rung in Rung]},
        "scope": {"enum": [scope.word for scope in Scope]},
        "cursor": {
            "type": "string",
            "description": "Send it as `after` for more of this list; absent at its end.",
        },
        "token": {
            "type": "string",
            "description": "Send it back in an exposure when the fragment was seen.",
        },
    },
}

FRAGMENTS: Document = {
    "type": "object",
    "required": ["edition", "fragments"],
    "properties": {
        "edition": {"type": "string"},
        "fragments": {
            "type": "object",
            "additionalProperties": {"$ref": "#/components/schemas/Fragment"},
        },
        "errors": {
            "type": "array",
            "description": "Slots of the page that this site does not have, and page fields that were"
            " ignored or cut; absent when there are none.",
            "items": {"$ref": "#/components/schemas/Problem"},
        },
        "explain": {
            "type": "object",
            "description": "Slot to its explanation; with explain=1 and a preview header.",
            "additionalProperties": {"$ref": "#/components/schemas/Explained"},
        },
    },
}

COLLECTED: Document = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "reason"],
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": ["string", "null"]},
                    "reason": {"type": "string"},
                },
            },
        },
    },
}

SCHEMAS: Document = {
    "Problem": PROBLEM,
    "Card": CARD,
    "Fragment": FRAGMENT,
    "Fragments": FRAGMENTS,
    "Collected": COLLECTED,
}
