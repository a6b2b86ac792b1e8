"""The account part of the HTTP contract: sign-in, export, consent, and erasure."""

from typing import Any

from hemline.model.consent import Purpose

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_YES: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer"}
_PURPOSES = [purpose.value for purpose in Purpose]
_OBJECT: Schema = {"type": "object"}
_OBJECTS: Schema = {"type": "array", "items": _OBJECT}
_ID_LIST: Schema = {"type": "array", "items": _TEXT}


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
    }


def schemas() -> dict[str, Schema]:
    """Schemas of the request and answer bodies."""
    choices = {"type": "object", "additionalProperties": False, "minProperties": 1}
    told = _object({"allowed": _YES, "because": _TEXT})
    profile = _object(
        {
            "from": _TEXT,
            "first_seen": _COUNT,
            "last_seen": _COUNT,
            "actions": _OBJECT,
            "alerts": _OBJECTS,
        }
    )
    events = _object(
        {"from": _TEXT, "days": _OBJECT, "complete": _YES},
        next={**_TEXT, "description": "Send it as `after` for the rest."},
    )
    return {
        "ConsentChoices": {
            **_object({"purposes": {**choices, "properties": dict.fromkeys(_PURPOSES, _YES)}}),
            "additionalProperties": False,
        },
        "ConsentNow": _object({"purposes": _object(dict.fromkeys(_PURPOSES, _YES))}),
        "Identified": _object(
            {
                "user": _TEXT,
                "visitor": {**_TEXT, "description": "Signed: `Hemline-Visitor` of an app."},
                "merged": {**_YES, "description": "The device's history is the user's now."},
            }
        ),
        "Me": _object(
            {
                "subject": _TEXT,
                "at": _COUNT,
                "profile": profile,
                "consent": _object(
                    {
                        "from": _TEXT,
                        "said_at": _COUNT,
                        "purposes": {"type": "object", "additionalProperties": told},
                    }
                ),
                "links": _object(
                    {"from": _TEXT, "taken_back": _ID_LIST}, visitors=_ID_LIST, users=_ID_LIST
                ),
                "forgotten_until": _COUNT,
                "events": events,
                "set_aside": _object(
                    {
                        "from": _TEXT,
                        "records": {"type": "array", "items": _OBJECT},
                        "complete": {**_YES, "description": "Only in the first part."},
                    }
                ),
                "also_kept": _ID_LIST,
                "not_kept": _ID_LIST,
            },
            own=profile,
        ),
        "Erased": _object({"erased": _ID_LIST, "people": _COUNT, "at": _COUNT, "follows": _OBJECT}),
    }


def paths(identity: list[Schema]) -> dict[str, Schema]:
    """Route → its operations; `identity`: the parameters that identify the caller."""
    after = {
        "name": "after",
        "in": "query",
        "description": "the day at which the last part of the export ended; empty for the first part",
        "schema": {"anyOf": [{"type": "string", "format": "date"}, {"const": ""}]},
    }
    choices = {"required": True, "content": _content("ConsentChoices")}
    return {
        "/v1/identify": {
            "post": _operation(
                "identify", "Link this device to the signed-in user", "Identified", identity
            )
        },
        "/v1/me": {
            "get": _operation(
                "getMe",
                "Everything stored about the caller",
                "Me",
                [*identity, after],
                wrong="`after` is not a day.",
            ),
            "delete": _operation("forgetMe", "Forget the caller", "Erased", identity),
        },
        "/v1/me/consent": {
            "put": {
                **_operation(
                    "putConsent",
                    "Choose what the caller's data may be used for",
                    "ConsentNow",
                    identity,
                    wrong="The body is wrong.",
                ),
                "requestBody": choices,
            }
        },
    }


_UNKNOWN = {
    "putConsent": "The user token is invalid, or an unidentified browser sends an opt-out signal."
}
"""Operation → its reason for 401 where it differs: a first consent choice creates a visitor."""
_BODY = {"413": "More than 4096 bytes.", "415": "The body is compressed."}


def _operation(name: str, says: str, answer: str, given: list[Schema], wrong: str = "") -> Schema:
    problems = {
        "401": _UNKNOWN.get(
            name, "The caller has no valid identity, or the user token is invalid."
        ),
        "503": "Not done yet: try again after Retry-After seconds.",
        **({"400": wrong} if wrong else {}),
        **({} if name == "getMe" else {"403": "The request comes from a page of another site."}),
        **(_BODY if name == "putConsent" else {}),
    }
    return {
        "operationId": name,
        "summary": says,
        "parameters": given,
        "responses": {
            "200": {"description": "Done.", "content": _content(answer)},
            **{
                status: {
                    "description": text,
                    "content": _content("Problem", "application/problem+json"),
                }
                for status, text in sorted(problems.items())
            },
        },
    }


def _content(name: str, kind: str = "application/json") -> Schema:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
