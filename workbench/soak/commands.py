"""`hemline soak ingest`: check on this machine that nothing is lost and nothing counts twice."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from workbench.soak.run import SoakProgress, SoakReport


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    soak = typer.Typer(help="Long tests under kills and faults.", no_args_is_help=True)
    soak.callback()(_group)
    soak.command("ingest")(ingest)
    app.add_typer(soak, name="soak")


def _group() -> None:
    """Long tests under kills, faults, repeats and junk, all drawn from a seed."""


def ingest(  # noqa: PLR0913 - a command's options are its arguments
    *,
    events: int = typer.Option(
        1_000_000, min=1, help="Distinct events that clients send; repeats come on top."
    ),
    kills: int = typer.Option(2000, min=0, help="How often the function is killed in mid-batch."),
    faults: int = typer.Option(10_000, min=0, help="How often the table, bucket or stream fails."),
    seed: int = typer.Option(1, help="The same seed gives the same run."),
    shards: int = typer.Option(
        4, min=1, max=64, help="Shards at the start; the stream is resharded."
    ),
    lanes: int = typer.Option(2, min=1, max=10, help="Batches of one shard in flight."),
    batch: int = typer.Option(250, min=1, max=10_000, help="Most records of one invocation."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of tables."),
) -> None:
    """Run events through collect, stream and ingest in this process, then compare stores with input."""
    from workbench.soak.run import SoakSettings, soak

    settings = SoakSettings(events, kills, faults, seed, shards, lanes, batch)
    with _progress() as progress:
        report = soak(settings, progress=progress)
    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        _show(report)
    if not report.holds:
        raise typer.Exit(1)


def as_dict(report: "SoakReport") -> dict[str, object]:
    """The report as `--json` prints it."""
    return {
        "holds": report.holds,
        "settings": report.settings._asdict(),
        "checks": [{**check._asdict(), "holds": check.holds} for check in report.checks],
        "troubles": report.faults,
        "figures": report.figures,
    }


@contextmanager
def _progress() -> "Iterator[SoakProgress]":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from workbench.soak.run import SoakProgress

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("deliver")
        yield SoakProgress(
            total=lambda records: bar.update(task, total=records),
            done=lambda records: bar.advance(task, records),
            phase=lambda name: bar.update(task, description=name),
        )


def _show(report: "SoakReport") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, figures in (("What happened", report.figures), ("What went wrong", report.faults)):
        table = Table("", "count", title=title)
        for name, count in figures.items():
            table.add_row(name, f"{count:,}")
        console.print(table)
    checks = Table("check", "expected", "found", "", title="What must hold")
    for check in report.checks:
        style = None if check.holds else "bold red"
        word = "holds" if check.holds else "BROKEN"
        checks.add_row(check.name, f"{check.expected:,}", f"{check.found:,}", word, style=style)
    console.print(checks)
    print("nothing lost, nothing twice" if report.holds else "a check failed")
