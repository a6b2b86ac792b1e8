"""Verifies that nothing of an id is left in any store, and reports what was scanned."""

from collections.abc import Callable, Iterable
from itertools import chain

import msgspec

from hemline.model.errors import BadInput
from hemline.model.ids import is_id
from hemline.usecases.people.forget_register import Forgetting
from hemline.usecases.ports import PersonItem, PersonStore
from workbench import stores
from workbench.forget.places import places
from workbench.forget.scan import Place, ScanMatch, ScannedPlace, scan_place
from workbench.forget.spellings import needles
from workbench.laptop import Running

_KINDS = {"v:": "visitor", "u:": "user"}


class ForgottenVerdict(msgspec.Struct, frozen=True):
    """The result of a verification."""

    looked: tuple[ScannedPlace, ...]
    found: tuple[ScanMatch, ...]
    """Hits that stay unless somebody removes them."""
    going: tuple[ScanMatch, ...]
    """Hits that expire by themselves, such as those on the stream."""
    notes: tuple[str, ...] = ()
    """State of the tombstones, for people."""


def verify(stack: Running, name: str, say: Callable[[str], object]) -> ForgottenVerdict:
    """Scan every store of `stack` for `name`, with or without `v:` or `u:`. Raises BadInput."""
    bare = name[2:] if name[:2] in _KINDS else name
    if not is_id(bare):
        raise BadInput("ID", "is no id.", "Ids are 1 to 128 printable ASCII characters.")
    looked, found = scan_all(places(stack), bare, say)
    found += kept_by_hash(stores.table(stack), stack.site, bare)
    staying = tuple(one for one in found if not one.goes)
    return ForgottenVerdict(
        looked, staying, tuple(one for one in found if one.goes), _notes(stack, bare)
    )


def kept_by_hash(people: PersonStore, site: str, name: str) -> list[ScanMatch]:
    """Table items whose key is a hash of the id: no byte scan can find those."""
    found = []
    for kind, called in _KINDS.items():
        for part in PersonItem:
            stored = people.read_part(site, kind + name, part)
            if stored and stored.blob:
                size = f"{len(stored.blob)} bytes"
                found.append(
                    ScanMatch("table", f"{part} of this {called}, {size}", "hashed", ("key",))
                )
    return found


def scan_all(
    where: Iterable[Place], name: str, say: Callable[[str], object]
) -> tuple[tuple[ScannedPlace, ...], list[ScanMatch]]:
    """Scan each place in turn."""
    wanted, results = needles(name), []
    for place in where:
        say(place.name)
        results.append(scan_place(place, wanted))
    return tuple(one for one, _ in results), list(chain.from_iterable(f for _, f in results))


def _notes(stack: Running, name: str) -> tuple[str, ...]:
    """Notes on tombstones. Their keys are hashes, so they are read by key and not scanned for."""
    people, register = stores.table(stack), Forgetting(stores.objects(stack), stack.site)
    notes = []
    for kind, called in _KINDS.items():
        part = people.read_part(stack.site, kind + name, PersonItem.PROFILE)
        if part and part.standing.forgotten:
            entered = register.until(kind + name) >= 0
            state = "on the register until the stream is over" if entered else "settled"
            notes.append(f"a tombstone of this {called} stands, {state}")
    return tuple(notes) or ("no tombstone: this id was not forgotten here",)
