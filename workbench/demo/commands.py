"""`hemline simulate`: the demo shop's visitors as a file that `hemline import events` reads."""

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Hang `simulate` on the app."""
    app.command("simulate")(simulate)


def simulate(  # noqa: PLR0913 - a command's options are its arguments
    *,
    visitors: Annotated[int, typer.Option(min=1, help="Number of visitors.")] = 1500,
    days: Annotated[int, typer.Option(min=1, help="Length of the period in days.")] = 28,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other visitors.")] = 7,
    until: Annotated[
        int | None, typer.Option(min=0, help="End of the period in epoch ms; default: now.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file, not to standard output.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --out: figures as one JSON object.")
    ] = False,
) -> None:
    """Write simulated visits to the demo shop, one event a line. The same seed gives the same visits."""
    import msgspec

    from workbench.demo.simulator import history

    moment = int(time.time() * 1000) if until is None else until
    counts: dict[str, int] = {}
    with out.open("wb") if out else nullcontext(sys.stdout.buffer) as sink:
        for event in history(until=moment, seed=seed, visitors=visitors, days=days):
            sink.write(msgspec.json.encode(event) + b"\n")
            counts[str(event["type"])] = counts.get(str(event["type"]), 0) + 1
    figures = {"events": sum(counts.values()), "visitors": visitors, "until": moment, **counts}
    if out and as_json:
        print(msgspec.json.encode(figures).decode())
    elif out:
        print(f"{out}: {figures['events']} events of {visitors} visitors in {days} days")
