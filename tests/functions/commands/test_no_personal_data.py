"""Canaries on the command line: what is no answer (progress, notes, refusals, faults) names nobody."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.clouds import Cloud
from tests.harness.commands import standing
from workbench import cli
from workbench.forget.spellings import found_in, needles

pytestmark = pytest.mark.cloud

VISITOR, USER, EMAIL = "canary-visitor-4fX9qR", "canary-user-77uQ", "canary.mail@example.org"
CANARIES = (VISITOR, USER, EMAIL, "canary-query-hair-loss")
LINE = {
    "id": "e1",
    "type": "search",
    "visitor": VISITOR,
    "query": CANARIES[3],
    "properties": {"mail": EMAIL},
}
LINES = (
    json.dumps(LINE),
    json.dumps({**LINE, "id": "e2", "user": USER}),
    json.dumps({**LINE, "type": EMAIL}),
    # The name of a field that is not known is told, its value is not.
    json.dumps({**LINE, "colour": EMAIL}),
    json.dumps({**LINE, "time": EMAIL}),
    json.dumps({**LINE, "item": f"{EMAIL} x"}),
    json.dumps(LINE)[:-1],
)


@pytest.fixture(autouse=True)
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    changes = {"stream": emulator.make_stream(1), "failed": emulator.make_bucket()}
    with standing(emulator, tmp_path / "state", monkeypatch, **changes):
        yield


def said(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> str:
    """All that the command writes, as the console script runs it."""
    monkeypatch.setattr(sys, "argv", ["hemline", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    return "".join(capfd.readouterr())


def named_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if found_in(text.encode(), needles(canary))]


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", VISITOR, "--visitor"),
        ("forget", USER, "--user", "--json"),
        ("forget", USER),
        ("forget", EMAIL, "--user", "--visitor"),
        ("sweep",),
        ("verify-forgotten", VISITOR),
        ("verify-forgotten", f"{EMAIL} x"),
    ],
    ids=" ".join,
)
def test_forgetting_says_nothing_of_whom(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not named_in(said(arguments, monkeypatch, capfd))


def test_an_import_with_mistakes_tells_places_and_not_people(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(LINES))
    text = said(("import", "events", str(path), "--direct"), monkeypatch, capfd)
    assert "rejected" in text
    assert not named_in(text)


def test_a_person_who_is_named_turns_this_red(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "workbench.forget.commands._progress", lambda place: sys.stderr.write(place + VISITOR)
    )
    assert named_in(said(("verify-forgotten", VISITOR), monkeypatch, capfd)) == [VISITOR]
