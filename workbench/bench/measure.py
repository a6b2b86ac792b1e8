"""How a benchmark measures: variants take turns, CPU by the process clock, medians over rounds.

Hot: calls back to back, with warm CPU caches. Paced: one call every 20 ms, which is closer to the load of
a function. Knows nothing of what it measures.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

PACE = 0.020
"""Seconds from the start of one paced call to the start of the next."""
_SETTLE = 0.060
"""Seconds to wait before a round: threads of the last variant may still spin and use CPU."""


class BenchRow(NamedTuple):
    """One line of the report. `cpu_us` and `per_s` are per unit of work on one core."""

    name: str
    size: int
    """Candidates, profiles or fragments: the report's second column."""
    cpu_us: float
    p50_us: float
    """Wall-clock percentiles of a call, in microseconds."""
    p99_us: float
    per_s: float
    """Units of work per second that one core can do."""


class Timing(NamedTuple):
    """One round of one variant: CPU per call, and the wall-clock time of each call."""

    cpu_us: float
    wall_us: Sequence[float]


def rounds(
    variants: Mapping[str, Callable[[], object]],
    *,
    calls: Mapping[str, int],
    repeats: int,
    paced: bool = False,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[Timing]]:
    """Run the variants in turn, `repeats` times, so that a slow minute affects all of them alike."""
    samples: dict[str, list[Timing]] = {name: [] for name in variants}
    for call in variants.values():
        call()
    for _ in range(repeats):
        for name, call in variants.items():
            samples[name].append(_round(call, calls[name], paced=paced, clock=clock))
    return samples


def row(name: str, size: int, samples: Sequence[Timing], *, units: int = 1) -> BenchRow:
    """A report row: the median CPU of the rounds, percentiles over all calls; a call does `units` of work."""
    cpu = median(sample.cpu_us for sample in samples) / units
    wall = sorted(us for sample in samples for us in sample.wall_us)
    p99 = wall[min(len(wall) - 1, int(len(wall) * 0.99))]
    return BenchRow(
        name, size, round(cpu, 1), round(median(wall), 1), round(p99, 1), round(1e6 / cpu, 1)
    )


def _round(
    call: Callable[[], object], calls: int, *, paced: bool, clock: Callable[[], float]
) -> Timing:
    wall: list[float] = []
    time.sleep(_SETTLE)
    cpu = clock()
    for _ in range(calls):
        started = time.perf_counter()
        call()
        took = time.perf_counter() - started
        wall.append(took * 1e6)
        if paced:
            time.sleep(max(PACE - took, 0.0))
    return Timing((clock() - cpu) / calls * 1e6, wall)


@contextmanager
def one_core() -> Iterator[None]:
    """Pin this thread and those that it starts to one core, since figures are per core.

    On two cores the threads of one interpreter hand the lock back and forth, which doubles the CPU.
    Does nothing on systems that cannot pin.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
