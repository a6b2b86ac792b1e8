"""Profiles, pointers and brakes in one DynamoDB table, over `client`.

    profile, or another part of a person   {pk, sk, b, v, s?, u?, ttl?}
        b: bytes, v: version, s: subject status if not the default, u: epoch seconds when b expires,
        ttl: the same, where the whole item expires
    pointer   {pk, sk, digest, built, signature}
    brake     {pk, sk, signature: signed text, v: version}

Keys come from `model.keys` only. DynamoDB deletes by `ttl` up to days late, so expired bytes are read as
empty. A subject status (a refusal, a link, a tombstone) must outlive the profile, so its item has no `ttl`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hemline.adapters.aws.client import AwsCall, AwsClient, AwsFault, once, targeted
from hemline.adapters.aws.dynamodb_items import (
    BatchAnswer,
    GetAnswer,
    Key,
    NoAnswer,
    TableItem,
    brake_key,
    part_key,
    pointer_key,
    profile_key,
)
from hemline.model.durations import DAY_SECONDS
from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Refused, Unavailable
from hemline.model.keys import (
    BRAKE_SORT,
    POINTER_SORT,
    PROFILE_SORT,
    profile_partition,
)
from hemline.model.subject_status import (
    DEFAULT_STATUS,
    SubjectStatus,
    decode_status,
    encode_status,
)
from hemline.usecases.ports import PersonItem, ServingRead, Stored, Write, Written

_BATCH = 100
"""Keys of one BatchGetItem."""
_ROUNDS = 8
"""Requests for one batch, including those for the keys that it left out."""
T = TypeVar("T")


class DynamoTable:
    """ServingReader, PersonStore, PointerStore and BrakeStore.

    `profile_days`: days that a profile is kept after its last write; 0: until it is erased.
    """

    def __init__(self, client: AwsClient, table: str, profile_days: int = 0) -> None:
        self._client, self._table, self._days = client, table, profile_days
        self.clock: Callable[[], float] = time.time

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """One request of at most `timeout` seconds, eventually consistent, without retries."""
        keys = [profile_key(site, subject)] if subject else []
        if pointer:
            keys += [pointer_key(site), brake_key(site)]
        items = self._read_once(keys, once(timeout))
        return ServingRead(
            next((self._stored(item) for item in items if item.sk.S == PROFILE_SORT), None),
            next((_pointer(item) for item in items if item.sk.S == POINTER_SORT), None),
            next((_brake(item) for item in items if item.sk.S == BRAKE_SORT), None),
        )

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """Subject → its profile, for those that exist; read consistently, in batches of 100."""
        by_partition = {profile_partition(site, subject): subject for subject in subjects}
        keys: list[Key] = [{"pk": {"S": name}, "sk": {"S": PROFILE_SORT}} for name in by_partition]
        places = range(0, len(keys), _BATCH)
        items = (item for at in places for item in self._read_all(keys[at : at + _BATCH]))
        return {by_partition[item.pk.S]: self._stored(item) for item in items}

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        """Raises Conflict when the stored version is not `expected` (0: none stored).

        It may be resent after a lost answer: the condition admits only one of the two writes, and after
        the Conflict the caller reads a profile that already has its events.
        """
        kept = {
            "b": {"B": blob},
            "v": {"N": str(expected + 1)},
            **self._until(PersonItem.PROFILE, DEFAULT_STATUS),
        }
        update = {
            "Key": profile_key(site, subject),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in kept),
            "ConditionExpression": "v = :e" if expected else "attribute_not_exists(v)",
            "ExpressionAttributeNames": {f"#{name}": name for name in kept},
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in kept.items()},
                **({":e": {"N": str(expected)}} if expected else {}),
            },
        }
        self._write("UpdateItem", update, AwsCall())

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """The outcome of each write, in order: None (written), Conflict, or a fault (not known)."""
        from hemline.adapters.aws.dynamodb_batch import execute, statement  # noqa: PLC0415 - the hot path never writes

        statements = [
            statement(
                self._table,
                profile_key(site, write.subject),
                write,
                self._until(PersonItem.PROFILE, write.standing),
            )
            for write in writes
        ]
        return execute(self._client, statements)

    def read_part(self, site: str, subject: str, part: PersonItem) -> Stored | None:
        """A consistent read; None when there is none."""
        get = {"Key": part_key(site, subject, part), "ConsistentRead": True}
        item = self._ask("GetItem", get, GetAnswer, AwsCall()).item
        return self._stored(item) if item else None

    def write_part(self, site: str, subject: str, part: PersonItem, new: Stored) -> None:
        """Raises Conflict when the stored version is not the one before `new`.

        It may be resent after a lost answer, as a profile may: after the Conflict the caller reads again.
        """
        before = new.version - 1
        put = {
            "Item": {
                **part_key(site, subject, part),
                "b": {"B": new.blob},
                "v": {"N": str(new.version)},
                **({"s": {"B": s}} if (s := encode_status(new.standing)) else {}),
                **self._until(part, new.standing),
            },
            "ConditionExpression": "v = :e" if before else "attribute_not_exists(v)",
            **({"ExpressionAttributeValues": {":e": {"N": str(before)}}} if before else {}),
        }
        self._write("PutItem", put, AwsCall())

    def delete_part(self, site: str, subject: str, part: PersonItem) -> None:
        """No error when there is none."""
        self._ask("DeleteItem", {"Key": part_key(site, subject, part)}, NoAnswer, AwsCall())

    def read_pointer(self, site: str) -> Pointer | None:
        """A consistent read; None when there is none."""
        get = {"Key": pointer_key(site), "ConsistentRead": True}
        item = self._ask("GetItem", get, GetAnswer, AwsCall()).item
        return _pointer(item) if item else None

    def swap_pointer(self, site: str, pointer: Pointer, *, expected: str | None) -> None:
        """Raises Conflict unless the live digest is `expected` (None: no edition yet).

        It is not resent after a lost answer: the second one would conflict with the first one's pointer.
        """
        put = {
            "Item": {
                **pointer_key(site),
                "digest": {"S": pointer.digest},
                "built": {"N": str(pointer.built)},
                "signature": {"S": pointer.signature},
            },
            "ConditionExpression": "digest = :e" if expected else "attribute_not_exists(pk)",
            **({"ExpressionAttributeValues": {":e": {"S": expected}}} if expected else {}),
        }
        self._write("PutItem", put, AwsCall(again=False))

    def read_brake(self, site: str) -> str | None:
        """A consistent read; None when there is none."""
        get = {"Key": brake_key(site), "ConsistentRead": True}
        item = self._ask("GetItem", get, GetAnswer, AwsCall()).item
        return _brake(item) if item else None

    def swap_brake(self, site: str, signed: str, *, expected: int) -> None:
        """Raises Conflict unless version `expected` is stored (0: none). Not resent, as `swap_pointer`."""
        put = {
            "Item": {**brake_key(site), "signature": {"S": signed}, "v": {"N": str(expected + 1)}},
            "ConditionExpression": "v = :e" if expected else "attribute_not_exists(pk)",
            **({"ExpressionAttributeValues": {":e": {"N": str(expected)}}} if expected else {}),
        }
        self._write("PutItem", put, AwsCall(again=False))

    def _until(self, part: PersonItem, standing: SubjectStatus) -> dict[str, dict[str, str]]:
        """The expiry attributes of a part. Links have none: they last as long as the linked profiles."""
        if not self._days or part is PersonItem.LINKS:
            return {}
        past = {"N": str(int(self.clock()) + self._days * DAY_SECONDS)}
        lasting = standing.forgotten or standing.linked or standing.consent.refused
        return {"u": past} if lasting or part is PersonItem.OWN else {"u": past, "ttl": past}

    def _stored(self, item: TableItem) -> Stored:
        stored = _stored(item)
        past = item.u is not None and int(item.u.N) <= self.clock()
        # The version stays: the item still exists, and the next write must name its version.
        return stored._replace(blob=b"") if past else stored

    def _read_once(self, keys: list[Key], call: AwsCall) -> list[TableItem]:
        if not keys:
            return []
        if len(keys) == 1:  # a third cheaper for both ends than a batch of one
            item = self._ask("GetItem", {"Key": keys[0]}, GetAnswer, call).item
            return [item] if item else []
        found = self._batch({self._table: {"Keys": keys}}, call)
        if found.left:
            raise Unavailable(self._client.service, "throttled")
        return found.responses.get(self._table, [])

    def _read_all(self, keys: list[Key]) -> Iterator[TableItem]:
        """Requests again the keys that a batch left out: throttled, or beyond 16 MB."""
        left: Mapping[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}}
        client, until = self._client, self._client.until()
        for attempt in range(_ROUNDS):
            found = self._batch(left, AwsCall(until=until))
            yield from found.responses.get(self._table, [])
            if not found.left:
                return
            left = found.left
            if not client.rest(attempt, until):
                break
        raise Unavailable(client.service, "throttled: some profiles were never read")

    def _batch(self, asked: Mapping[str, Any], call: AwsCall) -> BatchAnswer:
        return self._client.json(
            targeted(call, "BatchGetItem"), {"RequestItems": asked}, BatchAnswer
        )

    def _ask(self, operation: str, body: dict[str, Any], answer: type[T], call: AwsCall) -> T:
        payload = {"TableName": self._table, **body}
        return self._client.json(targeted(call, operation), payload, answer)

    def _write(self, operation: str, body: dict[str, Any], call: AwsCall) -> None:
        try:
            self._ask(operation, body, NoAnswer, call)
        except AwsFault as fault:
            if fault.code == "ConditionalCheckFailedException":
                raise Conflict("somebody else wrote this item first") from None
            raise


def _brake(item: TableItem) -> str:
    # The caller verifies the signature; an item without one is an empty, invalid text.
    return item.signature.S if item.signature else ""


def _stored(item: TableItem) -> Stored:
    if item.b is None or item.v is None:
        raise Unavailable("dynamodb", f"{item.pk.S} is no profile of ours")
    try:
        standing = decode_status(item.s.B if item.s else b"")
    except Refused as why:
        # An unreadable consent may be a refusal, so it must not count as consent.
        raise Unavailable("dynamodb", str(why)) from None
    return Stored(item.b.B, int(item.v.N), standing)


def _pointer(item: TableItem) -> Pointer:
    if item.digest is None or item.built is None or item.signature is None:
        raise Unavailable("dynamodb", f"{item.pk.S} is no pointer of ours")
    return Pointer(item.digest.S, int(item.built.N), item.signature.S)
