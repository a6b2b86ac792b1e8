"""Which editions a site has had, and the way back to one: a rollback is a pointer, nothing is rebuilt."""

import msgspec

from hemline.model import keys
from hemline.model.errors import BadInput
from hemline.usecases.ports import ObjectStore


class EditionEntry(msgspec.Struct, frozen=True):
    """One published edition, as its note in the bucket tells."""

    edition: str
    built: int
    items: int
    counted: int
    size: int
    ranker: str


def note(objects: ObjectStore, site: str, entry: EditionEntry) -> None:
    """Written once the pointer has moved: every entry was live once."""
    key = keys.edition_note(site, entry.built, entry.edition)
    objects.put(key, msgspec.json.encode(entry, order="deterministic"))


def editions(objects: ObjectStore, site: str) -> list[EditionEntry]:
    """All of them, oldest first."""
    found = (objects.get(key) for key in objects.keys(keys.edition_notes(site)))
    return [msgspec.json.decode(data, type=EditionEntry) for data in found if data is not None]


def newest(objects: ObjectStore, site: str) -> int:
    """When the newest of them was built (epoch ms), 0 when there is none; opens none."""
    prefix = keys.edition_notes(site)
    return max((int(key.removeprefix(prefix)[:15]) for key in objects.keys(prefix)), default=0)


def step_back(entries: list[EditionEntry], live_built: int, wanted: str = "") -> EditionEntry:
    """The edition before the one built at `live_built`, or the one whose digest starts with `wanted`.

    Raises BadInput when there is no such edition, or more than one.
    """
    if wanted:
        found = [entry for entry in entries if entry.edition.startswith(wanted)]
        if len(found) != 1:
            problem = "names more than one edition." if found else "names no edition."
            raise BadInput("to", f"{wanted} {problem}", "See hemline publish --list")
        return found[0]
    older = [entry for entry in entries if entry.built < live_built]
    if not older:
        raise BadInput(
            "rollback", "there is no edition before the live one.", "See hemline publish --list"
        )
    return older[-1]
