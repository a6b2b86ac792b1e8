"""CPU budgets of the benchmarks, and the check against them, on one core.

A budget assumes an otherwise idle core; `times` raises it on a busy machine.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workbench import children
from workbench.laptop import ROOT

Rows = Sequence[Mapping[str, Any]]
"""The rows that `hemline bench NAME --json` prints."""
_MOST_SECONDS = 600


class BenchBudget(NamedTuple):
    """The CPU budget for one row of a bench's table."""

    row: str
    """The row's name."""
    size: int
    """The row's size, the table's second column."""
    cpu_us: float
    """Most CPU microseconds per unit of work."""


BUDGETS: Mapping[str, BenchBudget] = {
    "decide": BenchBudget("hemline", 200, 600),
    "page": BenchBudget("hemline", 100, 4_000),
    "rules": BenchBudget("hemline", 500, 300),
    "startup": BenchBudget("hemline", 0, 140_000),
}
"""Bench → budget for one decision of 200 candidates, a page of 8 slots, 500 rules, and a cold start."""


class BudgetResult(NamedTuple):
    """A measured bench and its budget."""

    bench: str
    size: int
    cpu_us: float
    """Measured CPU microseconds per unit of work."""
    budget_us: float
    """The budget, multiplied by `times`."""
    within: bool


def check_budget(bench: str, rows: Rows, times: float = 1.0) -> BudgetResult:
    """Compare the rows of a bench with its budget. Raises LookupError when the row is missing."""
    budget = BUDGETS[bench]
    cpu = next((float(r["cpu_us"]) for r in rows if _is(r, budget)), None)
    if cpu is None:
        raise LookupError(f"bench {bench} has no line {budget.row} {budget.size}")
    most = budget.cpu_us * times
    return BudgetResult(bench, budget.size, cpu, most, cpu <= most)


def _is(row: Mapping[str, Any], budget: BenchBudget) -> bool:
    return row["name"] == budget.row and budget.size in row.values()


def run_bench(bench: str, repeats: int) -> Rows:
    """Run one bench in its own process. Raises CalledProcessError when it fails."""
    options = [f"--repeats={repeats}", "--json"]
    command = [sys.executable, "-m", "workbench.cli", "bench", bench, *options]
    done = children.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=_MOST_SECONDS
    )
    rows: Rows = json.loads(done.stdout)["rows"]
    return rows


def check(
    benches: Iterable[str],
    times: float,
    repeats: int,
    measure: Callable[[str, int], Rows] = run_bench,
) -> Iterator[BudgetResult]:
    """Check benches one after another, so that none disturbs another."""
    for bench in benches:
        yield check_budget(bench, measure(bench, repeats), times)
