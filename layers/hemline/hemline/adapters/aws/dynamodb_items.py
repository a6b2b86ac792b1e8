"""Items of the table in DynamoDB's JSON, and their keys. `dynamodb` documents the attributes."""

from typing import Any

import msgspec

from hemline.model.keys import BRAKE_SORT, POINTER_SORT, profile_partition, site_partition
from hemline.usecases.ports import PersonItem

Key = dict[str, dict[str, str]]


class TextValue(msgspec.Struct):
    """A text, as DynamoDB spells one."""

    S: str


class NumberValue(msgspec.Struct):
    """A number as text."""

    N: str


class BinaryValue(msgspec.Struct):
    """Bytes, base64 on the wire."""

    B: bytes


class TableItem(msgspec.Struct):
    """Any item of ours; each kind has its own attributes."""

    pk: TextValue
    sk: TextValue
    b: BinaryValue | None = None
    v: NumberValue | None = None
    s: BinaryValue | None = None
    u: NumberValue | None = None
    digest: TextValue | None = None
    built: NumberValue | None = None
    signature: TextValue | None = None


class GetAnswer(msgspec.Struct):
    """The answer of GetItem."""

    item: TableItem | None = msgspec.field(name="Item", default=None)


class BatchAnswer(msgspec.Struct):
    """The answer of BatchGetItem; `left` are keys to ask for again."""

    responses: dict[str, list[TableItem]] = msgspec.field(name="Responses", default_factory=dict)
    left: dict[str, Any] = msgspec.field(name="UnprocessedKeys", default_factory=dict)


class NoAnswer(msgspec.Struct):
    """An answer that says only that it worked."""


def profile_key(site: str, subject: str) -> Key:
    """The key of a profile."""
    return part_key(site, subject, PersonItem.PROFILE)


def part_key(site: str, subject: str, part: PersonItem) -> Key:
    """The key of one part of a person."""
    return {"pk": {"S": profile_partition(site, subject)}, "sk": {"S": part}}


def pointer_key(site: str) -> Key:
    """The key of the edition pointer."""
    return {"pk": {"S": site_partition(site)}, "sk": {"S": POINTER_SORT}}


def brake_key(site: str) -> Key:
    """The key of the brake."""
    return {"pk": {"S": site_partition(site)}, "sk": {"S": BRAKE_SORT}}
