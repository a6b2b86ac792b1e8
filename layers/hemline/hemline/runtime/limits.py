"""Limits how long a function waits for AWS: less than its Lambda timeout, so that it can still answer.

When Lambda stops a function, the caller gets 500 or nothing, and the work so far is lost. So two limits
end before the function's `Timeout` in template.yaml: the one of a call with its retries, and the one of
all calls of an invocation. A test compares these numbers with the template.
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
"""Seconds reserved after the last wait, for the answer and the log."""


class FunctionLimits(NamedTuple):
    """Seconds."""

    wait: float
    """For each read from the socket."""
    call: float
    """For one call with its retries."""
    budget: float
    """For all calls of one invocation."""


LIMITS = {
    # For edition loads, which run in the background. The serving read has its own, shorter deadline.
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
"""The most that a cold start of fragments waits. A visitor waits too, unless Lambda started it ahead."""


class Budget:
    """The seconds left for all calls of the current invocation. A process handles one at a time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._until: float | None = None

    def left(self) -> float:
        """Seconds; the full budget outside an invocation."""
        return self._seconds if self._until is None else self._until - self._clock()

    def within(self, handler: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
        """Wraps `handler` so that its calls to AWS end in time for its answer."""

        @wraps(handler)
        def bounded(event: Any, context: Any) -> T:  # noqa: ANN401 - as Lambda calls it
            # The first invocation may have spent part of its time on the cold start.
            ask = getattr(context, "get_remaining_time_in_millis", None)
            given = ask() / 1000 - MARGIN if ask else self._seconds
            self._until = self._clock() + min(self._seconds, given)
            try:
                return handler(event, context)
            finally:
                self._until = None

        return bounded


class Clients:
    """Makes the AWS clients of one function; they share its limits and one budget."""

    def __init__(self, function: str, settings: Settings) -> None:
        self.limits, self._settings = LIMITS[function], settings
        self.budget = Budget(self.limits.budget)

    def __call__(self, service: str) -> AwsClient:
        """A client of this AWS service."""
        limits, settings = self.limits, self._settings
        client = connect(service, region=settings.region, endpoint=settings.endpoint)
        client.timeouts = Timeouts(_CONNECT_SECONDS, limits.wait)
        client.retries, client.budget = Retries(total=limits.call), self.budget.left
        return client
