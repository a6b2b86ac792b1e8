"""What a bench may cost, and whether it did: CPU of one core, as `hemline bench` measures it.

Budgets are of a core that does nothing else; beside other jobs `times` says how much more may be.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workbench import children
from workbench.laptop import ROOT

Rows = Sequence[Mapping[str, Any]]
"""As `hemline bench NAME --json` prints them."""
_MOST_SECONDS = 600


class BenchBudget(NamedTuple):
    """Of one line of a bench's table."""

    row: str
    size: int
    """As the table's second column says."""
    cpu_us: float


BUDGETS: Mapping[str, BenchBudget] = {
    "decide": BenchBudget("hemline", 200, 600),
    "page": BenchBudget("hemline", 100, 4_000),
    "rules": BenchBudget("hemline", 500, 300),
    "startup": BenchBudget("hemline", 0, 120_000),
}
"""Bench → what one decision of 200 candidates, a page of 8 slots, 500 rules and a start may cost."""


class BudgetResult(NamedTuple):
    """A bench against its budget."""

    bench: str
    size: int
    cpu_us: float
    budget_us: float
    within: bool


def check_budget(bench: str, rows: Rows, times: float = 1.0) -> BudgetResult:
    """Raises LookupError when the table has no such line."""
    budget = BUDGETS[bench]
    cpu = next((float(r["cpu_us"]) for r in rows if _is(r, budget)), None)
    if cpu is None:
        raise LookupError(f"bench {bench} has no line {budget.row} {budget.size}")
    most = budget.cpu_us * times
    return BudgetResult(bench, budget.size, cpu, most, cpu <= most)


def _is(row: Mapping[str, Any], budget: BenchBudget) -> bool:
    return row["name"] == budget.row and budget.size in row.values()


def run_bench(bench: str, repeats: int) -> Rows:
    """One bench in a process of its own. Raises CalledProcessError when it fails."""
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
    """One after the other, so that none is measured beside another."""
    for bench in benches:
        yield check_budget(bench, measure(bench, repeats), times)
