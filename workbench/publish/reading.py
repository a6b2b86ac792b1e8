"""What the commands hold against each other: the files of a site, and the catalogue.

The catalogue is a file's, or that of the edition that is live on the stack that runs here.
"""

from pathlib import Path

import msgspec
import typer

from hemline.model.edition import Edition, pieces
from hemline.model.errors import BadInput
from hemline.model.event_input import item_of, parse_event
from hemline.model.item import Item
from workbench import stores
from workbench.importers import items as item_files
from workbench.importers.reading import opened
from workbench.importers.wire import Unreadable
from workbench.laptop import NotRunning, running

_SUFFIXES = (".yaml", ".yml")
_item = msgspec.json.Decoder(Item)


def texts(path: Path) -> list[tuple[str, str]]:
    """(name, text) of the file, or of every YAML file of the folder, by name."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
    if not files:
        raise typer.BadParameter(f"{path} has no .yaml file in it.")
    return [(str(file), _text(file)) for file in files]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8.") from None


def catalogue(file: Path | None) -> list[Item] | None:
    """The items of the file, else of the live edition of the stack that runs, else None."""
    if file:
        return _items_of(file)
    try:
        stack = running()
    except NotRunning:
        return None
    edition = stores.live_edition(stack)
    return None if edition is None else edition_items(edition)


def _items_of(file: Path) -> list[Item]:
    reading = item_files.Reading({}, 0)
    is_csv = any(suffix == ".csv" for suffix in file.suffixes)
    found: list[Item] = []
    with opened(file) as source:
        made = (
            item_files.from_rows(source.rows(), reading)
            if is_csv
            else item_files.from_lines(source.lines(), reading)
        )
        for one in made:
            if isinstance(one, Unreadable):
                raise BadInput(f"{file}, {one.where}", one.reason)
            found.append(item_of(parse_event(one)))
    if not found:
        raise BadInput(str(file), "has no item in it.", "Is it the right file, and whole?")
    return found


def edition_items(edition: Edition) -> list[Item]:
    """Its catalogue."""
    cut = pieces(edition.raw("catalogue"), edition.raw("catalogue_at"))
    return [_item.decode(one) for one in cut]
