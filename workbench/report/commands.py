"""`hemline report …`: new items against their impression budget, and the variants of slots compared."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli_time import epoch_ms, parse_time

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from hemline.usecases.publishing.cold_report import ColdItem, ColdStartReport
    from workbench.report.variants import VariantsReport as SlotReport

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
At = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, help="Report as of this time (UTC) instead of now."),
]


def register(app: typer.Typer) -> None:
    """Hang `report` on the app."""
    group = typer.Typer(help="How the site is doing, from its archive.")
    group.callback()(_report)
    group.command("cold")(cold)
    group.command("variants")(variants)
    app.add_typer(group, name="report", no_args_is_help=True)


def _report() -> None:
    """How the site is doing, from its archive."""


def cold(*, at: At = None, as_json: AsJson = False) -> None:
    """New items and their guaranteed impressions; exit status 1 when an item missed them."""
    from rich.console import Console

    from workbench.laptop import running

    stack = running()
    with Console(stderr=True).status("reading the archive"):
        found = _of_stack(stack.site, epoch_ms(at))
    if as_json:
        import msgspec

        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(lines(found)))
    raise typer.Exit(1 if found.missed else 0)


def variants(*, at: At = None, as_json: AsJson = False) -> None:
    """Variants of content slots: exposures, goals with an interval, estimates, exploration share."""
    from rich.console import Console

    from workbench.laptop import running

    stack = running()
    with Console(stderr=True).status("reading the archive"):
        found = _variants_of(stack.site, epoch_ms(at))
    if as_json:
        import msgspec

        print(msgspec.json.encode({"slots": found}).decode())
    else:
        from workbench.report.variants import lines as variant_lines

        print("\n".join(variant_lines(found)))


def _variants_of(site: str, now: int) -> "list[SlotReport]":
    """The report as a publish would count it, without flagged events."""
    from hemline.learn.statistics.abuse import clean
    from hemline.learn.variants.exposures import Choices
    from hemline.usecases.ingest.archive import read_archive
    from hemline.usecases.sites.live_site import read_site
    from workbench import stores
    from workbench.laptop import running
    from workbench.report.variants import reports

    stack = running()
    objects = stores.objects(stack)
    stated = read_site(site, objects, stores.table(stack))
    records = [one.record for one in read_archive(objects, site) if one.record.event.time <= now]
    choices, newest = Choices(stated.slots), 0
    for record in clean(records, stated.abuse):
        choices.add(record)
        newest = max(newest, record.event.time)
    # Like a publish, measure ages from the newest event.
    return reports(choices, min(now, newest))


def _of_stack(site: str, now: int) -> "ColdStartReport":
    """The cold-start report, without flagged events. Raises BadInput when the site states no budget."""
    from hemline.learn.statistics.abuse import clean
    from hemline.model.errors import BadInput
    from hemline.usecases.ingest.archive import read_archive
    from hemline.usecases.publishing.build import count
    from hemline.usecases.publishing.cold_report import chance_per_hour, report
    from hemline.usecases.sites.live_site import read_site
    from workbench import stores
    from workbench.laptop import running

    stack = running()
    objects = stores.objects(stack)
    stated = read_site(site, objects, stores.table(stack))
    if stated.cold_start is None:
        way_out = "State one: cold_start: {impressions: 100, hours: 48}"
        raise BadInput("cold_start", f"the site file of {site} states no budget.", way_out)
    known = [one.record for one in read_archive(objects, site) if one.record.event.time <= now]
    records = clean(known, stated.abuse)
    counted = count(records)
    chance = chance_per_hour(records, stated.slots, now)
    return report(stated.cold_start, counted.statistics, counted.items, chance, now)


def lines(found: "ColdStartReport") -> list[str]:
    """The report as text, the worst item first."""
    budget = f"{found.impressions} impressions in {found.hours} h"
    if not found.items:
        return [f"no new items; each would be guaranteed {budget}"]
    head = f"{len(found.items)} new items, each guaranteed {budget}; {found.missed} missed"
    traffic = (
        f"exploration has {found.chance_per_hour:.1f} places per hour;"
        f" the guarantees need {found.needed_per_hour:.1f}"
    )
    return [head, traffic, *map(_line, found.items)]


def _line(one: "ColdItem") -> str:
    return (
        f"  {one.state:<9}  {one.item:<32} {one.hours:>7.1f} h  {one.impressions:>7,} had"
        f"  {one.owed:>7,} missing  {one.projected:>7,} projected"
    )
