"""Keys come from the environment, or from the container's endpoint in time before they expire."""

import time
from pathlib import Path
from typing import Any

import pytest

from hemline.adapters.aws.credentials import Credentials, EnvironmentCredentials
from hemline.model.errors import Unavailable
from tests.faults.fault_server import FaultServer, answer, hang, serving
from tests.faults.waiting import until

HOUR = 3600
EXPIRES = 1_767_225_600  # 2026-01-01T00:00:00Z


def keys(number: int) -> dict[str, Any]:
    return {
        "AccessKeyId": f"AKID{number}",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": f"2026-01-01T{number:02}:00:00Z",
    }


class Clock:
    """A clock that stands where a test puts it."""

    now = EXPIRES - HOUR

    def __call__(self) -> float:
        return self.now


def at_endpoint(server: FaultServer, clock: Clock, **more: str) -> EnvironmentCredentials:
    uri = f"{server.endpoint}/keys?a=b"
    return EnvironmentCredentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri} | more, clock)


def test_keys_in_the_environment_are_taken_with_their_token() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}
    assert EnvironmentCredentials(environment)() == Credentials("AKID", "s")
    environment["AWS_SESSION_TOKEN"] = "t"
    assert EnvironmentCredentials(environment)() == Credentials("AKID", "s", "t")


def test_no_keys_anywhere_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no keys"):
        EnvironmentCredentials({})()


def test_keys_from_the_endpoint_are_renewed_before_they_expire() -> None:
    clock = Clock()
    with serving(answer(keys(0)), answer(keys(6))) as server:
        provider = at_endpoint(server, clock)
        assert provider() == provider() == Credentials("AKID0", "secret", "token", EXPIRES)
        assert len(server.seen) == 1
        clock.now = EXPIRES - 299
        assert provider().access_key == "AKID0", "they last: nobody waits for the new ones"
        until(lambda: provider().access_key == "AKID6")
        assert len(server.seen) == 2


def test_an_endpoint_that_is_silent_near_expiry_holds_nobody_up() -> None:
    clock = Clock()
    with serving(answer(keys(0)), hang) as server:
        provider = at_endpoint(server, clock)
        provider()
        clock.now = EXPIRES - 299
        began = time.monotonic()
        for _ in range(50):
            assert provider(60).access_key == "AKID0"
        assert time.monotonic() - began < 2, "less than the endpoint's own deadline"
        until(lambda: len(server.seen) == 2)


def test_without_keys_the_wait_for_a_silent_endpoint_is_the_callers() -> None:
    with serving(hang) as server:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="in time"):
            at_endpoint(server, Clock())(0.05)
        assert time.monotonic() - began < 1.5


def test_the_endpoint_is_shown_its_authorization(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from file\n")
    with serving(answer(keys(0))) as server:
        at_endpoint(server, Clock(), AWS_CONTAINER_AUTHORIZATION_TOKEN="plain")()
        at_endpoint(server, Clock(), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(file))()
        shown = [seen.headers["authorization"] for seen in server.seen]
    assert shown == ["plain", "from file"]


def test_an_endpoint_that_fails_near_expiry_leaves_the_keys_while_they_last() -> None:
    clock = Clock()
    with serving(answer(keys(0)), answer(b"oops", 500)) as server:
        provider = at_endpoint(server, clock)
        provider()
        clock.now = EXPIRES - 10
        assert provider().access_key == "AKID0"
        clock.now = EXPIRES + 1
        with pytest.raises(Unavailable, match="500"):
            provider()


@pytest.mark.parametrize("body", [b"", b"{}", b"[", {"AccessKeyId": "x"}])
def test_an_endpoint_that_talks_nonsense_is_unavailable(body: Any) -> None:
    with serving(answer(body)) as server, pytest.raises(Unavailable, match="endpoint"):
        at_endpoint(server, Clock())()


def test_an_endpoint_elsewhere_is_never_asked_over_plain_http() -> None:
    uri = "http://keys.example.com/"
    with pytest.raises(Unavailable, match="neither local nor https"):
        EnvironmentCredentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri})()
