"""A sandbox site replays every receipt it gave, while events arrive and editions change."""

from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hemline.decide.render import reasons
from hemline.usecases.receipts import receipts
from workbench import cli
from workbench.receipts.fault_injection import KINDS
from workbench.receipts.replay_all import replay_all

DATA = Path(__file__).resolve().parents[4] / "../shared/data"


def nothing() -> None:
    """No progress bar."""


def test_every_receipt_of_the_demos_visitors_gives_its_bytes_again() -> None:
    ticks = count()

    def tick() -> None:
        next(ticks)

    found = replay_all(160, None, 3, tick)
    assert (found.equal, found.decisions) == (160, 160), found.differences
    assert next(ticks) == 320
    assert found.fresh > 20
    assert found.editions > 2
    assert found.rungs.keys() >= {"model", "segment", "popular"}
    assert found.troubles.keys() == set(KINDS)
    assert min(found.troubles.values()) >= 3, "each kind of fault was met, and replayed"
    assert found.longest <= 700


def test_the_same_draw_decides_the_same() -> None:
    first, second = (replay_all(40, None, 3, nothing) for _ in range(2))
    assert (first.rungs, first.longest) == (second.rungs, second.longest)


def test_a_clock_that_leaks_into_an_answer_turns_it_red(monkeypatch: pytest.MonkeyPatch) -> None:
    ticking = count()
    monkeypatch.setitem(
        reasons.REASONS, "popular", lambda *a: [f"Popular at {next(ticking)}" for _ in a[-1]]
    )
    result = CliRunner().invoke(cli.build(), ["replay", "--all", "--decisions", "40"])
    assert result.exit_code == 1
    assert "of 40 receipts gave equal bytes" in result.stdout
    assert ": body" in result.stdout


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "x.y", "--all"]])
def test_a_replay_is_of_one_token_or_of_all(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli.build(), arguments)
    assert result.exit_code == 2


@pytest.mark.data
@pytest.mark.parametrize(
    "file",
    [
        "ranklens/events.jsonl.gz",
        pytest.param("online-retail/online_retail.csv.gz", marks=pytest.mark.soak),
    ],
)
def test_receipts_of_real_visitors_give_their_bytes_again(file: str) -> None:
    if not (DATA / file).is_file():
        pytest.skip(f"the public data set {file} is not beside the project")
    found = replay_all(200, DATA / file, 3, nothing)
    assert found.equal == found.decisions, found.differences


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("brake_fact", lambda _: {}), ("_LATE", ""), ("UNREAD", 0)],
    ids=["the brake", "a ranker that failed", "a profile that could not be read"],
)
def test_a_replay_that_forgets_turns_it_red(
    name: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, name, wrong)
    found = replay_all(120, None, 3, nothing)
    assert found.equal < found.decisions
