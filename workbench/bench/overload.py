"""`bench overload`: how much of the goodput is left at seven times the load that the stack can answer.

Capacity is the rate of answers to a few callers who each wait for theirs. Then a load generator sends at
that rate and at seven times that rate, in turns, without waiting. A stack that sheds load answers as much
as before and refuses the rest at once; one that does not spends its time on answers that come too late.
"""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import msgspec

from workbench.bench.load import LoadSpec, Tally, load
from workbench.bench.serve import Shopper
from workbench.bench.serve_stacks import product
from workbench.demo.catalogue import by_id

TIMES = 7
CALLERS = 4
_CANDIDATES = 100


class Report(NamedTuple):
    """Medians over rounds."""

    capacity: float
    """Good answers per second to callers who wait."""
    at_once: Tally
    """The load at capacity."""
    crowd: Tally
    """The load at `TIMES` the capacity."""
    share: float
    """Goodput at `TIMES` the capacity, divided by that at capacity."""


def measure(*, seconds: float = 4.0, repeats: int = 3) -> Report:
    """Measure the running stack, or else a temporary one."""
    with product() as stack:
        shopper = Shopper(stack, stack.gateway)
        shopper.ask_for(list(by_id())[:_CANDIDATES])
        shopper.fragment()
        ask = LoadSpec(f"{stack.gateway}/v1/fragments", 0.0, seconds, shopper.body, shopper.signed)
        return compare(
            lambda rate: load(
                ask._replace(rate=rate) if rate else ask._replace(lines=CALLERS),
            ),
            repeats,
        )


def compare(load_at: Callable[[float], Tally], repeats: int) -> Report:
    """The report from `load_at`, called with 0 (callers who wait), the capacity, and a multiple of it."""
    load_at(0.0)
    capacity = median(load_at(0.0).good for _ in range(repeats))
    pairs = [(load_at(capacity), load_at(capacity * TIMES)) for _ in range(repeats)]
    ones, crowds = zip(*pairs, strict=True)
    one, crowd = _middle(ones), _middle(crowds)
    return Report(capacity, one, crowd, round(crowd.good / one.good, 3) if one.good else 0.0)


def _middle(tallies: tuple[Tally, ...]) -> Tally:
    return sorted(tallies, key=lambda tally: tally.good)[len(tallies) // 2]


def as_json(report: Report) -> str:
    """One JSON object."""
    return msgspec.json.encode(report._asdict()).decode()
