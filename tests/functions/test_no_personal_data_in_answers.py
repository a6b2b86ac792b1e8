"""Canaries in what is answered: fragments on every rung, account with every call and every refusal."""

import json
from functools import partial
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.edition import Pointer
from hemline.model.errors import Unavailable
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from tests.builders.canaries import (
    CANARIES,
    EVERYTHING,
    FAULTS,
    USER,
    VISITOR,
    Broken,
    Output,
    account_call,
    loaded,
    request,
    user_token,
)
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.harness.clouds import REGION, Cloud
from tests.harness.deciding import acts
from tests.harness.functions import environment, load

pytestmark = pytest.mark.cloud


def test_account_with_every_call_and_every_refusal(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("account", emulator, monkeypatch)
    places = app.deps
    bodies = ["", json.dumps({"purposes": {"analytics": False}}), EVERYTHING]
    bodies += [json.dumps({"purposes": {CANARIES["email"]: True}}), json.dumps({USER: VISITOR})]
    for error in (None, *FAULTS, Unavailable("table", "throttled")):
        if error:
            broken = Broken(error)
            app.deps = places._replace(people=broken, objects=broken, stream=broken)
            app.forgetting = app.forgetting._replace(people=broken, objects=broken)
        for bearer in ("", CANARIES["authorization"], user_token()):
            for route in ("GET /v1/me", "POST /v1/identify", "DELETE /v1/me"):
                call = account_call(route, bearer=bearer)
                output.run(partial(app.handler, call, None))
            for body in bodies:
                call = account_call("PUT /v1/me/consent", body, bearer)
                output.run(partial(app.handler, call, None))
    assert "answered" in output.names_nobody()


def fragments(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    names = {"table": cloud.make_table(), "bucket": cloud.make_bucket()}
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), names["table"])
    objects = S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), names["bucket"])
    slots = [Slot(name, deadline_ms=1000) for name in ("hero", "for-you", "bestsellers")]
    history = acts(f"v:{VISITOR}", ["i1", "i5"])
    data, edition = build_file(catalogue(24), slots, history=history, ranker=linear(together=1.0))
    objects.put(edition_object(SITE, edition.digest), data)
    pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
    table.swap_pointer(SITE, pointer, expected=None)
    blob = encode(fold(Profile(), history))
    table.write_profile(SITE, f"v:{VISITOR}", blob, expected=0)
    return load("fragments", environment(cloud, **names), monkeypatch)


PAGE = {
    "page": {"type": "search", "url": CANARIES["page"], "cart": [CANARIES["cart"]]},
    "slots": [{"name": "hero"}, {"name": "for-you"}, {"name": "bestsellers"}],
}
PAGES = {
    "good": PAGE,
    "unknown slot": {**PAGE, "slots": [{"name": CANARIES["property"]}]},
    "other field": {**PAGE, CANARIES["email"]: 1},
    "bad cart": {**PAGE, "page": {"cart": [CANARIES["email"] + " x"]}},
    "bad candidate": {**PAGE, "slots": [{"name": "hero", "candidates": [EVERYTHING]}]},
    "bad limit": {**PAGE, "slots": [{"name": "hero", "limit": CANARIES["email"]}]},
}


def test_fragments_on_every_rung_and_with_every_rejection(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = fragments(emulator, monkeypatch)
    seen = ""
    for page in PAGES.values():
        payload = request("fragments", "page", body=json.dumps(page))
        seen += str(output.run(partial(app.handler, payload, None)))
        for scenario, query in (
            ("slot-json", "item=i1&after=" + CANARIES["forged cookie"]),
            ("slot-json", "limit=" + CANARIES["email"]),
            ("slot-json", "explain=1"),
            ("slot-html", "exclude=" + CANARIES["cart"]),
        ):
            for bearer in ("", CANARIES["authorization"], user_token()):
                ask = request("fragments", scenario, bearer=bearer, rawQueryString=query)
                output.run(partial(app.handler, ask, None))
    places = app.deps
    for error in (*FAULTS, Unavailable("dynamodb", "timed out")):
        app.deps = places._replace(reader=Broken(error))
        output.run(lambda: app.handler(request("fragments", "page"), None))
    text = output.names_nobody()
    assert "decided" in text
    token = json.loads(app.handler(request("fragments", "page"), None)["body"])
    for fragment in token["fragments"].values():
        assert fragment["token"] not in text
