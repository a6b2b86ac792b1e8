"""`hemline import …`: send real data to the collect endpoint, or with `--direct` into the stores."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from workbench.importers.http_road import Road
    from workbench.importers.importing import Watch
    from workbench.importers.reading import FileSource
    from workbench.importers.report import ImportReport
    from workbench.importers.wire import WireEvents


class Who(StrEnum):
    """What the people of a file become: anonymous visitors, or users that a site has signed in."""

    VISITOR = "visitor"
    USER = "user"


File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="May be gzipped.")
]
Url = Annotated[str, typer.Option(help="Origin of another stack; needs HEMLINE_KEYS.")]
IsDirect = Annotated[
    bool,
    typer.Option("--direct", help="Write to the local stack's stores; for big histories."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The report as one JSON object.")]
AsWho = Annotated[Who, typer.Option("--as", help="What the file's people become.")]
Keys = Annotated[str, typer.Option(envvar="HEMLINE_KEYS", hidden=True)]


class ImportOptions(NamedTuple):
    """The options that all imports share."""

    url: str
    direct: bool
    as_json: bool
    keys: str


Read = Callable[["FileSource"], "WireEvents"]


def register(app: typer.Typer) -> None:
    """Hang `import` and its four kinds on the app."""
    group = typer.Typer(help="Import real data.", no_args_is_help=True)
    group.command("ranklens")(ranklens)
    group.command("online-retail")(online_retail)
    group.command("items")(items)
    group.command("events")(events)
    app.add_typer(group, name="import")


def ranklens(  # noqa: PLR0913 - a command's options are its arguments
    file: File,
    *,
    url: Url = "",
    direct: IsDirect = False,
    as_json: AsJson = False,
    who: AsWho = Who.VISITOR,
    keys: Keys = "",
) -> None:
    """RankLens in Metarank's format: films, ranked lists as exposures, clicks."""
    from workbench.importers import ranklens as kind
    from workbench.importers.wire import WireEvents

    way = ImportOptions(url, direct, as_json, keys)
    _import(file, lambda source: WireEvents(kind.events(source.lines(), who=who.value)), way)


def online_retail(  # noqa: PLR0913 - a command's options are its arguments
    file: File,
    *,
    url: Url = "",
    direct: IsDirect = False,
    as_json: AsJson = False,
    who: AsWho = Who.VISITOR,
    keys: Keys = "",
) -> None:
    """UCI Online Retail: the catalogue from its lines, invoices as purchases."""
    from workbench.importers import online_retail as kind
    from workbench.importers.wire import Unreadable, WireEvents

    def read(source: "FileSource") -> "WireEvents":
        unreadable: list[Unreadable] = []
        stream = kind.events(kind.read(source.rows(unreadable.append)), who=who.value)
        total = None if stream.total is None else stream.total + len(unreadable)
        return WireEvents([*unreadable, *stream.events], total)

    _import(file, read, ImportOptions(url, direct, as_json, keys))


def items(  # noqa: PLR0913 - a command's options are its arguments
    file: File,
    *,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="THEIRS=OURS, such as --map ref=id.")
    ] = None,
    delimiter: Annotated[
        str, typer.Option(help="comma, semicolon, tab or pipe, if the header is ambiguous.")
    ] = "",
    url: Url = "",
    direct: IsDirect = False,
    as_json: AsJson = False,
    keys: Keys = "",
) -> None:
    """A catalogue: a table with a header (.csv, .tsv, gzipped too), else JSON lines."""
    from workbench.importers import items as kind
    from workbench.importers.wire import WireEvents

    way = ImportOptions(url, direct, as_json, keys)
    now, between = _now(), _delimiter(delimiter)
    reading = kind.CatalogueReading(_mapping(mapping or []), now, _live_items(way))
    # The same file may be imported again, with another --map: each import is a shard of its own.
    _import(file, lambda source: WireEvents(kind.read(source, reading, between)), way, str(now))


def events(
    file: File,
    *,
    url: Url = "",
    direct: IsDirect = False,
    as_json: AsJson = False,
    keys: Keys = "",
) -> None:
    """JSON lines of events as POST /v1/events takes them; each names its visitor or user."""
    from workbench.importers import events as kind
    from workbench.importers.wire import WireEvents

    _import(
        file,
        lambda s: WireEvents(kind.events(s.lines())),
        ImportOptions(url, direct, as_json, keys),
    )


