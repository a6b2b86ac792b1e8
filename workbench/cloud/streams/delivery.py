"""Delivers a Kinesis batch to a function with the semantics of an AWS event source mapping.

What an answer means for a batch of one shard, in order:
- no failures reported (an empty list, None, {}, no JSON object): every record is done;
- failures reported: the lowest sequence number is the checkpoint; records below it are done and the
  rest is sent again. A number that is not in the batch, or a missing one, fails the whole batch;
- an error: no record is done. With BisectBatchOnFunctionError the batch is halved, which costs no
  attempt; otherwise it is sent again, which costs one;
- attempts or age used up: the batch goes to the on-failure destination, with its payload; the shard
  continues only when the destination has it.
So every record is either done or in the destination. Pure, except for calls to its `DeliveryPort`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workbench.cloud.template import EventSource


class DeliveryEntry(NamedTuple):
    """One record of the stream."""

    sequence: str
    """The sequence number, a decimal that grows within the shard."""
    partition: str
    """The partition key."""
    data: bytes
    arrived: float
    """Epoch seconds."""


class DeliveryOutcome(NamedTuple):
    """How an invocation left its batch."""

    failed_from: int
    """Index of the first record that is not done; the batch's length when all are."""
    error: bool
    """The function failed as a whole."""


class Exhausted(NamedTuple):
    """A batch that is given up and goes to the destination."""

    entries: Sequence[DeliveryEntry]
    condition: str
    """`RetryAttemptsExhausted` or `RecordAgeExceeded`."""
    attempts: int
    """How many invocations it has had."""


class DeliveryPort(Protocol):
    """What delivery needs from outside."""

    async def invoke(self, entries: Sequence[DeliveryEntry]) -> object:
        """The function's answer as parsed JSON. Raises FunctionError."""
        ...

    async def give_up(self, batch: Exhausted) -> None:
        """Return only when the destination has the batch (or there is no destination)."""
        ...

    async def done(self, sequence: str) -> None:
        """Record that everything up to `sequence` is processed."""
        ...

    async def pause(self, attempt: int) -> None:
        """Wait before attempt number `attempt` (1 is the first repeat)."""
        ...

    def now(self) -> float:
        """Epoch seconds."""
        ...


class FunctionError(Exception):
    """The function failed or timed out."""


class _Piece(NamedTuple):
    entries: Sequence[DeliveryEntry]
    attempts: int


def outcome_of(
    entries: Sequence[DeliveryEntry], answer: object, *, partial: bool
) -> DeliveryOutcome:
    """What the function's answer means for the batch; `partial`: it may report single failures."""
    failures = answer.get("batchItemFailures") if partial and isinstance(answer, dict) else None
    if not failures:
        return DeliveryOutcome(len(entries), error=False)
    places = {entry.sequence: index for index, entry in enumerate(entries)}
    try:
        return DeliveryOutcome(
            min(places[item["itemIdentifier"]] for item in failures), error=False
        )
    except (KeyError, TypeError):
        return DeliveryOutcome(0, error=True)


async def deliver(
    entries: Sequence[DeliveryEntry], source: EventSource, world: DeliveryPort
) -> None:
    """Return when every entry is done or given up, and `world.done` knows the last one's number."""
    # A stack with the oldest piece on top, which keeps the order within the shard.
    pieces = [_Piece(entries, 0)]
    while pieces:
        piece = pieces.pop()
        if not piece.entries:
            continue
        old = _too_old(piece.entries, source, world.now())
        if old:
            await world.give_up(Exhausted(piece.entries[:old], "RecordAgeExceeded", piece.attempts))
            await world.done(piece.entries[old - 1].sequence)
            pieces.append(piece._replace(entries=piece.entries[old:]))
            continue
        pieces += await _attempt(piece, source, world)


def _too_old(entries: Sequence[DeliveryEntry], source: EventSource, now: float) -> int:
    """How many records from the front are past the age limit."""
    if source.max_age < 0:
        return 0
    fresh = (i for i, entry in enumerate(entries) if now - entry.arrived <= source.max_age)
    return next(fresh, len(entries))


async def _attempt(piece: _Piece, source: EventSource, world: DeliveryPort) -> list[_Piece]:
    """One invocation. Returns the pieces left to deliver, the newest first."""
    try:
        answer = await world.invoke(piece.entries)
        verdict = outcome_of(piece.entries, answer, partial=source.partial)
    except FunctionError:
        verdict = DeliveryOutcome(0, error=True)
    if verdict.failed_from:
        await world.done(piece.entries[verdict.failed_from - 1].sequence)
        rest = piece.entries[verdict.failed_from :]
        # There was progress, so the rest starts with a fresh count of attempts, as on AWS.
        return [_Piece(rest, 0)] if rest else []
    if source.bisect and len(piece.entries) > 1:
        half = len(piece.entries) // 2
        return [_Piece(piece.entries[half:], 0), piece._replace(entries=piece.entries[:half])]
    return await _retry(piece, source, world)


async def _retry(piece: _Piece, source: EventSource, world: DeliveryPort) -> list[_Piece]:
    attempts = piece.attempts + 1
    if 0 <= source.retries < attempts:
        await world.give_up(Exhausted(piece.entries, "RetryAttemptsExhausted", attempts))
        await world.done(piece.entries[-1].sequence)
        return []
    await world.pause(attempts)
    return [_Piece(piece.entries, attempts)]
