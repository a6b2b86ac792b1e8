"""Every function's waits end before Lambda ends it: read from template.yaml and from what is wired."""

import json
import time
from typing import Any

import pytest

from hemline.adapters.aws.client import AwsClient
from hemline.runtime.identity import sign_visitor
from hemline.runtime.limits import LIMITS, MARGIN, START_SECONDS, Budget
from hemline.usecases.receipts import preview
from hemline.usecases.serving import decide_page
from tests.builders.editions import KEYS
from tests.builders.template import parameters, timeouts
from tests.faults.fault_server import hang, serving
from tests.harness.account_harness import KEY, token
from tests.harness.clouds import Cloud
from tests.harness.functions import environment, event, load

KINDS = {"dynamodb", "s3", "kinesis"}
NAMES = {"table": "t", "bucket": "b", "stream": "s", "failed": "f"}


def clients_in(app: Any) -> list[AwsClient]:
    """All that hang on what the function has wired, however deep."""
    found: dict[int, AwsClient] = {}
    waiting, seen = (
        [vars(app)[n] for n in ("deps", "places", "forgetting") if n in vars(app)],
        set(),
    )
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, AwsClient):
            found[id(one)] = one
        elif isinstance(one, tuple):
            waiting += one
        elif type(one).__module__.startswith("hemline."):
            waiting += vars(one).values() if hasattr(one, "__dict__") else ()
    return list(found.values())


def wrong(function: str, app: Any, timeout: float) -> list[str]:
    """What could outlast the function, of its clients and its budget."""
    budget = LIMITS[function].budget
    faults = [] if budget + MARGIN < timeout or function == "fragments" else ["the budget"]
    for client in clients_in(app):
        retries, (connect, read, _) = client.retries, client.timeouts
        if function != "fragments" and client.budget is None:
            faults.append(f"{client.service} has no budget")
        if function != "fragments" and not connect + read <= retries.total < timeout - MARGIN:
            faults.append(f"{client.service}: {retries.total} s")
    return faults


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> Any:
    def made(function: str) -> Any:
        with serving(hang) as server:
            gone = Cloud("nowhere", server.endpoint)
        return load(function, environment(gone, **NAMES), monkeypatch)

    return made


def test_every_function_of_the_template_has_limits_and_no_other_one() -> None:
    assert set(timeouts()) == set(LIMITS)


@pytest.mark.parametrize("function", sorted(LIMITS))
def test_repeats_and_work_of_a_function_end_before_its_timeout(function: str, apps: Any) -> None:
    app = apps(function)
    assert {client.service for client in clients_in(app)} <= KINDS
    assert clients_in(app), "what is wired was found"
    assert wrong(function, app, timeouts()[function]) == []


@pytest.mark.parametrize("function", sorted(set(LIMITS) - {"fragments"}))
def test_limits_of_the_function_itself_would_be_noticed(function: str, apps: Any) -> None:
    """As collect had them: ten seconds for a call, and ten for the function."""
    app = apps(function)
    for client in clients_in(app):
        client.retries = client.retries._replace(total=timeouts()[function])
    assert wrong(function, app, timeouts()[function])


def test_a_decision_s_waits_end_before_its_function_does_even_on_a_cold_start() -> None:
    longest = parameters()["ReadTimeoutMs"]["MaxValue"] / 1000
    read = min(longest, decide_page._DEFAULT_DEADLINE_MS / 1000)
    visitor = START_SECONDS + read + read / 2
    previewed = START_SECONDS + 2 * preview._TIMEOUT_SECONDS
    assert max(visitor, previewed) + MARGIN <= timeouts()["fragments"]


def test_a_budget_is_what_is_left_of_the_invocation_when_that_is_less() -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 3000

    now = [100.0]
    budget, seen = Budget(6.0, lambda: now[0]), []
    for context in (None, Context()):
        budget.within(lambda _event, _context: seen.append(budget.left()))({}, context)
    assert seen == [6.0, 3.0 - MARGIN]
    assert budget.left() == 6.0, "between invocations, a whole one"

    def work(_event: Any, _context: Any) -> float:
        now[0] += 5
        return budget.left()

    assert budget.within(work)({}, None) == 1.0


CALLS = [
    ("collect", "batch"),
    ("account", "consent"),
    ("account", "export"),
    ("account", "forget"),
    ("account", "identify"),
]


@pytest.mark.parametrize(("function", "scenario"), CALLS)
def test_an_invocation_whose_every_call_hangs_answers_503_within_its_budget(
    function: str, scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All dependencies silent at once, with limits a tenth of the real ones: the sum is what counts."""
    monkeypatch.setitem(
        LIMITS, function, type(LIMITS[function])(*(s / 10 for s in LIMITS[function]))
    )
    with serving(hang) as server:
        names = environment(Cloud("silent", server.endpoint), **NAMES)
        names |= {"HEMLINE_USER_KEYS": f"1:{KEY.secret.decode()}"}
        app = load(function, names, monkeypatch)
        payload = event(function, scenario)
        payload["cookies"] = [f"hem_v={sign_visitor('ann', KEYS)}"]
        if scenario == "identify":
            payload["headers"]["authorization"] = f"Bearer {token('ann')}"
        began = time.monotonic()
        answer = app.handler(payload, None)
        took = time.monotonic() - began
    assert answer["statusCode"] == 503, json.loads(answer["body"])
    assert int(answer["headers"]["Retry-After"]) > 0
    assert took < timeouts()[function] / 10 + 1
