"""How long a function may wait for AWS: less than Lambda gives the function, so that it can still answer.

A function that Lambda ends answers 500, or nothing, and what it knew by then is lost. So each one's waits
have an end before its `Timeout` in template.yaml: of one call, its repeats included, and of all calls of
one invocation together. A test holds these figures to the template.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from hemline.adapters.aws.client import AwsClient, Retries, connect
from hemline.adapters.aws.connections import Timeouts
from hemline.runtime.settings import Settings

T = TypeVar("T")
MARGIN = 1.0
"""Seconds that are left when the waiting is over, for the answer and the log."""


class FunctionLimits(NamedTuple):
    """Seconds."""

    wait: float
    """For each piece of an answer."""
    call: float
    """For one call with its repeats."""
    budget: float
    """For all calls of one invocation."""


LIMITS = {
    # Edition loads run beside the requests; the reads of a decision have deadlines of their own.
    "fragments": FunctionLimits(2.0, 30.0, 30.0),
    "collect": FunctionLimits(1.5, 4.0, 5.0),
    "account": FunctionLimits(1.5, 4.0, 12.0),
    "ingest": FunctionLimits(5.0, 10.0, 50.0),
    # An edition or an archive of a large site takes longer to read than one profile.
    "publish": FunctionLimits(10.0, 60.0, 280.0),
    "sweep": FunctionLimits(10.0, 60.0, 280.0),
}
_CONNECT_SECONDS = 1.0
START_SECONDS = 1.5
"""Fragments: all that a start waits for. A visitor waits with it, unless it was started ahead."""


class Budget:
    """What is left of one invocation, for all of its calls; of one process, which takes one at a time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._until: float | None = None

    def left(self) -> float:
        """Seconds; between two invocations, those of a whole one."""
        return self._seconds if self._until is None else self._until - self._clock()

    def within(self, handler: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
        """The same handler, whose calls to AWS end in time for its answer."""

        @wraps(handler)
        def bounded(event: Any, context: Any) -> T:  # noqa: ANN401 - as Lambda calls it
            # A first invocation may have spent some of its time on the start.
            ask = getattr(context, "get_remaining_time_in_millis", None)
            given = ask() / 1000 - MARGIN if ask else self._seconds
            self._until = self._clock() + min(self._seconds, given)
            try:
                return handler(event, context)
            finally:
                self._until = None

        return bounded


class Clients:
    """Makes a function's clients, all within its limits and on one budget."""

    def __init__(self, function: str, settings: Settings) -> None:
        self.limits, self._settings = LIMITS[function], settings
        self.budget = Budget(self.limits.budget)

    def __call__(self, service: str) -> AwsClient:
        """Of this AWS service."""
        limits, settings = self.limits, self._settings
        client = connect(service, region=settings.region, endpoint=settings.endpoint)
        client.timeouts = Timeouts(_CONNECT_SECONDS, limits.wait)
        client.retries, client.budget = Retries(total=limits.call), self.budget.left
        return client
