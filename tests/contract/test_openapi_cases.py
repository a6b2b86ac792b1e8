"""Requests made from the published document, right ones and wrong ones, against the functions themselves.

schemathesis reads docs/openapi.json and nothing else of ours: what it may send is taken, what it may not
is refused, and no answer leaves the document. In this process, through the gateway's own translation.
`make test` sends some hundred; `make soak` a hundred thousand, from the seed that it prints.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from hemline.model.events.schema import SIGNED_ONLY
from hemline.model.user_token import UserKey, mint_user_token
from hemline.runtime.identity import sign_visitor
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice
from tests.contract.test_http_contract import ANN, EDITION, SLOTS
from tests.harness.deciding import live, table_with
from tests.harness.http_functions import Door
from workbench.contracts.event_schema import event_schema
from workbench.contracts.openapi import PATH

SOAK = 100_000
"""Cases of `make soak`, of all operations together."""
FEW = 40
"""Cases of each operation in `make test`."""
FREE = {"identify", "forgetMe"}
"""Operations of which nothing can be wrong but who asks."""
_NONE_FITS = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]

App = Callable[[dict[str, Any], Any], Iterable[bytes]]
AnyCase = Case[Any]


def published() -> dict[str, Any]:
    """The document as it is published, without two things that cases cannot be made from.

    What a type of event needs of other fields (a case in two hundred would meet it: `event_schema`
    is what accepted events are held to here), and JSON inside of a text, which is sent all the same.
    """
    document: dict[str, Any] = json.loads(PATH.read_text())
    del document["components"]["schemas"]["EventInput"]["allOf"]
    del document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["text/plain"]
    return document


SCHEMA = schemathesis.openapi.from_dict(published())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
NAMES = [one.definition.raw["operationId"] for one in OPERATIONS]
PAIRS = [
    pytest.param(operation, mode, id=f"{name}-{mode.value}")
    for operation, name in zip(OPERATIONS, NAMES, strict=True)
    for mode in GenerationMode
    if name not in FREE or mode.is_positive
]
_DEEP = settings.get_profile("soak").max_examples
_EACH = SOAK // len(PAIRS) if settings.default and settings.default.max_examples == _DEEP else FEW
CASES = settings(max_examples=_EACH, suppress_health_check=_NONE_FITS)
WHOLE_EVENT = jsonschema.Draft202012Validator(event_schema())

load_all_checks()
_ACCEPTANCE = CHECKS.get_by_names(["positive_data_acceptance"])
_REJECTION = CHECKS.get_by_names(["negative_data_rejection"])


def _token() -> str:
    return mint_user_token("ann", UserKey("1", b"u" * 32), NOW // 1000, seconds=900, site=SITE)


WHO = st.sampled_from(["as generated", "nobody", "visitor", "user", "both", "opted out"])


def given_an_identity(case: AnyCase, who: str) -> None:
    """One that verifies: no generator finds a signature."""
    if who != "as generated":
        for name in ("Authorization", "Hemline-Visitor", "Hemline-Preview", "Hemline-Signature"):
            case.headers.pop(name, None)
    if who in {"visitor", "both", "opted out"}:
        case.headers["Hemline-Visitor"] = sign_visitor("ann", KEYS)
    if who in {"user", "both"}:
        case.headers["Authorization"] = f"Bearer {_token()}"
    if who == "opted out":
        case.headers["Sec-GPC"] = "1"


def of_slots_that_there_are(case: AnyCase) -> None:
    """Which slots a site has is in no document: without their names each case would be a 404."""
    if case.path_parameters:
        case.path_parameters["slot"] = SLOTS[len(case.path_parameters["slot"]) % len(SLOTS)].name
    slots = case.body.get("slots") if isinstance(case.body, dict) else None
    for at, slot in enumerate(slots if isinstance(slots, list) else []):
        if isinstance(slot, dict) and isinstance(slot.get("name"), str) and at < len(SLOTS):
            slot["name"] = SLOTS[at].name


def beyond_a_schema(case: AnyCase) -> bool:
    """Whether a case that fits may be refused: for a cursor's signature, or a name that comes twice."""
    body = case.body if isinstance(case.body, dict) else {}
    if case.operation.definition.raw["operationId"] == "postEvents":
        return True
    slots: Any = body.get("slots") or []
    names = [slot["name"] for slot in slots if isinstance(slot, dict) and "name" in slot]
    cursors = [slot.get("after") for slot in slots if isinstance(slot, dict)]
    cursors += [(case.query or {}).get("after")]
    return len(set(names)) < len(names) or any(cursors)


