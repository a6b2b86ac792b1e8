"""The `Road` protocol, a way in for batches, and the HTTP road: the collect endpoint.

The HTTP road is the default. The other one, `direct.DirectRoad`, runs the collect and ingest use cases on
the stack's own stores; the result is the same.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec
import urllib3

from hemline.model.errors import HemlineError, Unavailable
from hemline.model.events.batch_signature import HEADER, sign_batch
from hemline.usecases.ingest.collect import NOT_DURABLE
from hemline.usecases.ingest.collected import Rejected
from workbench.importers.wire import Batch


class SentBatch(NamedTuple):
    """The result of one batch. Positions in `rejected` are those of the batch."""

    accepted: int
    rejected: Sequence[Rejected]


class Road(Protocol):
    """A way in for batches of wire events."""

    def send(self, batch: Batch) -> SentBatch:
        """Send one batch. Raises Unavailable when it was not accepted after all tries."""
        ...

    def close(self) -> None:
        """Release connections and threads."""
        ...


class _Answer(msgspec.Struct):
    accepted: int = 0
    rejected: list[Rejected] = []
    title: str = ""
    detail: str = ""


class HttpRoad:
    """POST /v1/events, signed as the site's server. Retries with backoff what was not durable."""

    tries = 8
    """With waits of 0.4 to 10 s between them: about half a minute."""

    def __init__(
        self, url: str, key: bytes, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url, self._key, self._sleep = url.rstrip("/") + "/v1/events", key, sleep
        # Retries are ours: the signature carries the time, so each try signs anew.
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30.0))

    def close(self) -> None:
        """Close its connections."""
        self._pool.clear()

    def send(self, batch: Batch) -> SentBatch:
        """Send one batch. Of a partly durable batch, only the events that were not are sent again."""
        accepted, refused = 0, list[Rejected]()
        waiting = list(range(len(batch.events)))
        why = ""
        for attempt in range(self.tries):
            if attempt:
                self._sleep(min(0.2 * 2**attempt, 10.0))
            answer, why = self._post(batch.only(waiting))
            accepted += answer.accepted
            refused += [_moved(r, waiting) for r in answer.rejected if r.reason != NOT_DURABLE]
            if not why:
                return SentBatch(accepted, refused)
            again = [r.index for r in answer.rejected if r.reason == NOT_DURABLE]
            waiting = [waiting[index] for index in again] or waiting
        raise Unavailable("collect endpoint", f"{why}; gave up after {self.tries} tries")

    def _post(self, batch: Batch) -> tuple[_Answer, str]:
        """The answer, and the reason to try again (empty: none). Raises HemlineError when refused."""
        body = batch.body
        signature = sign_batch(body, self._key, time.time_ns() // 1_000_000)
        headers = {"content-type": "application/json", HEADER: signature}
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return _Answer(), f"{self._url} did not answer ({type(error).__name__})"
        answer = _decode(response.data) or _Answer()
        if response.status == 429 or response.status >= 500:
            return answer, f"{self._url} answered {response.status}"
        if response.status == 202 or answer.rejected:
            return answer, ""
        return _refused(batch, response.status, answer), ""


def _refused(batch: Batch, status: int, answer: _Answer) -> _Answer:
    """A refused call of one event counts as one rejected event. A larger one raises HemlineError."""
    said = answer.detail or answer.title
    if status in (400, 413) and len(batch.events) == 1:
        return _Answer(rejected=[Rejected(0, None, said)])
    raise HemlineError(f"the collect endpoint answered {status}: {said or 'nothing'}")


def _decode(data: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(data, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _moved(rejected: Rejected, positions: Sequence[int]) -> Rejected:
    return msgspec.structs.replace(rejected, index=positions[rejected.index])
