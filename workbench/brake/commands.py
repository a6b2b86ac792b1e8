"""`hemline brake`: stop a slot, an item, an edition, the ranker or exploration at once, with a log."""

import getpass
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from hemline.model.brake import Brake, BrakeChange, Stop
    from workbench.laptop import Running


class Kind(StrEnum):
    """What can be stopped: the same words as `model.brake.Kind`, as an enum for typer."""

    FREEZE = "freeze"
    BLOCK = "block"
    PLACE = "place"
    PIN = "pin"
    NO_RANKER = "no-ranker"
    NO_EXPLORATION = "no-exploration"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Why = Annotated[str, typer.Option(help="The reason, which the log keeps.")]
Who = Annotated[str, typer.Option(help="Who does it; defaults to this shell's account.")]
Name = Annotated[
    str, typer.Argument(help="Slot, item, SLOT/POSITION or an edition's first digits.")
]


def register(app: typer.Typer) -> None:
    """Hang `brake` on the app."""
    group = typer.Typer(help="Stop something at once, with a log; takes effect within 5 s.")
    group.callback()(_brake)
    group.command("set")(set_)
    group.command("clear")(clear)
    group.command("show")(show)
    app.add_typer(group, name="brake", no_args_is_help=True)


def _brake() -> None:
    """Stop something at once, with a log; takes effect within 5 s on warm functions."""


def set_(  # noqa: PLR0913 - a command's options are its arguments
    kind: Kind,
    name: Name = "",
    *,
    why: Why,
    who: Who = "",
    shows: Annotated[
        str,
        typer.Option(help="freeze: item ids, comma-separated, or one variant. place: one item id."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Freeze SLOT, block ITEM, place SLOT/POSITION, pin EDITION, no-ranker, no-exploration."""
    from hemline.model.brake import Stop
    from hemline.usecases.sites import brake
    from workbench import laptop, stores

    stack = laptop.running()
    places = stores.brake_deps(stack)
    if kind is Kind.PIN and name:
        name = brake.edition_named(places.objects, stack.site, name)
    listed = tuple(part for part in shows.split(",") if part)
    stop = Stop(kind.value, who or getpass.getuser(), _now(), why, name, listed)
    after = brake.set_stop(stack.site, places, stop)
    if warning := _warning(stop, stack):
        print(f"note: {warning}", file=sys.stderr)
    _print_stops(after, as_json=as_json)


def clear(
    kind: Annotated[Kind | None, typer.Argument(help="Everything when left out.")] = None,
    name: Name = "",
    *,
    why: Why,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Release one thing, all of a kind, or everything."""
    from hemline.model.brake import BrakeChange
    from hemline.usecases.sites import brake
    from workbench import laptop, stores

    stack = laptop.running()
    change = BrakeChange(
        "clear", who or getpass.getuser(), _now(), why, kind.value if kind else "", name
    )
    _print_stops(brake.clear(stack.site, stores.brake_deps(stack), change), as_json=as_json)


def show(
    *,
    log: Annotated[bool, typer.Option("--log", help="Every change, oldest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """What is stopped now, by whom, since when and why."""
    from hemline.usecases.sites import brake
    from workbench import laptop, stores

    stack = laptop.running()
    if not log:
        _print_stops(brake.show(stack.site, stores.brake_deps(stack)), as_json=as_json)
        return
    found = [b.change for b in brake.log(stack.site, stores.brake_deps(stack)) if b.change]
    if as_json:
        _print_json({"changes": found})
        return
    for change in found:
        print(_line(change.at, f"{change.act} {change.kind or 'all'} {change.name}", change))


def _print_stops(brake: "Brake", *, as_json: bool) -> None:
    if as_json:
        _print_json({"version": brake.version, "stops": brake.stops})
        return
    print(f"{len(brake.stops)} stopped" if brake.stops else "nothing is stopped")
    for stop in brake.stops:
        shows = f" showing {', '.join(stop.shows)}" if stop.shows else ""
        print(_line(stop.at, f"{stop.kind} {stop.name}{shows}", stop))


def _line(at: int, what: str, by: "Stop | BrakeChange") -> str:
    when = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"  {when}  {what.rstrip()}  by {by.who}: {by.why}"


def _warning(stop: "Stop", stack: "Running") -> str:
    """A warning about a stop that looks wrong. The stop is already in force: this must not prevent it."""
    from hemline.model.errors import HemlineError
    from hemline.usecases.sites import brake
    from workbench import stores

    try:
        return brake.doubt(stop, stores.live_edition(stack))
    except HemlineError as why:
        return f"the live edition cannot be read: {why}"


def _now() -> int:
    return time.time_ns() // 1_000_000


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())
