"""Budgets of the benches: held, or exit status 1."""

import json
from collections.abc import Sequence
from functools import partial

import pytest
import typer
from typer.testing import CliRunner, Result

from workbench.bench import budgets, commands
from workbench.bench.budgets import BUDGETS, Rows, check_budget

COSTS = {"decide": 600.0, "page": 4_000.0, "rules": 300.0, "startup": 140_000.0}
"""Each exactly as much as it may."""


def rows(bench: str, more: float = 0.0) -> Rows:
    """As the bench prints them, with lines that the budget is not of."""
    size = BUDGETS[bench].size
    lines = [("hemline", size, COSTS[bench] + more), ("naive", size, 1e9), ("hemline", 7, 1e9)]
    return [{"name": name, "candidates": n, "cpu_us": cpu} for name, n, cpu in lines]


def called(
    monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str] = (), slow: str = ""
) -> Result:
    """The command, with benches that cost what they may, and `slow` a little more."""

    def measure(bench: str, _: int) -> Rows:
        return rows(bench, more=0.1 if bench == slow else 0.0)

    real = budgets.check
    monkeypatch.setattr(budgets, "check", partial(real, measure=measure))
    app = typer.Typer()
    commands.register(app)
    return CliRunner().invoke(app, ["bench", "budgets", *arguments])


def test_what_costs_no_more_than_it_may_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = called(monkeypatch, ["--json"])
    assert found.exit_code == 0
    told = {one["bench"]: one["within"] for one in json.loads(found.stdout)["budgets"]}
    assert told == dict.fromkeys(BUDGETS, True)


@pytest.mark.parametrize("bench", BUDGETS)
def test_what_costs_more_ends_with_one_and_is_named(
    monkeypatch: pytest.MonkeyPatch, bench: str
) -> None:
    found = called(monkeypatch, ["--json"], bench)
    assert found.exit_code == 1
    over = [one for one in json.loads(found.stdout)["budgets"] if not one["within"]]
    assert [(one["bench"], one["budget_us"]) for one in over] == [(bench, COSTS[bench])]


def test_a_busy_core_may_take_longer_by_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, ["--times", "1.5"], "page").exit_code == 0
    assert called(monkeypatch, ["--times", "0.9"]).exit_code == 1


def test_one_bench_alone_and_none_that_has_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, ["rules"], "page").exit_code == 0
    assert called(monkeypatch, ["serve"]).exit_code == 2


def test_a_line_that_is_not_there_is_no_line_within_its_budget() -> None:
    with pytest.raises(LookupError, match="rules has no line"):
        check_budget("rules", rows("page"))
