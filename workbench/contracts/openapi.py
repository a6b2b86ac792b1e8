"""The HTTP contract as OpenAPI 3.1, made from the structs that the functions themselves decode with.

`docs/openapi.json` is this module's output; a test compares the two, and its routes with template.yaml.
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
    "ETag": "Equal when everything that the answer was decided from is equal.",
    "Cache-Control": "public only when no visitor fact was read.",
    "Hemline-Rung": "The rung of the ladder that answered.",
    "Hemline-Scope": "The widest scope of the facts that were read.",
    "Hemline-Edition": "The edition that was decided from.",
    "Hemline-Errors": "Fields of the request that were not taken; `errors` says why.",
    "Hemline-Breakers": "Dependencies that are left alone for a while; not there when all is well.",
    "Server-Timing": "Milliseconds of the decision.",
}


def document() -> Document:
    """The whole document; equal code gives equal documents."""
    _, parts = msgspec.json.schema_components([PageBody, EventInput], ref_template=_REF)
    for schema, properties in BOUNDS.items():
        for name, bounds in properties.items():
            parts[schema]["properties"][name] |= bounds
    # What each type needs is no matter of one field: the struct cannot say it, the event's schema does.
    parts["EventInput"]["allOf"] = event_schema()["allOf"]
    parts |= openapi_answers.SCHEMAS
    parts |= openapi_explain.schemas() | openapi_account.schemas()
    # Events of a call are accounted for in a problem too, when it came as far as single events.
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
    """The document as it stands in docs/."""
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
            "description": "Always, where a slot exists: trouble steps down the ladder.",
            "headers": headers,
            "content": _content("Fragments"),
        },
        **_problems(
            (400, "The request is wrong."),
            (401, "The preview header is missing, none of ours, or over."),
            (404, "No slot of that name; of a page, of none of its names."),
        ),
    }


def _get_slot() -> Document:
    answers = _fragments_answer()
    answers["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    answers["304"] = {"description": "You have exactly this answer."}
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
                f"{says}; once for each, or with commas between them; {id_list_text(MOST_EXCLUDED)}",
            )
            for name, says in _ID_LISTS.items()
        ),
        _query(
            "after",
            CURSOR,
            "the cursor of this list's last answer: nothing that it has shown comes again; empty for"
            " its beginning",
        ),
    ]
    return {
        "operationId": "getFragment",
        "summary": "One slot, for this visitor, now",
        "description": "HEAD is no route: it answers 404. Ask with If-None-Match instead.",
        "parameters": parameters + openapi_explain.parameters() + _identity(),
        "responses": answers,
    }


_TEXTS = {
    "page": ("the page's type, such as home or item", TEXT),
    "item": ("the item that the page is about", NAME),
    "category": ("the category that the page is about", NAME),
    "url": ("the page's own address, for rules on campaigns", TEXT),
    "referrer": ("where the visitor came to the page from", TEXT),
    "app_version": ("of the app that shows it, such as 2.3.0", TEXT),
}
_ID_LISTS = {
    "exclude": "item ids that this answer leaves out",
    "owned": "item ids that the visitor has for good",
    "seen": "item ids that the visitor is to be shown no more",
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
                "description": f"{says} `{name.removeprefix('__Host-')}` without TLS, and before.",
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
            "description": "1: a no by choice of the site.",
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
            "description": "The stream holds what was accepted.",
            "content": _content("Collected"),
        },
        "400": _problem("The body, or every event in it, is wrong.", "CollectProblem"),
        **_problems(
            (401, "The batch's signature, or the user token of a bearer, does not verify."),
            (403, "A page of another site sent it, or may have."),
            (413, f"More than {MOST_EVENTS} events or {MOST_BYTES} bytes."),
            _COMPRESSED,
        ),
        "503": _problem(
            "Not stored, all or some: send those again after Retry-After seconds.", "CollectProblem"
        ),
    }
    batch = _ref("EventBatch")
    return {
        "operationId": "postEvents",
        "summary": "Events in; also as text/plain, so that a beacon needs no preflight",
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
