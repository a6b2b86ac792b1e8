"""A spoiled token is refused with one sentence by everything that takes one: commands, the door, previews."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hemline.adapters.memory import MemoryStream
from hemline.decide.token import KEPT_DAYS, decode
from hemline.model.decision import Visit
from hemline.model.errors import NotAllowed, Unavailable
from hemline.model.signed import sign
from hemline.model.site.slot import Slot
from hemline.runtime.fragments.preview import Pass, mint, pass_of
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Collected
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, catalogue
from tests.builders.receipts import World, signed
from tests.harness.deciding import acts, ask
from workbench import cli, laptop
from workbench.laptop import Running

DAY = 86_400_000
ANN = acts("v:ann", ["i1", "i5"])
HERE = World(catalogue(24), [Slot("row")], history=ANN, ranker=ScoreByPrice())
HERE.arrive(ANN)
TOKEN = signed(HERE.decide(ask("row"), Visit("v:ann", None)).fragments["row"])


def flipped(text: str) -> Iterator[str]:
    """Each bit in turn."""
    raw = text.encode()
    for at in range(len(raw) * 8):
        other = bytearray(raw)
        other[at // 8] ^= 1 << at % 8
        yield other.decode("latin-1")


def cut(text: str) -> Iterator[str]:
    """At every length, from both ends."""
    for at in range(1, len(text)):
        yield text[:at]
        yield text[at:]


def of_another_site() -> str:
    token = decode(TOKEN, KEYS)
    other = msgspec.structs.replace(token, site=b"else")
    return sign("decision", msgspec.msgpack.encode(other), KEYS[0])


ODD = {
    "another's": sign("decision", b"\x90", b"another key, just as long"),
    "of another purpose": sign("visitor", b"ann", KEYS[0]),
    "of another version": sign("decision", b"\x90", KEYS[0]),
    "of another site": of_another_site(),
}

# ---- the door ----


def told(tokens: list[str], now: int = NOW, keys: tuple[bytes, ...] = KEYS) -> Collected:
    """An exposure of each, by a browser."""
    events = [
        {"id": f"e{at}", "type": "exposure", "slot": "row", "token": token}
        for at, token in enumerate(tokens)
    ]
    deps = CollectDeps(MemoryStream(), SITE, lambda: "new", keys=keys)
    return collect_events(json.dumps({"events": events}).encode(), Caller("v:ann"), deps, now)


def test_an_exposure_with_the_token_that_was_sent_is_accepted_until_it_is_too_old() -> None:
    assert told([TOKEN]).accepted == 1
    assert told([TOKEN], NOW + KEPT_DAYS * DAY).accepted == 1
    late = told([TOKEN], NOW + (KEPT_DAYS + 1) * DAY)
    assert f"{KEPT_DAYS + 1} days old" in late.rejected[0].reason


def test_an_exposure_with_a_token_changed_in_any_bit_or_cut_anywhere_is_rejected() -> None:
    spoiled = [*flipped(TOKEN), *cut(TOKEN)]
    for at in range(0, len(spoiled), 400):
        some = spoiled[at : at + 400]
        found = told(some)
        assert (found.accepted, len(found.rejected)) == (0, len(some))
        assert all(one.reason.startswith("token: ") for one in found.rejected)


@pytest.mark.parametrize("odd", ODD)
def test_an_exposure_with_another_token_is_rejected_with_one_sentence(odd: str) -> None:
    found = told([ODD[odd], TOKEN])
    assert (found.accepted, [one.index for one in found.rejected]) == (1, [0])
    assert "token: is refused: this decision" in found.rejected[0].reason


def test_a_signed_batch_speaks_for_itself() -> None:
    event = {"id": "e", "type": "exposure", "slot": "row", "token": "its-own", "visitor": "ann"}
    body = json.dumps({"events": [event]}).encode()
    deps = CollectDeps(MemoryStream(), SITE, lambda: "new", keys=KEYS)
    assert collect_events(body, Caller(signed=True), deps, NOW).accepted == 1


def test_it_turns_red_when_the_door_does_not_look() -> None:
    assert told([ODD["another's"]], keys=()).accepted == 1


# ---- commands ----


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Announced, and not there: a token that is refused is refused before anything is asked."""
    monkeypatch.setenv("HEMLINE_STATE", str(tmp_path / "state"))
    nowhere = "http://127.0.0.1:1"
    key = KEYS[0].decode()
    running = Running(os.getpid(), nowhere, nowhere, "us-east-1", SITE, "t", "", "b", key)
    with laptop.announced(running):
        yield


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    "command", [["explain"], ["replay"], ["why-not"], ["what-if", "--rule", "off:any"]]
)
def test_commands_refuse_what_is_spoiled_with_one_sentence(command: list[str]) -> None:
    name, *options = command
    rest = ["i1"] if name == "why-not" else []
    spoiled = [*list(flipped(TOKEN))[::149], *list(cut(TOKEN))[::37], *ODD.values()]
    for text in spoiled:
        if not text.isprintable() or text.startswith("-"):
            continue
        result = CliRunner().invoke(cli.build(), [name, text, *rest, *options])
        assert isinstance(result.exception, NotAllowed), text
        assert str(result.exception).startswith("this decision")
        assert "\n" not in str(result.exception)


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("command", ["explain", "replay"])
def test_commands_say_how_old_a_token_is(command: str) -> None:
    # It was made in 2023; commands look at the clock.
    result = CliRunner().invoke(cli.build(), [command, TOKEN])
    assert isinstance(result.exception, NotAllowed)
    assert f"days old; receipts are kept for {KEPT_DAYS} days" in str(result.exception)
    # Whoever knows it asks on, and comes as far as the stores, which are not there.
    knowing = CliRunner().invoke(cli.build(), [command, TOKEN, "--expired"])
    assert isinstance(knowing.exception, Unavailable)


# ---- previews ----


def test_a_preview_header_changed_in_any_bit_or_cut_anywhere_is_refused() -> None:
    held = mint(Pass(NOW + 1000, visitor="ann"), KEYS)
    assert pass_of(held, KEYS, NOW).visitor == "ann"
    for text in (*flipped(held), *cut(held), TOKEN):
        with pytest.raises(NotAllowed, match=r"^this preview is not one of ours$"):
            pass_of(text, KEYS, NOW)
