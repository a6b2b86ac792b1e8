"""`hemline publish`: makes a new edition live, or an old one again. `hemline site` is in `site_commands`.

It runs the use case of the publish function in this process, on the stores of the running stack, so it
works even while the functions are busy or broken.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli_time import epoch_ms, parse_time
from workbench.publish import site_commands
from workbench.publish.site_commands import AsJson, load_valid_site

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    import msgspec

    from hemline.usecases.publishing.publish import Given, PublishDeps, Published
    from hemline.usecases.publishing.ranker import RankerFiles
    from workbench.laptop import Running


def register(app: typer.Typer) -> None:
    """Hang `site` and `publish` on the app."""
    site_commands.register(app)
    app.command("publish")(publish)


def publish(  # noqa: PLR0913 - a command's options are its arguments
    *,
    site_file: Annotated[
        Path | None,
        typer.Option(exists=True, help="Check this file or folder and use it from now on."),
    ] = None,
    ranker: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder with ranker.onnx and ranker.json."),
    ] = None,
    allow_removals: Annotated[
        bool,
        typer.Option(
            "--allow-removals", help="Accept a site file that lacks much of the live one."
        ),
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(parser=parse_time, help="Publish as of this time (UTC) instead of now."),
    ] = None,
    live_anyway: Annotated[
        bool, typer.Option("--live-anyway", help="Allow --as-of more than a day ago.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Make the edition before the live one live again.")
    ] = False,
    to: Annotated[str, typer.Option(help="With --rollback: the first digits of the edition.")] = "",
    listing: Annotated[
        bool, typer.Option("--list", help="List all editions, oldest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fold the archive and the site file into a new edition and make it live."""
    from workbench import laptop, stores

    stack = laptop.running()
    places = stores.publish_deps(stack)
    if listing:
        _list(stack, as_json=as_json)
    elif rollback:
        _roll_back(stack.site, places, to, as_json=as_json)
    else:
        built = _moment(as_of, anyway=live_anyway)
        given = _given(stack, site_file, ranker, as_json=as_json)
        given = given._replace(allow_removals=allow_removals)
        _publish(stack.site, places, built, given, as_json=as_json)


def _moment(as_of: datetime | None, *, anyway: bool) -> int:
    from hemline.runtime.publish.wiring import check_build_time

    built = epoch_ms(as_of)
    check_build_time(built, epoch_ms(None), "--as-of", anyway=anyway)
    return built


def _given(
    stack: "Running", site_file: Path | None, ranker: Path | None, *, as_json: bool
) -> "Given":
    """Read and check both; they are stored only as part of the edition."""
    from hemline.runtime.publish.wiring import check_consent
    from hemline.usecases.publishing.publish import Given

    site = load_valid_site(site_file, as_json=as_json) if site_file else None
    if site:
        check_consent(site, stack_says=stack.policy)
    return Given(site, _files(ranker) if ranker else None)


def _files(folder: Path) -> "RankerFiles":
    from hemline.usecases.publishing.ranker import RANKER_FILES, RankerFiles

    missing = [file for file in RANKER_FILES if not (folder / file).is_file()]
    if missing:
        raise typer.BadParameter(f"{folder} has no {' and no '.join(missing)}.")
    onnx, card = ((folder / file).read_bytes() for file in RANKER_FILES)
    return RankerFiles(onnx, card)


def _publish(
    name: str, places: "PublishDeps", built: int, given: "Given", *, as_json: bool
) -> None:
    from rich.console import Console

    from hemline.usecases.publishing.publish import publish_edition

    with Console(stderr=True).status("folding the archive into an edition"):
        result = publish_edition(name, places, built=built, given=given)
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    _print_result(result, _summary(result), as_json=as_json)


def _roll_back(name: str, places: "PublishDeps", to: str, *, as_json: bool) -> None:
    from hemline.usecases.publishing.publish import roll_back

    entry = roll_back(name, places, to)
    line = f"live again: {entry.edition[:12]} of {_when(entry.built)}; scheduled publishes pause"
    _print_result(entry, f"{line} until the next `hemline publish`", as_json=as_json)


def _list(stack: "Running", *, as_json: bool) -> None:
    from hemline.usecases.publishing.log import editions
    from workbench import stores

    pointer = stores.table(stack).read_pointer(stack.site)
    live = pointer.digest if pointer else ""
    entries = editions(stores.objects(stack), stack.site)
    if as_json:
        _print_json({"live": live, "editions": entries})
        return
    for entry in entries:
        mark = "*" if entry.edition == live else " "
        print(
            f"{mark} {entry.edition[:12]}  {_when(entry.built)}  {entry.items:>6,} items"
            f"  {entry.counted:>9,} events  {entry.size / 1e6:.1f} MB  ranker {entry.ranker}"
        )


def _summary(result: "Published") -> str:
    if not result.swapped:
        return f"nothing new: {result.edition[:12]} of {_when(result.built)} stays live"
    return (
        f"live: {result.edition[:12]}, {result.items:,} items, {result.counted:,} events,"
        f" {result.size / 1e6:.1f} MB, ranker {result.ranker}"
    )


def _print_result(result: "msgspec.Struct", line: str, *, as_json: bool) -> None:
    if as_json:
        _print_json(result)
    else:
        print(line)


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
