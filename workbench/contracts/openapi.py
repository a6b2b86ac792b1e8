"""Generates the OpenAPI 3.1 document from the structs that the functions decode requests with.

`docs/openapi.json` is its output; a test compares the two, and the routes with template.yaml.
"""

import json
from typing import Any

import msgspec

from hemline.model.events.body import MOST_BYTES, MOST_EVENTS
from hemline.model.events.schema import EventInput
from hemline.runtime.fragments.page_input import MOST_EXCLUDED
from hemline.runtime.fragments.request import MOST_BODY_BYTES, MOST_SLOTS, PageBody
from workbench.contracts import openapi_account, openapi_answers, openapi_explain
from workbench.contracts.event_schema import event_schema
from workbench.contracts.openapi_bounds import BOUNDS, CURSOR, LIMIT, NAME, TEXT, id_list_text
from workbench.laptop import ROOT

PATH = ROOT / "docs" / "openapi.json"
_REF = "#/components/schemas/{name}"

Document = dict[str, Any]

_HEADERS = {
    "ETag": "Equal when all inputs of the answer are equal.",
    "Cache-Control": "public only when no visitor fact was read.",
    "Hemline-Rung": "The rung of the ladder that answered.",
    "Hemline-Scope": "The widest scope of the facts that were read.",
    "Hemline-Edition": "The edition that the answer was decided from.",
    "Hemline-Errors": "Fields of the request that were ignored; `errors` says why.",
    "Hemline-Breakers": "Dependencies with an open circuit breaker; absent when there are none.",
    "Server-Timing": "Milliseconds of the decision.",
}


