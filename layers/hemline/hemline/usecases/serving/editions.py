"""The live edition of a warm function: loaded once, follows the pointer, keeps the last good one."""

import time
from collections.abc import Callable
from typing import NamedTuple

from hemline.decide.engine import Engine
from hemline.model.brake import Brake
from hemline.model.edition import Pointer
from hemline.model.errors import HemlineError, Refused
from hemline.usecases.ports import PieceStore
from hemline.usecases.serving.edition_load import Begin, EditionLoad, Here, LoadRanker, engine_of
from hemline.usecases.serving.live_brake import LiveBrake

__all__ = ["FOLLOW_SECONDS", "FollowResult", "LiveEdition", "LoadRanker", "engine_of"]

FOLLOW_SECONDS = 4.0
"""A brake must be in force within 5 s; the rest is for the lag of an eventually consistent read."""
_SPREAD = 0.25
"""Jitter as a share of FOLLOW_SECONDS: functions that started together do not read together."""


class FollowResult(NamedTuple):
    """What following the pointer did: `digest` of the live edition, `refused` why a newer is not it."""

    digest: str
    refused: str = ""


def _evenly() -> float:
    return 0.0


class LiveEdition:
    """State of a warm function: one engine, and when its pointer was last looked at.

    `begin` starts the load of an edition; requests go on with the last good one until it is done.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the collaborators of a composition root
        self,
        site: str,
        objects: PieceStore,
        load_ranker: LoadRanker,
        keys: tuple[bytes, ...],
        clock: Callable[[], float] = time.monotonic,
        begin: Begin = Here,
        draw: Callable[[], float] = _evenly,
    ) -> None:
        self._site, self._objects, self._keys = site, objects, keys
        self._load_ranker, self._clock = load_ranker, clock
        self._begin, self._draw = begin, draw
        self._looked: float | None = None
        self._pause = FOLLOW_SECONDS
        self._refused: str | None = None
        self._load: EditionLoad | None = None
        self.engine: Engine | None = None
        self._brake = LiveBrake(site, keys)

    @property
    def brake(self) -> Brake:
        """The brake in force."""
        return self._brake.brake

    @property
    def stale(self) -> bool:
        """Whether the next read should bring pointer and brake along."""
        return self._looked is None or self._clock() - self._looked >= self._pause

    @property
    def loading(self) -> bool:
        """Whether an edition is on its way."""
        return self._load is not None

    def follow(
        self, pointer: Pointer | None, brake: str | None = None, patience: float = 0.0
    ) -> FollowResult:
        """Begin to load what the brake pins, else what the pointer names, unless it is live already.

        Waits at most `patience` seconds and keeps the last good edition until then. The brake is read
        first: a pinned edition needs no pointer, since its digest is signed with the brake.
        """
        self._looked = self._clock()
        self._pause = FOLLOW_SECONDS * (1 - _SPREAD * self._draw())
        unread = self._brake.follow(brake)
        digest = self.brake.pinned or (pointer.digest if pointer else "")
        if not digest or digest in {self._digest, self._refused}:
            self._load = None
            return FollowResult(self._digest, unread)
        if self._load is None or self._load.digest != digest:
            try:
                if pointer and not self.brake.pinned:
                    pointer.check(self._site, self._keys)
            except HemlineError as why:
                return FollowResult(self._digest, str(why))
            self._load = EditionLoad(
                self._site, digest, self._objects, self._load_ranker, self._begin
            )
        if not self._load.running:
            self._load.begin()
        refused = self.settle(patience)
        return FollowResult(self._digest, refused or unread)

    def settle(self, patience: float = 0.0) -> str:
        """Switch to an edition that has finished loading. Returns why one was refused, else empty.

        Called for every request; costs nothing unless an edition is loading.
        """
        load = self._load
        if load is None:
            return ""
        if not load.running:
            if not load.gains:
                return ""  # tried again with the next pointer read
            load.begin()
        load.wait(patience)
        try:
            engine = load.outcome()
        except Refused as why:
            # Remembered only when it can never load: one that could not be had is tried again.
            self._refused, self._load = load.digest, None
            return str(why)
        except HemlineError as why:
            return str(why)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the last good one stays
            return f"edition {load.digest[:12]} did not come ({type(fault).__name__})"
        if engine is not None:
            self.engine, self._load = engine, None
        return ""

    @property
    def _digest(self) -> str:
        return self.engine.snapshot.digest if self.engine else ""