def check(case: AnyCase, app: App) -> None:
    """The answer is in the document; raises what schemathesis found, as a group."""
    response = case.call(app=app)
    excluded: list[Any] = _ACCEPTANCE if beyond_a_schema(case) else []
    if response.status_code == 413:
        excluded = [*excluded, *_REJECTION]  # refused, for its size
    case.validate_response(response, excluded_checks=excluded)
    if case.operation.definition.raw["operationId"] == "postEvents":
        check_events(case, response.json())


def check_events(case: AnyCase, answer: dict[str, Any]) -> None:
    """Every event is accounted for, and of an anonymous caller those that fit are taken, and no others."""
    if "rejected" not in answer:
        return
    sent: Any = case.body
    events = sent.get("events", [sent]) if isinstance(sent, dict) else []
    assert answer["accepted"] + len(answer["rejected"]) == len(events)
    refused = {one["index"]: one["reason"] for one in answer["rejected"]}
    seen: set[str] = set()
    for index, event in enumerate(events):
        fits = WHOLE_EVENT.is_valid(event)
        reason = refused.get(index, "")
        if not fits or any(event.get(name) is not None for name in SIGNED_ONLY):
            assert reason, f"taken against the schema: {event}"
        elif reason and reason.partition(":")[0] not in {"no_consent", "token"} | _MEANING:
            assert event["id"] in seen, f"{reason}: {event}"
        if fits:
            seen.add(event["id"])


_MEANING = {"value", "type", "time"}
"""Held against more than a schema says: a purchase's value against its lines, `item` against who asks,
a date in words against 1970."""


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        deps = Deps(SITE, table_with(ANN), live(EDITION, ScoreByPrice()), KEYS, 0.05)
        yield Door(deps, patch)


def send(operation: Any, mode: GenerationMode, app: App, cases: settings = CASES) -> int:
    """So many cases; how many there were."""
    count = 0

    @cases
    @given(operation.as_strategy(generation_mode=mode), WHO, st.booleans())
    def run(case: AnyCase, who: str, beacon: bool) -> None:
        nonlocal count
        count += 1
        given_an_identity(case, who)
        if mode.is_positive:
            of_slots_that_there_are(case)
        if beacon and case.path == "/v1/events":
            case.headers["Content-Type"] = "text/plain"
        check(case, app)

    run()
    return count


@pytest.mark.invariant
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("operation", "mode"), PAIRS)
def test_what_the_document_lets_in_is_taken_and_what_it_does_not_is_refused(
    door: Door, operation: Any, mode: GenerationMode
) -> None:
    assert send(operation, mode, door.wsgi) >= min(_EACH, FEW) // 4


def spoiled(door: Door, **changes: Any) -> App:
    """The functions, with one thing wrong in what they answer."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        told: list[Any] = []
        body = b"".join(door.wsgi(environ, lambda *said: told.extend(said)))
        status, headers = told
        if status.startswith("2"):
            body = (
                json.dumps(json.loads(body) | changes["body"]).encode()
                if "body" in changes
                else body
            )
            status = changes.get("status", status)
        elif "refused" in changes:
            status, body = "200 OK", b'{"purposes":{}}'
        start(status, [(n, v) for n, v in headers if n.lower() != changes.get("without")])
        return [body]

    return app


@pytest.mark.parametrize(
    ("name", "mode", "changes"),
    [
        ("getFragment", GenerationMode.POSITIVE, {"status": "207 Multi-Status"}),
        ("getFragment", GenerationMode.POSITIVE, {"without": "content-type"}),
        ("postFragments", GenerationMode.POSITIVE, {"body": {"fragments": {"hero": {"kind": 5}}}}),
        ("postFragments", GenerationMode.POSITIVE, {"status": "500 Internal Server Error"}),
        ("getMe", GenerationMode.POSITIVE, {"body": {"events": []}}),
        ("putConsent", GenerationMode.NEGATIVE, {"refused": "taken all the same"}),
        ("postEvents", GenerationMode.POSITIVE, {"body": {"accepted": "many"}}),
    ],
)  # fmt: skip
def test_an_answer_that_is_spoiled_is_found_by_as_many_cases(
    door: Door, name: str, mode: GenerationMode, changes: dict[str, Any]
) -> None:
    operation = OPERATIONS[NAMES.index(name)]
    quick = settings(CASES, max_examples=FEW, phases=(Phase.generate,))
    with pytest.raises((FailureGroup, AssertionError, TypeError)):
        send(operation, mode, spoiled(door, **changes), quick)
