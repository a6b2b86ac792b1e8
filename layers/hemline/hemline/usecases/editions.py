"""The live edition of a warm function: loaded once, followed by its pointer, never replaced by worse."""

import time
from collections.abc import Callable
from typing import NamedTuple

from hemline.decide.features import FEATURES
from hemline.decide.ladder import NotNow, Ranker
from hemline.decide.page import Engine
from hemline.decide.rules import Rules
from hemline.decide.snapshot import Floats, Snapshot
from hemline.model.brake import Brake
from hemline.model.edition import TRIAL, Edition, Pointer, unpack
from hemline.model.errors import HemlineError, Refused
from hemline.model.keys import edition_object
from hemline.usecases.live_brake import LiveBrake
from hemline.usecases.ports import ObjectStore

LoadRanker = Callable[[bytes, bytes], Ranker]
"""(onnx, card) → a ranker; raises Refused."""

FOLLOW_SECONDS = 4.0
"""A brake must be in force within 5 s: this, and what an eventually consistent read may be behind."""


class Outcome(NamedTuple):
    """What following the pointer did: `digest` of the live edition, `refused` why a newer is not it."""

    digest: str
    refused: str = ""


class LiveEdition:
    """State of a warm function: one engine, and when its pointer was last looked at."""

    def __init__(
        self,
        site: str,
        objects: ObjectStore,
        load_ranker: LoadRanker,
        keys: tuple[bytes, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site, self._objects, self._keys = site, objects, keys
        self._load_ranker, self._clock = load_ranker, clock
        self._looked: float | None = None
        self._refused: str | None = None
        self.engine: Engine | None = None
        self._brake = LiveBrake(site, keys)

    @property
    def brake(self) -> Brake:
        """What is stopped by hand."""
        return self._brake.brake

    @property
    def stale(self) -> bool:
        """Whether the next read should bring pointer and brake along."""
        return self._looked is None or self._clock() - self._looked >= FOLLOW_SECONDS

    def follow(self, pointer: Pointer | None, brake: str | None = None) -> Outcome:
        """Load what the brake pins, else what the pointer names, unless it is live already.

        Keeps the last good one. What the brake says is taken over first: an edition that it pins
        needs no pointer, its digest was signed with the brake.
        """
        self._looked = self._clock()
        unread = self._brake.follow(brake)
        live = self.engine.snapshot.digest if self.engine else ""
        digest = self.brake.pinned or (pointer.digest if pointer else "")
        if not digest or digest in {live, self._refused}:
            return Outcome(live, unread)
        try:
            if pointer and not self.brake.pinned:
                pointer.check(self._site, self._keys)
            self.engine = self._open(digest)
        except HemlineError as why:
            # Remembered only when it can never load: one that could not be had is tried again.
            self._refused = digest if isinstance(why, Refused) else None
            return Outcome(live, str(why))
        return Outcome(digest, unread)

    def _open(self, digest: str) -> Engine:
        data = self._objects.get(edition_object(self._site, digest))
        if data is None:
            raise HemlineError(f"edition {digest[:12]} is not in the bucket")
        edition = unpack(data, site=self._site, digest=digest)
        try:
            return engine_of(edition, self._load_ranker if tried(edition) else _Untried)
        except HemlineError:
            raise
        except Exception as fault:  # whatever is wrong with it must not take the last good one down
            raise Refused(
                f"edition {digest[:12]} does not open ({type(fault).__name__})"
            ) from fault


class _Untried:
    """Stands for a ranker that never had its trial: it might end the process, so it is not even loaded.

    To a decision it is one that fails, which receipts note: they replay to the same bytes.
    """

    feature_names = FEATURES

    def __init__(self, _onnx: bytes, _card: bytes) -> None: ...

    def score(self, _matrix: Floats) -> Floats:
        """Raises NotNow."""
        raise NotNow("the edition's ranker never had its trial: publish again")


def tried(edition: Edition) -> bool:
    """Whether the edition's ranker may be asked: a publish of this or newer code has tried it."""
    return edition.header.trial >= TRIAL


def engine_of(edition: Edition, load_ranker: LoadRanker) -> Engine:
    """An edition made ready to decide from. Raises Refused when its ranker or features do not fit."""
    if edition.header.feature_names != FEATURES:
        raise Refused("the edition's features are not those of this code")
    snapshot = Snapshot(edition)
    onnx, card = bytes(edition.raw("ranker_onnx")), bytes(edition.raw("ranker_json"))
    ranker = load_ranker(onnx, card) if onnx else None
    if ranker and ranker.feature_names != FEATURES:
        raise Refused("the edition's ranker was trained on other features")
    return Engine(snapshot, Rules(snapshot), ranker)
