"""The one table as tests make it, and how a write to it ended."""

from collections.abc import Callable
from typing import Protocol

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.model.errors import Conflict
from hemline.usecases.ports import PersonStore, PointerStore, ServingRead, ServingReader
from tests.harness.clouds import REGION, Cloud


class Table(ServingReader, PersonStore, PointerStore, Protocol):
    """All that the one table is used for."""


def dynamo(cloud: Cloud) -> DynamoTable:
    return DynamoTable(
        connect("dynamodb", region=REGION, endpoint=cloud.endpoint), cloud.make_table()
    )


def hot(table: Table, subject: str | None, *, pointer: bool = False) -> ServingRead:
    return table.read_for_serving("demo", subject, pointer=pointer, timeout=10)


def attempt(write: Callable[..., None], site: str, subject: str, blob: bytes, expected: int) -> str:
    try:
        write(site, subject, blob, expected=expected)
    except Conflict:
        return "conflict"
    return "written"
