"""`hemline site …`: check a site file, show which rules are live at a time, compare two files."""

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli_time import epoch_ms, parse_time

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from hemline.model.site.site import Site
    from hemline.sitefile.accept import Reviewed
    from hemline.sitefile.reader import Finding

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
File = Annotated[
    Path, typer.Argument(exists=True, readable=True, help="A site file, or a folder of them.")
]
Items = Annotated[
    Path | None,
    typer.Option(
        "--items",
        exists=True,
        dir_okay=False,
        help="A catalogue (CSV or JSON lines) instead of the running stack's.",
    ),
]
At = Annotated[
    datetime | None, typer.Option(parser=parse_time, help="Use this time (UTC) instead of now.")
]


def register(app: typer.Typer) -> None:
    """Hang `site` and its commands on the app."""
    group = typer.Typer(help="Site files: check, show and compare slots and rules.")
    group.callback()(_site)
    group.command("check")(check)
    group.command("show")(show)
    group.command("diff")(diff)
    app.add_typer(group, name="site", no_args_is_help=True)


def _site() -> None:
    """Site files: check, show and compare slots and rules."""


def check(  # noqa: PLR0913 - a command's options are its arguments
    file: File,
    *,
    items: Items = None,
    at: At = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    notes: Annotated[bool, typer.Option("--notes", help="Show notes too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every mistake in a site file; exit status 1 when one is an error."""
    from hemline.sitefile.accept import reviewed
    from workbench.publish import reading

    catalogue = reading.catalogue(items)
    size = None if catalogue is None else len(catalogue)
    found = reviewed(reading.texts(file), epoch_ms(at), catalogue)
    if as_json:
        _print_json(_report(file, found, size))
    else:
        print_findings(file, [f for f in found.findings if notes or f.severity != "note"])
        print(_summary(file, found, size))
    failing = {"error", "warning"} if strict else {"error"}
    raise typer.Exit(1 if any(f.severity in failing for f in found.findings) else 0)


def _report(file: Path, found: "Reviewed", items: int | None) -> dict[str, object]:
    rows = [f._asdict() | {"file": f.file or str(file)} for f in found.findings]
    return {"file": str(file), "items": items, "findings": rows}


def _summary(file: Path, found: "Reviewed", items: int | None) -> str:
    counts = Counter(finding.severity for finding in found.findings)
    parts = [
        f"{counts[word] or 'no'} {word}{'s' * (counts[word] != 1)}"
        for word in _ORDER
        if counts[word] or word == "error"
    ]
    against = "no catalogue (name one with --items FILE)"
    if items is not None:
        against = f"{items:,} items"
    size = f"{len(found.site.slots)} slots, {len(found.site.rules)} rules, " if found.site else ""
    return f"{file}: {size}{', '.join(parts)}; checked against {against}"


_ORDER = ("error", "warning", "note")


def show(file: File, *, at: At = None, as_json: AsJson = False) -> None:
    """Show the slots, and the rules that can apply now or at another time (`--at`)."""
    from hemline.sitefile.review.site import live_rules

    site = load_valid_site(file, as_json=as_json)
    moment = epoch_ms(at)
    live = [rule.name for rule in live_rules(site, moment)]
    resting = [rule.name for rule in site.rules if rule.name not in live]
    if as_json:
        slots = [slot.name for slot in site.slots]
        _print_json({"at": moment, "slots": slots, "live": live, "resting": resting})
        return
    print(f"{file} at {_when(moment)}: {len(site.slots)} slots, {len(live)} rules can be in force")
    for rule in live_rules(site, moment):
        print(f"  {rule.action:<9} {rule.name:<32} in {', '.join(rule.slots) or 'every slot'}")
    if resting:
        print(f"not then: {', '.join(resting)}")


def diff(  # noqa: PLR0913 - a command's options are its arguments
    old: Annotated[Path, typer.Argument(help="A file, a folder, or the word live.")],
    new: File,
    *,
    events: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Catalogue and history (JSON lines of events) instead of the running stack's.",
        ),
    ] = None,
    at: At = None,
    days: Annotated[int, typer.Option(min=1, help="Sample visitors of the last DAYS days.")] = 14,
    visitors: Annotated[int, typer.Option(min=1, help="How many of them to sample.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Show what would change, per slot and rule, and for which share of recent visitors."""
    from rich.console import Console

    from hemline.usecases.sites.recent_visitors import SampleSize
    from workbench.laptop import running
    from workbench.publish import comparing

    is_live = str(old) == "live" and not old.exists()
    sites = (
        _live_site() if is_live else load_valid_site(old, as_json=as_json),
        load_valid_site(new, as_json=as_json),
    )
    with Console(stderr=True).status("deciding for recent visitors with both"):
        history = comparing.from_file(events) if events else comparing.from_stack(running())
        found = comparing.compare(*sites, history, SampleSize(visitors, days), epoch_ms(at))
    for note in history.notes:
        print(f"note: {note}", file=sys.stderr)
    if history.rejected:
        print(f"note: {history.rejected} events of {events} were rejected", file=sys.stderr)
    if as_json:
        _print_json(found)
    else:
        print("\n".join(comparing.lines(found)))


def _live_site() -> "Site":
    from hemline.usecases.sites.live_site import read_site
    from workbench import stores
    from workbench.laptop import running

    stack = running()
    return read_site(stack.site, stores.objects(stack), stores.table(stack))


def load_valid_site(file: Path, *, as_json: bool = False) -> "Site":
    """The site of a file without errors; otherwise print what is wrong and exit with status 1."""
    from hemline.sitefile.accept import reviewed
    from workbench.publish import reading

    if not file.exists():
        raise typer.BadParameter(f"{file} does not exist.")
    found = reviewed(reading.texts(file), epoch_ms(None))
    if found.site is None:
        print_findings(file, found.findings)
        if as_json:
            _print_json(_report(file, found, None))
        raise typer.Exit(1)
    return found.site


def print_findings(file: Path, findings: "list[Finding]") -> None:
    """Print findings to standard error, one per line, in the format that editors and CI parse."""
    for finding in findings:
        print(finding.text(str(file)), file=sys.stderr)


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
