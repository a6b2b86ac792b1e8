"""Setting and clearing the brake: one conditional write of one signed item, and every version kept.

The item carries the change that made it, so a writer that dies before logging loses nothing: the next
writer or reader of the log adds the missing entry first.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from hemline.model import keys
from hemline.model.brake import (
    MOST_STOPS,
    NAMED,
    NO_BRAKE,
    Brake,
    BrakeChange,
    Stop,
    brake_of,
    place_of,
)
from hemline.model.edition import Edition
from hemline.model.errors import BadInput, Conflict
from hemline.model.site.kinds import has_list
from hemline.usecases.ports import BrakeStore, ObjectStore

_TRIES = 5
_MOST_CHARACTERS = 200


class BrakeDeps(NamedTuple):
    """Where the brake lies and is logged, and who may sign it."""

    table: BrakeStore
    objects: ObjectStore
    keys: tuple[bytes, ...]


def show(site: str, deps: BrakeDeps) -> Brake:
    """What is stopped now. Raises NotAllowed or Refused when the table holds none of ours."""
    text = deps.table.read_brake(site)
    return NO_BRAKE if text is None else brake_of(text, site, deps.keys)


def set_stop(site: str, deps: BrakeDeps, stop: Stop) -> Brake:
    """Stop it; the same kind and name again replaces what was said before. Raises BadInput."""
    _check(stop)
    change = BrakeChange("set", stop.who, stop.at, stop.why, stop.kind, stop.name)
    return _apply(site, deps, change, stop)


def clear(site: str, deps: BrakeDeps, change: BrakeChange) -> Brake:
    """Release what `change` names; everything when it names no kind. Raises BadInput when nothing is."""
    _check_text("why", change.why)
    _check_text("who", change.who)
    return _apply(site, deps, change, None)


def log(site: str, deps: BrakeDeps) -> Iterator[Brake]:
    """Every version, oldest first. Raises NotAllowed when one of them is not ours."""
    _log_version(site, deps, show(site, deps))
    for key in deps.objects.keys(keys.brake_log(site)):
        data = deps.objects.get(key)
        if data is not None:
            yield brake_of(data.decode("ascii", "replace"), site, deps.keys)


def doubt(stop: Stop, edition: Edition | None) -> str:
    """What is doubtful about a stop's name, given the live edition; empty when nothing is.

    A doubt stops nothing: an item may be recalled before an edition has it.
    """
    if edition is not None and stop.kind == "place":
        return _doubt_of_place(stop, edition)
    if edition is None or stop.kind not in _LISTS:
        return ""
    if stop.name in _LISTS[stop.kind](edition):
        return ""
    return f"the live edition has no {_WHAT[stop.kind]} {stop.name}; it is stopped all the same"


def _doubt_of_place(stop: Stop, edition: Edition) -> str:
    name, position = place_of(stop.name)
    slot = next((slot for slot in edition.header.slots if slot.name == name), None)
    if slot is None or not has_list(slot.kind):
        return f"the live edition has no list {name}; the item will stand in none"
    if position > slot.limit:
        return f"{name} shows {slot.limit} items, unless pages ask for more"
    if stop.shows[0] not in edition.json("item_ids"):
        return (
            f"the live edition has no item {stop.shows[0]}; it will stand there once there is one"
        )
    return ""


_LISTS: Mapping[str, Callable[[Edition], list[str]]] = {
    "freeze": lambda edition: [slot.name for slot in edition.header.slots],
    "block": lambda edition: edition.json("item_ids"),
}
_WHAT = {"freeze": "slot", "block": "item", "place": "position", "pin": "edition"}
_MOST_PLACES = 100
"""As many as a list can have."""


def _apply(site: str, deps: BrakeDeps, change: BrakeChange, stop: Stop | None) -> Brake:
    for attempt in range(_TRIES):
        before = show(site, deps)
        _log_version(site, deps, before)
        remaining = tuple(s for s in before.stops if not _matches(s, change))
        if stop is None and len(remaining) == len(before.stops):
            raise BadInput("kind", "nothing of this is stopped.", _stopped(before))
        stops = (*remaining, stop) if stop else remaining
        if len(stops) > MOST_STOPS:
            raise BadInput("name", f"{MOST_STOPS} things are stopped.", "Put them into a rule.")
        after = Brake(site, before.version + 1, stops, change)
        try:
            deps.table.swap_brake(site, after.signed(deps.keys[0]), expected=before.version)
        except Conflict:
            # Another writer won: retry on its version, so that both changes are in the result.
            if attempt == _TRIES - 1:
                raise
            continue
        _log_version(site, deps, after)
        return after
    raise AssertionError("unreachable: the last attempt returns or raises")


def _matches(stop: Stop, change: BrakeChange) -> bool:
    if change.act == "clear" and not change.kind:
        return True
    same = stop.kind == change.kind and (not change.name or stop.name == change.name)
    # There is only one live edition to pin.
    return same or (stop.kind == change.kind == "pin")


def _log_version(site: str, deps: BrakeDeps, brake: Brake) -> None:
    """Idempotent: a version's text never changes."""
    if brake.version:
        key = keys.brake_version(site, brake.version)
        deps.objects.put(key, brake.signed(deps.keys[0]).encode())


def _check(stop: Stop) -> None:
    _check_text("why", stop.why)
    _check_text("who", stop.who)
    if (stop.kind in NAMED) != bool(stop.name):
        what = _WHAT.get(stop.kind)
        way_out = f"Name the {what}." if what else f"Say {stop.kind} alone."
        raise BadInput("name", "does not fit what is to be stopped.", way_out)
    if stop.kind == "place":
        _check_place(stop)
    elif stop.shows and stop.kind != "freeze":
        raise BadInput("shows", "is of a frozen slot and a place alone.", "Leave it out.")


def _check_place(stop: Stop) -> None:
    slot, position = place_of(stop.name)
    if not slot or not 1 <= position <= _MOST_PLACES:
        way_out = f"Name slot and position, 1 to {_MOST_PLACES}: for-you/1."
        raise BadInput("name", "is no position of a list.", way_out)
    if len(stop.shows) != 1:
        raise BadInput("shows", "names what stands there: one item.", "Add --shows ITEM.")


def _check_text(field: str, text: str) -> None:
    if not text.strip() or len(text) > _MOST_CHARACTERS:
        raise BadInput(field, "must be said.", f"Use 1 to {_MOST_CHARACTERS} characters.")


def _stopped(brake: Brake) -> str:
    named = [f"{stop.kind} {stop.name}".rstrip() for stop in brake.stops]
    return f"Stopped: {', '.join(named) or 'nothing'}."


def edition_named(objects: ObjectStore, site: str, start: str) -> str:
    """The digest of the one edition in the bucket that starts so. Raises BadInput unless it is one."""
    prefix = keys.edition_object(site, start).removesuffix(".hem")
    ends = (key for key in objects.keys(prefix) if key.endswith(".hem"))
    found = [key.rpartition("/")[2].removesuffix(".hem") for key in ends]
    if len(found) != 1:
        way_out = "See `hemline publish --list`."
        raise BadInput("name", f"{len(found)} editions start with {start[:64]!r}.", way_out)
    return found[0]
