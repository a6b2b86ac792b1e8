"""Loads one edition in the background, while requests are served from the last good one.

A Lambda is frozen between two requests, and the load with it: it may resume minutes later on a closed
connection. So received bytes are kept from one try to the next, a try ends by the store's own deadlines,
and the next try requests only the rest.

    new ── try ──► running ── opened ───────────────────────────► done, its engine is there
                      ├─ store in trouble, bytes had come ──────► tried again by the next request
                      ├─ store in trouble, nothing had come ────► tried again at the next look
                      └─ not an edition that this code opens ───► unfit, for good
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ladder import Ranker
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.rules.eligibility import Rules
from hemline.model.edition import Edition, unpack
from hemline.model.errors import HemlineError, Refused
from hemline.model.keys import edition_object
from hemline.usecases.ports import PieceStore
from hemline.usecases.serving.edition_trial import Untried, tried

T_co = TypeVar("T_co", covariant=True)
LoadRanker = Callable[[bytes, bytes], Ranker]
"""(onnx, card) → a ranker; raises Refused."""


class Task(Protocol[T_co]):
    """Work that has begun elsewhere."""

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        ...

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        ...

    def result(self) -> T_co:
        """Once it is done. Raises what the work raised."""
        ...


Begin = Callable[[Callable[[], Engine]], Task[Engine]]
"""Begins some work; who waits for it says how long."""


class Here:
    """Runs the work at once, in the caller: for tools and tests, where no page is waiting."""

    done = True

    def __init__(self, work: Callable[[], Engine]) -> None:
        self._result: Engine | Exception
        try:
            self._result = work()
        except Exception as error:  # noqa: BLE001 - whatever it is, who asks for the result gets it
            self._result = error

    def wait(self, seconds: float) -> bool:
        """It has ended."""
        del seconds
        return True

    def result(self) -> Engine:
        """Raises what the work raised."""
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


class EditionLoad:
    """The load of one edition, over as many tries as it takes."""

    def __init__(
        self, site: str, digest: str, objects: PieceStore, load_ranker: LoadRanker, begin: Begin
    ) -> None:
        self.digest = digest
        self._site, self._objects, self._load_ranker = site, objects, load_ranker
        self._begin = begin
        self._held = bytearray()
        self._had = 0
        self._seen = -1
        self._opening = False
        self._task: Task[Engine] | None = None

    @property
    def gains(self) -> bool:
        """Whether the last try received bytes, so that the next try continues from there."""
        return len(self._held) > self._had

    @property
    def running(self) -> bool:
        """Whether a try has begun whose outcome nobody has taken."""
        return self._task is not None

    def begin(self) -> None:
        """Another try."""
        self._had, self._seen = len(self._held), -1
        self._task = self._begin(self._open)

    def wait(self, seconds: float) -> None:
        """Wait for the end, unless the last wait saw no progress: a failing store must not slow requests."""
        task = self._task
        vain = self._step == self._seen and not self._opening
        if task is None or task.done or seconds <= 0 or vain:
            return
        self._seen = self._step
        task.wait(seconds)

    def outcome(self) -> Engine | None:
        """None while it runs. Raises Refused: unfit for good; another HemlineError: try again."""
        if self._task is None or not self._task.done:
            return None
        task, self._task = self._task, None
        return task.result()

    @property
    def _step(self) -> int:
        """Progress: grows with each byte, and once more when all bytes are there."""
        return len(self._held) + self._opening

    def _open(self) -> Engine:
        self._opening = False
        if not self._objects.fetch(edition_object(self._site, self.digest), self._held):
            raise HemlineError(f"edition {self.digest[:12]} is not in the bucket")
        self._opening, resumed = True, self._had > 0
        # The engine keeps views of these bytes, so nothing else may change them.
        data, self._held = bytes(self._held), bytearray()
        try:
            edition = unpack(data, site=self._site, digest=self.digest)
            return engine_of(edition, self._load_ranker if tried(edition) else Untried)
        except HemlineError as why:
            if resumed:  # perhaps the pieces do not belong together: once more, from the start
                raise HemlineError(f"{why}, in pieces") from why
            raise
        except Exception as fault:  # whatever is wrong with it must not take the last good one down
            raise Refused(
                f"edition {self.digest[:12]} does not open ({type(fault).__name__})"
            ) from fault


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
