"""Reads the inputs of the site commands: site files, and a catalogue to check them against.

The catalogue comes from a file, or from the live edition of the running stack.
"""

from pathlib import Path

import msgspec
import typer

from hemline.model.edition import Edition, pieces
from hemline.model.errors import BadInput
from hemline.model.events.schema import check_item, parse_event
from hemline.model.input.times import MOST_MS
from hemline.model.item import Item
from workbench import stores
from workbench.importers import items as item_files
from workbench.importers.reading import opened
from workbench.importers.wire import Placed, ReadEvent, Unreadable
from workbench.laptop import NotRunning, running

_SUFFIXES = (".yaml", ".yml")
_item = msgspec.json.Decoder(Item)


def texts(path: Path) -> list[tuple[str, str]]:
    """(name, text) of the file, or of every YAML file in the folder, sorted by name."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
    if not files:
        raise typer.BadParameter(f"{path} has no .yaml file.")
    return [(str(file), _text(file)) for file in files]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8.") from None


def catalogue(file: Path | None) -> list[Item] | None:
    """The items of the file, or of the running stack's live edition; None when there is neither."""
    if file:
        return _items_of(file)
    try:
        stack = running()
    except NotRunning:
        return None
    edition = stores.live_edition(stack)
    return None if edition is None else edition_items(edition)


def _items_of(file: Path) -> list[Item]:
    """The items of a file, read as an import would: of duplicate items the last row counts."""
    found: dict[str, Item] = {}
    wrong: list[str] = []
    with opened(file) as source:
        for one in item_files.read(source, item_files.CatalogueReading({}, MOST_MS)):
            try:
                item = _item_of(one)
                found[item.id] = item
            except BadInput as error:
                wrong.append(str(error))
    if wrong:
        more = f" {len(wrong) - 1} more rows cannot be read." if len(wrong) > 1 else ""
        raise BadInput(str(file), f"{wrong[0]}{more}", "Fix them, or leave them out.")
    if not found:
        raise BadInput(str(file), "has no item.", "Is it the right file, and complete?")
    return list(found.values())


def _item_of(made: ReadEvent) -> Item:
    if isinstance(made, Unreadable):
        raise BadInput(made.where, f"{made.reason}.")
    where, data = (made.where, made.data) if isinstance(made, Placed) else ("", made)
    try:
        return check_item(parse_event(data))
    except BadInput as error:
        raise BadInput(where, str(error)) from None


def edition_items(edition: Edition) -> list[Item]:
    """The catalogue of an edition."""
    cut = pieces(edition.raw("catalogue"), edition.raw("catalogue_at"))
    return [_item.decode(one) for one in cut]