def document() -> Document:
    """The whole document. It depends only on the code."""
    _, parts = msgspec.json.schema_components([PageBody, EventInput], ref_template=_REF)
    for schema, properties in BOUNDS.items():
        for name, bounds in properties.items():
            parts[schema]["properties"][name] |= bounds
    # Which fields a type requires involves several fields: the struct cannot express it, the schema can.
    parts["EventInput"]["allOf"] = event_schema()["allOf"]
    parts |= openapi_answers.SCHEMAS
    parts |= openapi_explain.schemas() | openapi_account.schemas()
    # A problem also reports accepted and rejected events, when single events were already checked.
    parts["CollectProblem"] = {
        "allOf": [
            _ref("Problem"),
            {"type": "object", "properties": openapi_answers.COLLECTED["properties"]},
        ]
    }
    parts["EventBatch"] = {
        "type": "object",
        "required": ["events"],
        "additionalProperties": False,
        "properties": {
            "events": {"type": "array", "maxItems": MOST_EVENTS, "items": _ref("EventInput")}
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hemline",
            "version": "1",
            "description": "Fragments out, events in. Errors are application/problem+json (RFC 9457).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"user": []}],
        "paths": {
            "/v1/fragments/{slot}": {"get": _get_slot()},
            "/v1/fragments": {"post": _post_page()},
            "/v1/events": {"post": _post_events()},
            **openapi_account.paths(_identity()),
        },
        "components": {
            "schemas": parts,
            "securitySchemes": {
                "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def text() -> str:
    """The text of docs/openapi.json."""
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


def _ref(name: str) -> Document:
    return {"$ref": _REF.format(name=name)}


def _content(name: str, kind: str = "application/json") -> Document:
    return {kind: {"schema": _ref(name)}}


def _problems(*statuses: tuple[int, str]) -> Document:
    return {str(status): _problem(says) for status, says in statuses}


def _problem(says: str, schema: str = "Problem") -> Document:
    return {"description": says, "content": _content(schema, "application/problem+json")}


_COMPRESSED = (415, "The body is compressed.")


def _fragments_answer() -> Document:
    headers = {n: {"description": d, "schema": {"type": "string"}} for n, d in _HEADERS.items()}
    return {
        "200": {
            "description": "Always, if the slot exists: a failure steps down the ladder.",
            "headers": headers,
            "content": _content("Fragments"),
        },
        **_problems(
            (400, "The request is wrong."),
            (401, "The preview header is missing, invalid or expired."),
            (404, "No slot has that name; for a page, none of its slots exists."),
        ),
    }


def _get_slot() -> Document:
    answers = _fragments_answer()
    answers["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    answers["304"] = {"description": "The answer is the one that If-None-Match names."}
    parameters = [
        {"name": "slot", "in": "path", "required": True, "schema": {"type": "string"}},
        _query(
            "format",
            {"enum": ["json", "html", "email"], "default": "json"},
            "html for an ESI include; email: JSON with html for a mail client, and text",
        ),
        _query("limit", LIMIT, "how many items"),
        *(
            _query(name, {"type": "string"}, f"{says}; {bound}")
            for name, (says, bound) in _TEXTS.items()
        ),
        *(
            _query(
                name,
                {"type": "array", "items": {"type": "string"}},
                f"{says}; repeated or comma-separated; {id_list_text(MOST_EXCLUDED)}",
            )
            for name, says in _ID_LISTS.items()
        ),
        _query(
            "after",
            CURSOR,
            "the cursor of this list's last answer: items already shown are left out; empty for the"
            " start of the list",
        ),
    ]
    return {
        "operationId": "getFragment",
        "summary": "One slot, for this visitor, now",
        "description": "HEAD is not supported and answers 404. Use GET with If-None-Match instead.",
        "parameters": parameters + openapi_explain.parameters() + _identity(),
        "responses": answers,
    }


_TEXTS = {
    "page": ("the page's type, such as home or item", TEXT),
    "item": ("the item that the page is about", NAME),
    "category": ("the category that the page is about", NAME),
    "url": ("the page's own address, for rules on campaigns", TEXT),
    "referrer": ("where the visitor came to the page from", TEXT),
    "app_version": ("version of the app that shows the page, such as 2.3.0", TEXT),
}
_ID_LISTS = {
    "exclude": "item ids that this answer leaves out",
    "owned": "item ids that the visitor already owns",
    "seen": "item ids that must not be shown to the visitor again",
}


def _query(name: str, schema: Document, says: str) -> Document:
    return {"name": name, "in": "query", "description": says, "schema": schema}


def _identity() -> list[Document]:
    text_of = {"type": "string"}
    return [
        *(
            {
                "name": name,
                "in": "cookie",
                "description": f"{says} `{name.removeprefix('__Host-')}` without TLS, and in old cookies.",
                "schema": text_of,
            }
            for name, says in (
                ("__Host-hem_v", "Signed visitor id."),
                ("__Host-hem_c", "The capsule."),
            )
        ),
        {
            "name": "Hemline-Visitor",
            "in": "header",
            "description": "The visitor id for apps.",
            "schema": text_of,
        },
        {
            "name": "Hemline-Capsule",
            "in": "header",
            "description": "The capsule for apps; comes back in the header of the same name.",
            "schema": text_of,
        },
        {
            "name": "DNT",
            "in": "header",
            "description": "1: no consent, if the site honours it.",
            "schema": text_of,
        },
        {"name": "Sec-GPC", "in": "header", "description": "1: opted out.", "schema": text_of},
    ]


def _post_page() -> Document:
    return {
        "operationId": "postFragments",
        "summary": f"A whole page of up to {MOST_SLOTS} slots in one call",
        "parameters": openapi_explain.parameters() + _identity(),
        "requestBody": {"required": True, "content": _content("PageBody")},
        "responses": {
            **_fragments_answer(),
            **_problems((413, f"More than {MOST_BODY_BYTES} bytes."), _COMPRESSED),
        },
    }


def _post_events() -> Document:
    signature = {
        "name": "Hemline-Signature",
        "in": "header",
        "description": "t=<epoch ms>,v1=<hex HMAC-SHA256 of `<t>.<body>`>: a batch of the site's own server.",
        "schema": {"type": "string"},
    }
    answers = {
        "202": {
            "description": "Accepted events are on the stream.",
            "content": _content("Collected"),
        },
        "400": _problem("The body, or every event in it, is wrong.", "CollectProblem"),
        **_problems(
            (401, "The batch's signature, or the user token of a bearer, does not verify."),
            (403, "The page that sent it belongs, or may belong, to another site."),
            (413, f"More than {MOST_EVENTS} events or {MOST_BYTES} bytes."),
            _COMPRESSED,
        ),
        "503": _problem(
            "Some or all events were not stored: send those again after Retry-After seconds.",
            "CollectProblem",
        ),
    }
    batch = _ref("EventBatch")
    return {
        "operationId": "postEvents",
        "summary": "Send events; text/plain is accepted, so that a beacon needs no preflight",
        "parameters": [*_identity(), signature],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [batch, _ref("EventInput")]}},
                "text/plain": {
                    "schema": {"type": "string", "contentMediaType": "application/json"}
                },
            },
        },
        "responses": answers,
    }
