"""`hemline train` and `hemline evaluate`. Each command imports its heavy modules itself."""

import json
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from models.results import Result

Log = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The data set's file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Tick = Callable[[], None]


def register(app: typer.Typer) -> None:
    """Hang this area's commands on the app."""
    evaluate = typer.Typer(help="Measure the ranker on public data, by the stated protocols.")
    evaluate.command("ranklens")(evaluate_ranklens)
    evaluate.command("online-retail")(evaluate_online_retail)
    evaluate.command("diversity")(evaluate_diversity)
    evaluate.command("newcomers")(evaluate_newcomers)
    evaluate.command("choice")(evaluate_choice)
    app.add_typer(evaluate, name="evaluate")
    app.command("train")(train)


def evaluate_ranklens(file: Log, *, as_json: AsJson = False) -> None:
    """P1: clicks in ranked lists of films, by time; about a minute."""
    from models import ranklens

    log = ranklens.read(file)
    with _progress("replaying", log.records, quiet=as_json) as tick:
        found = ranklens.examples(log, tick)
    _print(ranklens.evaluate(found), as_json=as_json)


def evaluate_online_retail(file: Log, *, as_json: AsJson = False) -> None:
    """P3: predict a customer's next invoice; two to three minutes."""
    from models import online_retail

    log = online_retail.read(file)
    with _progress("replaying", log.purchases, quiet=as_json) as tick:
        found = online_retail.examples(log, tick)
    _print(online_retail.evaluate(found), as_json=as_json)


def evaluate_newcomers(file: Log, *, as_json: AsJson = False) -> None:
    """P1's lists (RankLens) with one film in ten as a cold item: what item similarity adds."""
    from models import newcomers, ranklens

    log = ranklens.read(file)
    with _progress("replaying", log.records, quiet=as_json) as tick:
        made = newcomers.evaluate(newcomers.lists(log, tick))
    if as_json:
        typer.echo(json.dumps({"protocol": "P1", "rows": [row._asdict() for row in made]}))
        return
    for row in made:
        typer.echo(
            f"{row.judged:<34}{row.lists:>6} lists  {row.knows:<28}{row.ndcg:.4f} ± {row.se:.4f}"
        )


def evaluate_diversity(file: Log, *, as_json: AsJson = False) -> None:
    """P1's lists (RankLens) diversified: the loss of NDCG@10 and the gain in distance by strength."""
    from models import diversity, ranklens

    log = ranklens.read(file)
    with _progress("replaying", log.records, quiet=as_json) as tick:
        found = ranklens.examples(log, tick)
    made = diversity.evaluate(found, log.items)
    if as_json:
        typer.echo(json.dumps({"protocol": "P1", "rows": [row._asdict() for row in made]}))
        return
    typer.echo(
        f"{'over':<10}{'strength':>9}{'NDCG@10':>9}{'less (95 %)':>21}{'distance':>10}{'categories':>12}"
    )
    for row in made:
        less = "{:+.4f} to {:+.4f}".format(*row.loss)
        figures = f"{row.strength:>9.1f}{row.ndcg:>9.4f}{less:>21}{row.distance:>10.3f}"
        typer.echo(f"{row.over:<10}{figures}{row.categories:>12.2f}")


def evaluate_choice(
    *,
    days: Annotated[int, typer.Option(min=1, help="Days, an edition each.")] = 10,
    visits: Annotated[int, typer.Option(min=1, help="Visitors a day.")] = 500,
    seeds: Annotated[int, typer.Option(min=1, help="Shops of each kind.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Simulated shops: what learning the best variant adds; about three minutes."""
    from models import choice

    with _progress("simulating", range(choice.runs(seeds)), quiet=as_json) as tick:
        made = choice.evaluate(days, visits, seeds, tick)
    if as_json:
        typer.echo(json.dumps({"rows": [row._asdict() for row in made]}))
        return
    typer.echo(f"{'shop':<24}{'learns':<10}{'clicks':>9}{'regret':>9}{'best, last day':>16}")
    for row in made:
        figures = f"{row.clicks:>9.1f}{row.regret:>9.1f}{row.best:>16.1%}"
        typer.echo(f"{row.shop:<24}{row.learns:<10}{figures}")


Events = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Events as `hemline import events` takes them."),
]
Out = Annotated[Path | None, typer.Option(file_okay=False, help="Folder for the two files.")]


def train(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Learn from simulated visitors.")] = False,
    events: Events = None,
    slot: Annotated[str, typer.Option(help="Learn from this slot's lists only.")] = "",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Train the ranker: from the running stack's archive, from a file, or from the simulator.

    A ranker trained from the archive is stored for the next `hemline publish`, others go into a folder.
    """
    from models import fitting, sources

    if demo:
        with _progress("simulating shops", sources.DEMO_SHOPS, quiet=as_json) as tick:
            found = sources.simulated(tick)
        fitted = fitting.fit(found, "simulator", more=sources.truth)
        place = sources.folder(out or sources.SHIPPED)
    elif events is not None:
        log, name = sources.file(events), events.name
        with _progress("replaying", log.records, quiet=as_json) as tick:
            found = sources.learnt(log, slot, tick)
        fitted, place = fitting.fit(found, name), sources.folder(out or Path())
    else:
        stack = sources.running()
        log = sources.archive(stack)
        with _progress("replaying", log.records, quiet=as_json) as tick:
            found = sources.learnt(log, slot, tick)
        fitted = fitting.fit(found, f"archive of {stack.site}")
        place = sources.folder(out) if out else sources.bucket(stack)
    place(fitted.files)
    _print(fitted.result, as_json=as_json)


@contextmanager
def _progress(what: str, over: Sized, *, quiet: bool) -> Iterator[Tick]:
    from rich.progress import Progress

    with Progress(transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=len(over))
        yield lambda: progress.advance(task)


def _print(result: "Result", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result.as_json()))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.protocol}: {result.lists} lists")
    for name in ("ranker", "NDCG@10", "± se", "hemline minus it (95 %)"):
        table.add_column(name, justify="left" if name == "ranker" else "right")
    for row in result.rows:
        low_high = "" if row.against is None else "{:+.4f} to {:+.4f}".format(*row.against)
        table.add_row(row.model, f"{row.ndcg:.4f}", f"{row.se:.4f}", low_high)
    Console().print(table)
