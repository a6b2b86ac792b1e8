"""Up to 25 conditional writes in one DynamoDB request, each with its own condition and outcome.

BatchWriteItem has no conditions, and a transaction fails as a whole. Only PartiQL's batch gives each
write its own condition. This module builds statements and reads their results; it does not know what a
key means. Every attribute name is quoted: `ttl` is a reserved word of DynamoDB.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from hemline.adapters.aws.client import AwsCall, AwsClient, AwsFault, targeted
from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import Write, Written

MEMBERS = 25
"""Statements of one BatchExecuteStatement."""
_LOST = {"ConditionalCheckFailed", "DuplicateItem"}
_PASSING = {
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "InternalServerError",
}
"""Transient errors of one statement: the client would retry them as the answer to a whole request."""
Value = Mapping[str, Any]


class Statement(NamedTuple):
    """PartiQL text, and a value for each question mark."""

    text: str
    values: Sequence[Any]


class _Error(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Member(msgspec.Struct, rename="pascal"):
    error: _Error | None = None


class _Answer(msgspec.Struct, rename="pascal"):
    responses: list[_Member] = msgspec.field(default_factory=list)


def statement(table: str, key: Value, write: Write, until: Value) -> Statement:
    """The statement for `write` to the item with this key. `until`: its expiry attributes.

    A first version conflicts when the item exists; a later one conflicts unless its predecessor is stored.
    """
    kept = {"b": {"B": write.blob}, "v": {"N": str(write.expected + 1)}, **until}
    if not write.expected:
        return Statement(_insert(table, (*key, *kept)), [*key.values(), *kept.values()])
    text = _update(table, tuple(kept), (*key, "v"))
    return Statement(text, [*kept.values(), *key.values(), {"N": str(write.expected)}])


def execute(client: AwsClient, statements: Sequence[Statement]) -> list[Written]:
    """The outcome of each write, in order; never raises. The writes must be independent."""
    places = range(0, len(statements), MEMBERS)
    return [one for at in places for one in _execute(client, statements[at : at + MEMBERS])]


def _execute(client: AwsClient, statements: Sequence[Statement]) -> list[Written]:
    """Retries the statements that failed with a transient error, within the bounds of one call."""
    outcomes: list[Written] = [None] * len(statements)
    left, until = list(range(len(statements))), client.until()
    for attempt in range(client.retries.attempts):
        found = _ask(client, [statements[number] for number in left], AwsCall(until=until))
        for number, (outcome, _) in zip(left, found, strict=True):
            outcomes[number] = outcome
        left = [number for number, (_, again) in zip(left, found, strict=True) if again]
        last = not left or attempt + 1 == client.retries.attempts
        if last or not client.rest(attempt, until):
            break
    return outcomes


def _ask(
    client: AwsClient, statements: Sequence[Statement], call: AwsCall
) -> list[tuple[Written, bool]]:
    """The outcome of each statement, and whether to retry that statement.

    The client may resend all of them after a lost answer. A write that had succeeded then reports Conflict.
    """
    asked = {"Statements": [{"Statement": s.text, "Parameters": s.values} for s in statements]}
    try:
        members = client.json(targeted(call, "BatchExecuteStatement"), asked, _Answer).responses
    except Unavailable as fault:
        return [(fault, False)] * len(statements)
    if len(members) != len(statements):
        reason = f"{len(members)} answers to {len(statements)} statements"
        return [(AwsFault(client.service, "", reason), False)] * len(statements)
    errors = [member.error for member in members]
    return [(_outcome(client.service, e), e is not None and e.code in _PASSING) for e in errors]


def _outcome(service: str, error: _Error | None) -> Written:
    if error is None:
        return None
    if error.code in _LOST:
        return Conflict("somebody else wrote this item first")
    return AwsFault(service, error.code, error.message)


@lru_cache(maxsize=16)
def _insert(table: str, names: tuple[str, ...]) -> str:
    pairs = ", ".join(f"'{name}': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{pairs}}}'


@lru_cache(maxsize=16)
def _update(table: str, names: tuple[str, ...], held: tuple[str, ...]) -> str:
    sets = " ".join(f'SET "{name}"=?' for name in names)
    return f'UPDATE "{table}" {sets} WHERE ' + " AND ".join(f'"{name}"=?' for name in held)
