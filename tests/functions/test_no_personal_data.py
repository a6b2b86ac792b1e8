"""Canaries: what names a person goes through every function, and into no line that it writes.

At the loudest log level, with success, with every rejection, with stores that are missing or late, and
with faults of every layer whose message is nothing but canaries. What a function raises counts as a
line too: the Lambda runtime logs it.
"""

import base64
import json
import sys
import traceback
from functools import partial, reduce
from typing import Any

import pytest

from hemline.model.errors import BadInput, Conflict
from hemline.model.events.event import encode_record
from hemline.runtime.guard import UnexpectedError
from hemline.usecases.ingest.archive import append, line
from tests.builders.canaries import (
    BODIES,
    FAULTS,
    USER,
    VISITOR,
    Output,
    account_call,
    batch,
    collect,
    loaded,
    raising,
    record_of,
    request,
)
from tests.builders.editions import SITE
from tests.harness.clouds import Cloud
from tests.harness.functions import event

pytestmark = [
    pytest.mark.cloud,
    # What Powertools says when a handler fails before it has counted anything.
    pytest.mark.filterwarnings("ignore:No application metrics"),
]
SEAMS = {
    "collect": ("caller_of", "collect_events", "answer_of", "_report"),
    "fragments": ("page_request_of", "visit_of", "decide", "answer_of", "_report"),
    "ingest": ("_records", "ingest_batch"),
    "publish": ("wiring.command_of", "_run", "_scheduled"),
    "sweep": ("sweep_on",),
    "account": ("account_in.asker", "account.export", "response.exported", "log"),
}


def payload_for(name: str, seam: str) -> dict[str, Any]:
    if name == "ingest":
        return batch(encode_record(record_of(f"v:{VISITOR}")))
    if name == "publish":
        return {**event("publish", "schedule" if seam == "_scheduled" else "command"), "site": SITE}
    if name == "sweep":
        return {}
    if name == "account":
        return account_call("GET /v1/me")
    return request(name, "batch" if name == "collect" else "page")


@pytest.mark.parametrize(
    ("name", "seam"), [(name, seam) for name, seams in SEAMS.items() for seam in seams]
)
def test_a_fault_at_any_seam_fails_the_call_and_names_nobody(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output, name: str, seam: str
) -> None:
    app = loaded(name, emulator, monkeypatch)
    for error in FAULTS:
        if isinstance(error, BadInput | Conflict):
            continue  # ours, with words that are chosen; what they say goes to the caller
        *way, last = seam.split(".")
        monkeypatch.setattr(reduce(getattr, way, app), last, raising(error))
        assert output.run(lambda: app.handler(payload_for(name, seam), None)) is None
    text = output.names_nobody()
    assert text.count("UnexpectedError: KeyError at canaries.py") >= 1
    assert "RuntimeError" in text


def test_publish_with_people_in_the_archive(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("publish", emulator, monkeypatch)
    rows = [
        line("s0", str(n), record_of(who)) for n, who in enumerate((f"v:{VISITOR}", f"u:{USER}"))
    ]
    append(app.deps.objects, rows)
    site = event("publish", "site-file")
    for payload in (
        event("publish", "schedule"),
        {**site, "site": SITE},
        event("publish", "schedule"),
    ):
        output.run(partial(app.handler, payload, None))
    for error in FAULTS:
        monkeypatch.setattr("hemline.usecases.publishing.publish.read_archive", raising(error))
        if not isinstance(error, BadInput | Conflict):
            output.run(lambda: app.handler({**site, "site": SITE}, None))
    # The metric of a publish, which is written at every log level; the log line is not.
    assert '"Counted":[2.0]' in output.names_nobody()


def test_a_fault_says_where_it_was_and_nothing_else() -> None:
    from hemline.runtime.guard import guarded  # noqa: PLC0415 - one place

    with pytest.raises(UnexpectedError) as told:
        guarded(raising(KeyError(VISITOR)))()
    assert str(told.value).startswith("KeyError at canaries.py:")
    assert VISITOR not in "".join(traceback.format_exception(told.value))
    assert told.value.__context__ is None


@pytest.mark.parametrize("seeded", ["event", "base64", "exception"])
def test_a_function_that_logs_its_event_turns_these_tests_red(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], seeded: str
) -> None:
    app, output = collect(emulator, monkeypatch), Output(capfd)
    payload = request("collect", "batch", body=BODIES["good"])
    text = json.dumps(payload)

    def logging_it(event: dict[str, Any], context: object) -> object:
        if seeded == "exception":
            raise RuntimeError(event["cookies"])
        sys.stdout.write(text if seeded == "event" else base64.b64encode(text.encode()).decode())
        return context

    monkeypatch.setattr(app, "handler", logging_it)
    output.run(lambda: app.handler(payload, None))
    with pytest.raises(AssertionError):
        output.names_nobody()
