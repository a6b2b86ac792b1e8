"""Some cells of the fault matrix under the real runtime, which ends a function at its own timeout."""

import json
from asyncio import sleep
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.edition import Pointer
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from hemline.usecases.serving.editions import FOLLOW_SECONDS
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.faults.services import HANG, World, world
from tests.harness import event_loops
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import ROOT, event
from workbench.cloud.built import build
from workbench.cloud.pool import WorkerPool
from workbench.cloud.runtime import Home, emulator_binary
from workbench.cloud.template import load

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(emulator_binary() is None, reason="no Lambda runtime emulator here"),
]
Ask = Callable[[], Awaitable[dict[str, Any]]]


def publish(where: World, items: int, expected: str | None = None) -> str:
    endpoint = where.cloud.endpoint
    data, edition = build_file(catalogue(items), [Slot("for-you")])
    objects = S3Objects(connect("s3", region=REGION, endpoint=endpoint), where.bucket)
    objects.put(edition_object(SITE, edition.digest), data)
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=endpoint), where.table)
    pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
    table.swap_pointer(SITE, pointer, expected=expected)
    return edition.digest[:16]


def run(where: World, function: str, scenario: str, use: Callable[[Ask], Awaitable[None]]) -> None:
    """`use` with one worker of the function as it is built for AWS; it starts when it is first asked."""
    stack = load(ROOT / "template.yaml", region=REGION, secret=KEYS[0].decode(), parameters={})
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    home = Home(build(stack, lambda _: None), {**where.variables, **keys})
    payload = json.dumps(event(function, scenario)).encode()

    async def go() -> None:
        pool = WorkerPool(
            stack.functions[f"{function.capitalize()}Function"], home, lambda *_: None
        )

        async def ask() -> dict[str, Any]:
            answer = await pool.invoke(payload)
            assert answer.error is None, answer.error
            found: dict[str, Any] = json.loads(answer.body)
            return found

        async with AsyncExitStack() as held:
            held.push_async_callback(pool.stop)
            await pool.start()
            await use(ask)

    event_loops.run(go())


def edition(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] == 200
    return str(json.loads(answer["body"])["edition"])


def test_a_cold_function_answers_while_s3_hangs_and_has_its_edition_when_it_is_back(
    emulator: Cloud,
) -> None:
    with world(emulator) as where:
        digest = publish(where, 6)
        where.gates["s3"].trouble = HANG

        async def use(ask: Ask) -> None:
            assert [edition(await ask()) for _ in range(3)] == ["", "", ""]
            where.heal()
            await comes(ask, digest)

        run(where, "fragments", "slot-json", use)


def test_a_warm_function_keeps_its_edition_while_s3_hangs_and_a_new_one_is_published(
    emulator: Cloud,
) -> None:
    with world(emulator) as where:
        old = publish(where, 6)

        async def use(ask: Ask) -> None:
            await comes(ask, old)
            where.gates["s3"].trouble = HANG
            new = publish(where, 5, expected=full(where))
            for _ in range(6):
                assert edition(await ask()) == old
                await sleep(FOLLOW_SECONDS / 4)
            where.heal()
            await comes(ask, new)

        run(where, "fragments", "slot-json", use)


def full(where: World) -> str:
    endpoint = where.cloud.endpoint
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=endpoint), where.table)
    pointer = table.read_pointer(SITE)
    assert pointer
    return pointer.digest


async def comes(ask: Ask, digest: str) -> None:
    """Within the next look and the end of a try that hangs."""
    for _ in range(100):
        if edition(await ask()) == digest:
            return
        await sleep(0.2)
    pytest.fail("the edition never came")


def test_collect_answers_503_while_kinesis_hangs(emulator: Cloud) -> None:
    with world(emulator) as where:
        where.gates["kinesis"].trouble = HANG

        async def use(ask: Ask) -> None:
            answer = await ask()
            assert answer["statusCode"] == 503
            assert int(answer["headers"]["Retry-After"]) > 0
            where.heal()
            assert (await ask())["statusCode"] == 202

        run(where, "collect", "batch", use)
