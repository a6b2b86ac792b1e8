"""The trial of a ranker, run in a child process: `python -m hemline.adapters.onnx.trial`.

Only a run shows what a model does, and a bad model may end the process. So `bounded` starts this module,
sends an Order and reads an Answer. The process limits (memory, CPU, no files) are set before any of the
model's bytes are read.
"""

import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.ranking.candidates import MOST
from hemline.learn.array_types import Floats
from hemline.model.errors import Refused

VERSION = 1
"""Version of `trial_rows`. A card's scores for another version are not compared."""
STATED = 32
"""Number of trial rows whose expected scores are in the card."""
_SIZES = (1, 7, MOST)
_REPEATS = 3
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5
"""Tolerance of a score: training may sum in another order, and on another processor."""

# 16 typical feature values: shares, logarithms of counts and days, deviations, missing (-1, -9).
_VALUES = (0, 1, -1, 0.5, 2, 0.1, 5, -9, 0.01, -0.5, 9.9, 3, 0.25, 20, 0.75, 100)
_WHOLE_ROWS = (0.0, 1.0, -9.0, 1000.0)


class TrialLimits(msgspec.Struct, frozen=True):
    """The resources that a trial may use."""

    wall_seconds: int = 30
    """From start to answer."""
    cpu_seconds: int = 15
    memory: int = 512 << 20
    """Bytes, in addition to those of the process before it opens the model."""
    load_seconds: float = 1.0
    """CPU time to load: fragments may load an edition while a visitor waits."""
    score_seconds: float = 0.1
    """CPU time to score the most rows that serving scores; a usual ranker takes a thousandth of it."""


class Order(msgspec.Struct, frozen=True):
    """The child's input."""

    onnx: bytes
    card: bytes
    limits: TrialLimits


class Answer(msgspec.Struct, frozen=True):
    """The child's output: the reason for a refusal, or the feature names and notes for the operator."""

    refused: str = ""
    features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Expected(msgspec.Struct, frozen=True):
    """In a card: the scores of the first rows of `trial_rows`, as training computed them."""

    version: int
    scores: Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class _Card(msgspec.Struct, frozen=True):
    trial: Expected | None = None


def trial_rows(width: int) -> Floats:
    """float32 [MOST, width]: synthetic rows, the same on every machine; none comes from a visitor."""
    at = np.arange(MOST * width, dtype=np.uint64) + np.uint64(1)
    # SplitMix64 as a hash of the position. Its top 4 bits (>> 60) choose one of the 16 values.
    at *= np.uint64(0x9E3779B97F4A7C15)
    at = (at ^ (at >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    at = (at ^ (at >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    rows: Floats = np.array(_VALUES, np.float32)[at >> np.uint64(60)].reshape(MOST, width)
    for row, value in enumerate(_WHOLE_ROWS):
        rows[row] = value
    return rows


class _Timed(NamedTuple):
    seconds: float
    scores: Floats


def attempt(order: Order) -> Answer:
    """Loads the ranker, scores the trial rows and checks the scores."""
    try:
        return _attempt(order)
    except Refused as why:
        return Answer(refused=str(why))
    except Exception as why:  # noqa: BLE001 - the runtime's errors share no narrower base
        return Answer(refused=f"it does not score: {type(why).__name__}: {str(why)[:200]}")


def _attempt(order: Order) -> Answer:
    expected = _expected(order.card)
    started = time.process_time()
    ranker = OnnxRanker(order.onnx, order.card)
    _within("loads", time.process_time() - started, order.limits.load_seconds)
    rows = trial_rows(len(ranker.feature_names))
    for size in _SIZES:
        runs = [_timed(ranker, rows[:size]) for _ in range(_REPEATS)]
        _check_scores([run.scores for run in runs])
        _within("scores", min(run.seconds for run in runs), order.limits.score_seconds)
    notes = tuple(_compared(expected, runs[0].scores))
    return Answer(features=ranker.feature_names, notes=notes)


def _expected(card: bytes) -> Expected | None:
    try:
        return msgspec.json.decode(card, type=_Card).trial
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"ranker's card is unreadable: {error}") from None


def _timed(ranker: OnnxRanker, rows: Floats) -> _Timed:
    started = time.process_time()
    scores = ranker.score(rows)
    return _Timed(time.process_time() - started, scores)


def _within(does: str, seconds: float, most: float) -> None:
    if seconds > most:
        raise Refused(f"it {does} in {seconds:.2f} s of CPU, {most} s are allowed")


def _check_scores(found: list[Floats]) -> None:
    if any(scores.dtype != np.float32 for scores in found):
        raise Refused("its scores are no float32")
    if not all(np.isfinite(scores).all() for scores in found):
        raise Refused("it gives scores that are not finite")
    if not all((scores == found[0]).all() for scores in found):
        raise Refused("it scores the same rows differently each time")


def _compared(expected: Expected | None, scores: Floats) -> Iterator[str]:
    if expected is None or expected.version != VERSION:
        yield "its card states no scores to compare with: train it again to have it compared"
        return
    stated = np.array(expected.scores)
    gap = abs(scores[: len(stated)] - stated)
    if not (gap <= _ABSOLUTE + _RELATIVE * abs(stated)).all():
        raise Refused(f"its scores differ from those that its card states by {gap.max():.1e}")


def bound(limits: TrialLimits, statm: Path = Path("/proc/self/statm")) -> None:
    """Limits this process. The alarm ends it on time even when its parent is gone."""
    signal.alarm(limits.wall_seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    if statm.exists():  # macOS has none, and its kernel does not enforce RLIMIT_AS
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, used + limits.memory)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def main(read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
    """Reads an Order, writes an Answer, both msgpack."""
    order = msgspec.msgpack.decode(read(), type=Order)
    bound(order.limits)
    write(msgspec.msgpack.encode(attempt(order)))


if __name__ == "__main__":
    main(sys.stdin.buffer.read, sys.stdout.buffer.write)
