"""Archive → a new edition → the pointer. Safe to run at any time, twice, and from several places.

What is published is a function of the archive, the site file, the ranker and the time handed in.
The bytes are stored under their digest before the pointer moves, so a reader never finds a pointer
to what is not there; the pointer moves under a condition, so of two publishers one loses and says so.
Site file and ranker come into force with the pointer too: a publish that loses leaves nothing that a
later one would use.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from hemline.learn.statistics.abuse import survey
from hemline.model import keys
from hemline.model.edition import Edition, Header, Payload, Pointer, pack, unpack
from hemline.model.errors import BadInput, Conflict, NotAllowed, Refused
from hemline.model.events.abuse import FLAGS
from hemline.model.events.event import Record
from hemline.model.site.site import Site, encode_site
from hemline.sitefile.review.losses import refuse_losses
from hemline.usecases.ingest.archive import read_archive, watermarks
from hemline.usecases.lookup import find
from hemline.usecases.people.forget_register import entries
from hemline.usecases.ports import ObjectStore, PointerStore
from hemline.usecases.publishing.build import Made, count, dangling, edition_parts
from hemline.usecases.publishing.cold_start import missed
from hemline.usecases.publishing.log import EditionEntry, editions, newest, note, step_back
from hemline.usecases.publishing.ranker import (
    RANKER_FILES,
    CheckRanker,
    RankerFiles,
    choose,
    fault,
    keep,
    offers,
    stored,
)
from hemline.usecases.sites.live_site import keep_site, site_of


class PublishDeps(NamedTuple):
    """Where a publish reads and writes, and with what it signs: the first of `secrets`."""

    objects: ObjectStore
    pointers: PointerStore
    secrets: tuple[bytes, ...]
    check_ranker: CheckRanker


class Published(msgspec.Struct, frozen=True):
    """What a publish did. `swapped` False: the live edition says the same already."""

    site: str
    edition: str
    built: int
    swapped: bool
    items: int
    counted: int
    size: int
    """Bytes of the edition."""
    ranker: str
    """`given` with this publish, `stored` (trained), `kept` (the previous edition's) or `none`."""
    notes: tuple[str, ...] = ()
    """Warnings; none of them stopped the publish."""
    flagged: Mapping[str, int] = {}
    """Flag → events that were left out for it."""


class Given(NamedTuple):
    """What a person hands in with a publish; it is in force from that edition on, if that one wins."""

    site: Site | None = None
    ranker: RankerFiles | None = None
    allow_removals: bool = False
    """The site file may lack what the live one has (`site_losses`)."""


NOTHING_GIVEN = Given()


class _Live(NamedTuple):
    digest: str | None
    edition: Edition | None
    data: bytes


def publish_edition(
    name: str, deps: PublishDeps, *, built: int, given: Given = NOTHING_GIVEN
) -> Published:
    """Publish site `name` as of `built` (epoch ms). Raises Conflict when another publish won.

    Raises BadInput when there is no site file yet or the one given lacks much of the live one, Refused
    for a ranker that is given and unfit, Unavailable when a store does not answer.
    """
    notes: list[str] = []
    live = _live(name, deps, notes)
    site = _site(name, deps, live, given)
    if given.ranker:
        check_fit(given.ranker, deps)
    # Watermarks first: every record they cover must be in the archive read that follows.
    made = Made(built, watermarks(deps.objects, name))
    flags = survey(_history(name, deps), site.abuse).flags
    counted = count(_history(name, deps), flags, site.slots)
    trained = stored(name, deps.objects)
    from_where = offers(given.ranker, trained, live.edition)
    ranker, origin = choose(from_where, deps.check_ranker, notes)
    notes += [f"item {item} is no item of this version: left out" for item in counted.unreadable]
    notes += _flagged(counted.flagged)
    notes += dangling(site, counted.items)
    notes += missed(site.cold_start, counted.statistics, counted.items, built)
    header, payloads = edition_parts(name, site, counted, ranker, made)
    if live.edition and _same(header, payloads, live.edition, live.data):
        if given.site:  # written again in case it was lost; the bytes are the same
            keep_site(name, deps.objects, live.edition.digest, encode_site(site))
        same = _published(live.edition, len(live.data), origin, notes)
        return msgspec.structs.replace(same, swapped=False, flagged=counted.flagged)
    data = pack(header, payloads)
    fresh = unpack(data, site=name)
    deps.objects.put(keys.edition_object(name, fresh.digest), data)
    keep_site(name, deps.objects, fresh.digest, encode_site(site))
    move_pointer(name, deps, Pointer(fresh.digest, built), expected=live.digest)
    result = _published(fresh, len(data), origin, notes)
    # After the swap: notes list only editions that were live (`is_held` relies on it).
    note(deps.objects, name, _entry(result))
    return msgspec.structs.replace(result, flagged=counted.flagged)


def _site(name: str, deps: PublishDeps, live: _Live, given: Given) -> Site:
    """The one given, else that of the live edition."""
    if given.site is None:
        return site_of(name, deps.objects, live.digest, live.edition)
    if not given.allow_removals:
        try:
            before = site_of(name, deps.objects, live.digest, live.edition)
        except (BadInput, Refused):  # none yet, or none that could be lost
            return given.site
        refuse_losses(before, given.site)
    return given.site


def _history(name: str, deps: PublishDeps) -> Iterator[Record]:
    records = (archived.record for archived in read_archive(deps.objects, name))
    return (record for record in records if record.counted)


def _flagged(counts: Mapping[str, int]) -> list[str]:
    described = ((flag, FLAGS.get(flag, "of another version")) for flag in sorted(counts))
    return [
        f"left out of everything that is counted: {counts[flag]} events flagged {flag} ({says})"
        for flag, says in described
    ]


def roll_back(name: str, deps: PublishDeps, wanted: str = "") -> EditionEntry:
    """Make the edition before the live one live, or the one whose digest starts with `wanted`.

    Raises BadInput when there is none, Refused when it does not load, Conflict when a publish won.
    The schedule leaves it so (`is_held`); the next publish by a person makes a new edition again.
    """
    pointer = deps.pointers.read_pointer(name)
    if pointer is None:
        raise BadInput("rollback", f"{name} has no edition yet.", "Publish one first.")
    entry = step_back(editions(deps.objects, name), pointer.built, wanted)
    data = find(deps.objects, keys.edition_object(name, entry.edition))
    if data is None:
        raise Refused(f"edition {entry.edition[:12]} is not in the bucket any more")
    unpack(data, site=name, digest=entry.edition)
    target = Pointer(entry.edition, entry.built)
    move_pointer(name, deps, target, expected=pointer.digest)
    return entry


def is_held(name: str, deps: PublishDeps) -> bool:
    """Whether somebody made an older edition live than the newest one that was: leave it so."""
    pointer = deps.pointers.read_pointer(name)
    return pointer is not None and newest(deps.objects, name) > pointer.built


def inputs(name: str, deps: PublishDeps) -> str:
    """Digest of what an edition is made of beside the live one's site file; opens no archive object.

    As it was before the last publish: the next one would change nothing, since ages are counted from
    the newest event and not from the clock.
    """
    state = hashlib.sha256()
    for key in deps.objects.keys(keys.archive_prefix(name)):
        state.update(b"\n" + key.encode())
    # The next edition must leave out people forgotten since.
    for entry in entries(deps.objects, name):
        state.update(f"\n{entry.alias} {entry.at}".encode())
    for key in (keys.site_object(name), *(keys.ranker_object(name, n) for n in RANKER_FILES)):
        state.update(hashlib.sha256(find(deps.objects, key) or b"").digest())
    return state.hexdigest()


def put_ranker(name: str, deps: PublishDeps, files: RankerFiles) -> None:
    """Keep a ranker as a training does; the next publish brings it live. Raises Refused when unfit."""
    check_fit(files, deps)
    keep(name, deps.objects, files)


def check_fit(files: RankerFiles, deps: PublishDeps) -> None:
    """Raises Refused when it does not fit this code."""
    why = fault(files, deps.check_ranker)
    if why:
        raise Refused(f"the ranker is refused: {why}")


def move_pointer(name: str, deps: PublishDeps, pointer: Pointer, *, expected: str | None) -> None:
    """Sign and swap. Raises Conflict, in words, when the live edition is not `expected` any more."""
    signed = pointer.signed(name, deps.secrets[0])
    try:
        deps.pointers.swap_pointer(name, signed, expected=expected)
    except Conflict:
        raise Conflict(
            f"another publish of {name} was faster; its edition is live and this one is not"
        ) from None


def _live(name: str, deps: PublishDeps, notes: list[str]) -> _Live:
    """The live edition; a broken one is replaced, but its place in the pointer is still compared."""
    pointer = deps.pointers.read_pointer(name)
    if pointer is None:
        return _Live(None, None, b"")
    try:
        pointer.check(name, deps.secrets)
        data = find(deps.objects, keys.edition_object(name, pointer.digest)) or b""
        return _Live(pointer.digest, unpack(data, site=name, digest=pointer.digest), data)
    except (Refused, NotAllowed) as error:
        notes.append(f"the live edition cannot be read and is replaced: {error}")
        return _Live(pointer.digest, None, b"")


def _same(header: Header, payloads: Mapping[str, Payload], edition: Edition, data: bytes) -> bool:
    """Whether the live edition differs in nothing but the time it was built."""
    then = msgspec.structs.replace(header, built=edition.header.built)
    return pack(then, payloads) == data


def _published(edition: Edition, size: int, ranker: str, notes: list[str]) -> Published:
    return Published(
        site=edition.header.site,
        edition=edition.digest,
        built=edition.header.built,
        swapped=True,
        items=len(edition.json("item_ids")),
        counted=edition.header.counted,
        size=size,
        ranker=ranker,
        notes=tuple(notes),
    )


def _entry(published: Published) -> EditionEntry:
    fields = {name: getattr(published, name) for name in EditionEntry.__struct_fields__}
    return EditionEntry(**fields)
