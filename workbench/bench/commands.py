"""`hemline bench …`: measures Hemline's speed on this machine against a naive implementation."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from workbench.bench.measure import BenchRow

_JSON = typer.Option(False, "--json", help="Print one JSON object instead of a table.")
_REPEATS = typer.Option(7, min=1, help="Rounds; the table shows the median.")
_HERE = typer.Option(
    False, "--here", help="Use this environment's packages, not those that a Lambda ships."
)


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    bench = typer.Typer(
        help="Measure speed here, against a naive variant that gives the same answers."
    )
    kinds = (decide, page, rules, worst, templates, serve, overload, ingest, startup, budgets)
    for command in kinds:
        bench.command()(command)
    app.add_typer(bench, name="bench")


def decide(*, repeats: int = _REPEATS, as_json: bool = _JSON, here: bool = _HERE) -> None:
    """From a loaded profile to a rendered answer: 100 and 200 candidates, hot and paced."""
    _unless(here, "decide", repeats, as_json=as_json)
    from workbench.bench import decide as bench

    _report("candidates", lambda: bench.rows(repeats=repeats), as_json=as_json)


def rules(*, repeats: int = _REPEATS, as_json: bool = _JSON, here: bool = _HERE) -> None:
    """50 and 500 rules over 10,000 items: which may be shown, and 200 boosted scores."""
    _unless(here, "rules", repeats, as_json=as_json)
    from workbench.bench import rules as bench

    _report("rules", lambda: bench.rows(repeats=repeats), as_json=as_json)


def worst(*, repeats: int = typer.Option(3, min=1), as_json: bool = _JSON) -> None:
    """The worst accepted request for pattern rules: a page URL of 64 kB, 20 slots."""
    from workbench.bench import worst as bench

    _report("bytes", lambda: bench.rows(repeats=repeats), as_json=as_json)


def page(*, repeats: int = _REPEATS, as_json: bool = _JSON, here: bool = _HERE) -> None:
    """Eight slots of 100 candidates each in one request; figures are per page."""
    _unless(here, "page", repeats, as_json=as_json)
    from workbench.bench import page as bench

    _report("candidates", lambda: bench.rows(repeats=repeats), as_json=as_json)


def templates(*, repeats: int = _REPEATS, as_json: bool = _JSON) -> None:
    """10 and 40 cards rendered by a template, by Jinja2 and as default markup."""
    from workbench.bench import templates as bench

    _report("cards", lambda: bench.rows(repeats=repeats), as_json=as_json)


def serve(*, repeats: int = _REPEATS, as_json: bool = _JSON) -> None:
    """A fragment through the gateway and the Lambda runtime of the running stack."""
    from workbench.bench import serve as bench

    _report("candidates", lambda: bench.rows(repeats=repeats), as_json=as_json)


_LEAST = typer.Option(
    0.8, min=0.0, help="Exit status 1 when a smaller share of the goodput is left."
)
_SECONDS = typer.Option(4.0, min=0.5, help="How long each load lasts.")


def overload(
    *,
    repeats: int = _REPEATS,
    seconds: float = _SECONDS,
    least: float = _LEAST,
    as_json: bool = _JSON,
) -> None:
    """Good answers per second at the stack's capacity and at seven times that load."""
    from workbench.bench import overload as bench

    found = bench.measure(seconds=seconds, repeats=repeats)
    if as_json:
        print(bench.as_json(found))
    else:
        print(f"capacity {found.capacity:.0f}/s, answered to {bench.CALLERS} callers who wait")
        for times, tally in ((1, found.at_once), (bench.TIMES, found.crowd)):
            print(
                f"{times} times: {tally.asked:.0f}/s asked, {tally.sent:.0f}/s sent,"
                f" {tally.good:.0f}/s good, {tally.shed:.0f}/s refused with 503,"
                f" p50 {tally.p50_ms} ms, p99 {tally.p99_ms} ms, other {tally.other or 'none'}"
            )
        print(f"{found.share:.0%} of the goodput is left")
    if found.share < least:
        raise typer.Exit(1)


def ingest(*, repeats: int = _REPEATS, as_json: bool = _JSON) -> None:
    """Batches of 500 events into 60 and 219 profiles; figures are per event."""
    from workbench.bench import ingest as bench

    _report("profiles", lambda: bench.rows(repeats=repeats), as_json=as_json)


def startup(*, repeats: int = _REPEATS, as_json: bool = _JSON) -> None:
    """Cold start of the fragments function in a fresh process, minus a bare interpreter."""
    from workbench.bench import startup as bench

    _report("candidates", lambda: bench.rows(repeats=repeats), as_json=as_json)


def _unless(here: bool, name: str, repeats: int, *, as_json: bool) -> None:  # noqa: FBT001 - the name `_unless` makes the call readable
    """Without --here, run the same bench on the packages of a Lambda and exit with its status."""
    if not here:
        from workbench.bench.shipped import run

        raise typer.Exit(run([name, f"--repeats={repeats}", *(["--json"] if as_json else [])]))


_BENCHES = typer.Argument(None, help="decide, page, rules, startup; all when left out.")
_TIMES = typer.Option(1.0, min=0.0, help="Multiply the budgets, for a busy machine.")


def budgets(
    benches: list[str] | None = _BENCHES,
    *,
    times: float = _TIMES,
    repeats: int = _REPEATS,
    as_json: bool = _JSON,
) -> None:
    """Check decide, page, rules and startup against their CPU budgets; exit status 1 over one."""
    from workbench.bench import budgets as bench

    chosen = benches or list(bench.BUDGETS)
    unknown = sorted({*chosen} - {*bench.BUDGETS})
    if unknown:
        known = ", ".join(bench.BUDGETS)
        raise typer.BadParameter(f"{unknown[0]!r} has no budget. These have: {known}.")
    found = list(bench.check(chosen, times, repeats))
    if as_json:
        print(json.dumps({"budgets": [one._asdict() for one in found]}))
    else:
        _table(bench.BudgetResult._fields, found)
    raise typer.Exit(0 if all(one.within for one in found) else 1)


def _report(size: str, measure: "Callable[[], Sequence[BenchRow]]", *, as_json: bool) -> None:
    from workbench.bench.decide import AnswersDiffer

    try:
        rows = measure()
    except AnswersDiffer as difference:
        print(f"hemline: the two variants differ: {difference}", file=sys.stderr)
        raise typer.Exit(1) from None
    columns = ("name", size, "cpu_us", "p50_us", "p99_us", "per_s")
    if as_json:
        print(json.dumps({"rows": [dict(zip(columns, row, strict=True)) for row in rows]}))
    else:
        _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)