def _import(file: Path, read: Read, way: ImportOptions, number: str = "") -> None:
    """Run an import and report. Exit status 1 when anything was rejected, or the file was empty."""
    from workbench.importers.reading import opened

    with closing(_road(file, way, number)) as road, opened(file) as source:
        report = _run(source, read, road, quiet=way.as_json)
    if way.as_json:
        import msgspec

        from workbench.refusals import BAD_CALL

        data = msgspec.to_builtins(report)
        if report.status == BAD_CALL:  # as every command says it, beside the counts
            data |= {"error": report.stopped, "status": report.status}
            print(f"hemline: {report.stopped}", file=sys.stderr)
        print(msgspec.json.encode(data).decode())
    else:
        print("\n".join(report.lines()))
        print("the next edition includes them: wait for the schedule, or run `hemline publish`")
    if not report.read and not report.stopped:
        # A failed export often leaves an empty file, so an empty import must not look like success.
        print(f"{file} has nothing to import in it", file=sys.stderr)
        raise typer.Exit(1)
    raise typer.Exit(report.status)


def _run(source: "FileSource", read: Read, road: "Road", *, quiet: bool) -> "ImportReport":
    from workbench.importers.importing import run

    if quiet:
        return _stopped_or(lambda: run(read(source), road))
    with _bar(source) as watched:

        def sent() -> "ImportReport":
            stream = read(source)
            return run(stream, road, watched(stream.total))

        return _stopped_or(sent)


def _stopped_or(send: "Callable[[], ImportReport]") -> "ImportReport":
    """Run an import. A file that cannot be read before anything is sent gives a report too."""
    from hemline.model.errors import HemlineError
    from workbench.importers.report import ImportReport

    try:
        return send()
    except HemlineError as error:
        report = ImportReport()
        report.stop(error)
        return report


@contextmanager
def _bar(source: "FileSource") -> Iterator[Callable[[int | None], "Watch"]]:
    """Progress by events where their number is known, else by the bytes of the file."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[said]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(source.path.name, total=source.size or 1, said="reading")
        source.watch = lambda: bar.update(task, completed=source.position)

        def watched(total: int | None) -> "Watch":
            if total is not None:
                bar.update(task, total=total or 1, completed=0)

            def watch(report: "ImportReport") -> None:
                done = source.position if total is None else report.read
                said = f"{report.accepted:,} accepted, {report.rejected:,} rejected"
                bar.update(task, completed=done, said=said)

            return watch

        yield watched


def _road(file: Path, way: ImportOptions, number: str) -> "Road":
    from workbench.importers.http_road import HttpRoad

    if way.url:
        if way.direct:
            raise typer.BadParameter("--direct is for the stack here, --url for another: use one.")
        if not way.keys:
            raise typer.BadParameter("--url needs the site's secret in HEMLINE_KEYS to sign with.")
        return HttpRoad(way.url, way.keys.split(",")[0].strip().encode())
    from workbench import laptop, stores

    stack = laptop.running()
    if not way.direct:
        return HttpRoad(stack.gateway, stores.secrets(stack)[0])
    from workbench.importers.direct import DirectRoad, DirectStores, digest

    places = DirectStores(stack.site, stores.table(stack), stores.objects(stack))
    return DirectRoad(places, f"{digest(file)}-{number}" if number else digest(file))


def _live_items(way: ImportOptions) -> frozenset[str]:
    """Ids of the live edition's items; empty for another stack, whose edition cannot be read."""
    if way.url:
        return frozenset()
    from workbench import laptop, stores

    edition = stores.live_edition(laptop.running())
    return frozenset(edition.json("item_ids")) if edition else frozenset()


def _delimiter(name: str) -> str:
    from workbench.importers.table import DELIMITERS

    if name and name not in DELIMITERS and name not in DELIMITERS.values():
        raise typer.BadParameter(f"--delimiter {name}: use {', '.join(DELIMITERS)}.")
    return DELIMITERS.get(name, name)


def _mapping(pairs: list[str]) -> dict[str, str]:
    from workbench.importers.cells import FIELDS

    found = dict(pair.partition("=")[::2] for pair in pairs)
    for theirs, ours in found.items():
        if ours not in FIELDS:
            known = ", ".join(sorted(FIELDS))
            raise typer.BadParameter(
                f"--map {theirs}={ours}: {ours or 'nothing'} is none of {known}."
            )
    return found


def _now() -> int:
    return time.time_ns() // 1_000_000
