"""Canaries in what comes in: collect with every body, ingest with poison, both with stores that fail."""

import json
import time
from functools import partial

import pytest

from hemline.model.errors import NotDurable, Unavailable
from hemline.model.events.batch_signature import sign_batch
from hemline.model.events.event import encode_record
from tests.builders.canaries import (
    BODIES,
    CANARIES,
    EVERYTHING,
    FAULTS,
    USER,
    VISITOR,
    Broken,
    Output,
    batch,
    collect,
    loaded,
    raising,
    record_of,
    request,
    user_token,
)
from tests.builders.editions import KEYS
from tests.harness.clouds import Cloud

pytestmark = [
    pytest.mark.cloud,
    # What Powertools says when a handler fails before it has counted anything.
    pytest.mark.filterwarnings("ignore:No application metrics"),
]


def test_collect_with_every_body(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = collect(emulator, monkeypatch)
    for text in BODIES.values():
        signed = request("collect", "batch", body=text)
        stamp = sign_batch(text.encode(), KEYS[0], time.time_ns() // 1_000_000)
        signed["headers"] = {**signed["headers"], "hemline-signature": stamp}
        forged = request("collect", "batch", body=text)
        forged["headers"] = {**forged["headers"], "hemline-signature": CANARIES["forged cookie"]}
        named = json.dumps({**json.loads(BODIES["good"])["events"][0], "user": USER})
        for payload in (
            request("collect", "batch", body=text),
            request(
                "collect", "batch", body=text, cookies=["__Host-hem_v=" + CANARIES["forged cookie"]]
            ),
            request("collect", "batch", body=text, isBase64Encoded=True),
            request("collect", "batch", body=text, bearer=CANARIES["authorization"]),
            request("collect", "batch", body=text, bearer=user_token()),
            {**signed, "body": text},
            {**forged, "body": named},
        ):
            assert output.run(partial(app.handler, payload, None))
    assert "Accepted" in output.names_nobody()


def test_collect_with_a_stream_that_is_missing_late_or_broken(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = collect(emulator, monkeypatch, "never-made")
    payload = request("collect", "batch", body=BODIES["good"])
    output.run(lambda: app.handler(payload, None))
    for error in (*FAULTS, NotDurable("throttled")):
        app.deps = app.deps._replace(stream=Broken(error))
        output.run(lambda: app.handler(payload, None))
    assert "not durable" in output.names_nobody()


def test_ingest_with_good_ones_poison_and_stores_that_fail(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("ingest", emulator, monkeypatch)
    good = [encode_record(record_of(who)) for who in (f"v:{VISITOR}", f"u:{USER}")]
    poison = [
        good[0][:-1],
        EVERYTHING.encode(),
        good[0].replace(b'"received"', b'"' + VISITOR.encode()),
    ]
    assert output.run(lambda: app.handler(batch(*good, *poison, *good), None))
    places = app.deps
    for error in (*FAULTS, Unavailable("table", "throttled")):
        for name in ("people", "objects"):
            app.deps = places._replace(**{name: Broken(error)})
            output.run(lambda: app.handler(batch(*good, *poison), None))
    monkeypatch.setattr("hemline.usecases.ingest.fold.profiles.fold_counted", raising(FAULTS[1]))
    app.deps = places
    output.run(lambda: app.handler(batch(*good), None))
    app.deps.pool.shutdown()
    text = output.names_nobody()
    assert "deliver again from here" in text
