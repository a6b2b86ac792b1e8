"""Which ranker goes into an edition: one that loads and reads exactly this code's features, or none."""

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model import keys
from hemline.model.edition import TRIAL, Edition
from hemline.model.errors import Refused
from hemline.usecases.lookup import find
from hemline.usecases.ports import ObjectStore

RANKER_FILES = ("ranker.onnx", "ranker.json")


class Tried(NamedTuple):
    """What the trial of a ranker found."""

    features: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What somebody should know; nothing of it keeps the ranker out."""


CheckRanker = Callable[[bytes, bytes], Tried]
"""(onnx, card) → what its trial found; raises Refused when it failed."""


class RankerFiles(NamedTuple):
    """A ranker as its two files."""

    onnx: bytes
    card: bytes
    trial: int = 0
    """The trial that it passed, as the edition's header is to say; 0 for none."""
    passed_over: str = ""
    """Digest of the trained ranker in the bucket that it took the place of; see `offers`."""

    @property
    def digest(self) -> str:
        """Of both files."""
        return hashlib.sha256(self.onnx + b"\n" + self.card).hexdigest()


def stored(name: str, objects: ObjectStore) -> RankerFiles | None:
    """What training has put into the bucket for site `name`."""
    onnx, card = (find(objects, keys.ranker_object(name, file)) for file in RANKER_FILES)
    return None if onnx is None and card is None else RankerFiles(onnx or b"", card or b"")


def keep(name: str, objects: ObjectStore, files: RankerFiles) -> None:
    """Put it there; the card last, since a card that names other bytes is refused."""
    for file, data in zip(RANKER_FILES, files[:2], strict=True):
        objects.put(keys.ranker_object(name, file), data)


def carried(edition: Edition | None) -> RankerFiles | None:
    """The ranker inside an edition."""
    if edition is None or not edition.raw("ranker_onnx"):
        return None
    onnx, card = (bytes(edition.raw(name)) for name in ("ranker_onnx", "ranker_json"))
    return RankerFiles(onnx, card, passed_over=edition.header.passed_over)


def offers(
    given: RankerFiles | None, trained: RankerFiles | None, live: Edition | None
) -> dict[str, RankerFiles | None]:
    """By where each is from, the first choice first.

    One that was handed in with a publish is in that edition and nowhere else, so a publish that loses leaves
    nothing behind. It stays until another one is trained than the one that it took the place of.
    """
    kept = carried(live)
    if given:
        over = trained.digest if trained else ""
        return {"given": given._replace(passed_over=over), "stored": trained, "kept": kept}
    if trained and kept and kept.passed_over == trained.digest:
        return {"kept": kept, "stored": trained}
    return {"stored": trained, "kept": kept}


def choose(
    offers: Mapping[str, RankerFiles | None], check: CheckRanker, notes: list[str]
) -> tuple[RankerFiles | None, str]:
    """The first that fits, and its name, `none` when none does; why others do not goes to `notes`."""
    for origin, files in offers.items():
        if files is None:
            continue
        try:
            tried = _check(files, check)
        except Refused as why:
            notes.append(f"the {origin} ranker is refused: {why}")
            continue
        notes += [f"the {origin} ranker: {note}" for note in tried.notes]
        return files._replace(trial=TRIAL), origin
    return None, "none"


def fault(files: RankerFiles, check: CheckRanker) -> str:
    """Why the functions of this code would not rank with it; empty when they would."""
    try:
        _check(files, check)
    except Refused as error:
        return str(error)
    return ""


def _check(files: RankerFiles, check: CheckRanker) -> Tried:
    tried = check(files.onnx, files.card)
    if tried.features != FEATURES:
        raise Refused("its features are not those of this code")
    return tried
