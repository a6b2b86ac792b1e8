"""The publish function under the real runtime loop, on what its layers carry: it tries a ranker out."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model import keys
from hemline.model.edition import TRIAL, unpack
from hemline.usecases.publishing.ranker import RANKER_FILES
from models import sources
from tests.builders.editions import KEYS
from tests.builders.rankers import infinite
from tests.harness import event_loops
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, event
from workbench.cloud.built import build
from workbench.cloud.pool import WorkerPool
from workbench.cloud.runtime import Home
from workbench.cloud.template import load
from workbench.laptop import ROOT

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="the runtime's loop needs Linux"),
]
SITE = "demo"


def published(cloud: Cloud, calls: Callable[[WorkerPool], Awaitable[Any]], **names: str) -> Any:
    stack = load(ROOT / "template.yaml", region=REGION, secret=KEYS[0].decode(), parameters={})
    secret = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    variables = environment(cloud, site=SITE, **names) | secret
    home = Home(build(stack, lambda _: None), variables)

    async def go() -> Any:
        pool = WorkerPool(stack.functions["PublishFunction"], home, lambda _, __: None)
        async with contextlib.AsyncExitStack() as held:
            held.push_async_callback(pool.stop)
            await pool.start()
            return await calls(pool)

    return event_loops.run(go())


def test_a_ranker_is_tried_by_the_function_itself_and_one_that_fails_stays_out(
    emulator: Cloud,
) -> None:
    names = {"table": emulator.make_table(), "bucket": emulator.make_bucket()}
    bucket = connect("s3", region=REGION, endpoint=emulator.endpoint)
    objects = S3Objects(bucket, names["bucket"])

    def bring(*files: bytes) -> None:
        for name, data in zip(RANKER_FILES, files, strict=True):
            objects.put(keys.ranker_object(SITE, name), data)

    async def calls(pool: WorkerPool) -> Any:
        found = []
        for files in ([(sources.SHIPPED / name).read_bytes() for name in RANKER_FILES], infinite()):
            await asyncio.to_thread(bring, *files)
            answer = await pool.invoke(json.dumps(event("publish", "site-file")).encode())
            assert answer.error is None, answer
            found.append(json.loads(answer.body))
        return found

    good, bad = published(emulator, calls, **names)
    assert (good["ranker"], good["notes"]) == ("stored", [])
    assert bad["ranker"] == "kept"
    assert "scores that are not finite" in bad["notes"][0]
    table = DynamoTable(
        connect("dynamodb", region=REGION, endpoint=emulator.endpoint), names["table"]
    )
    pointer = table.read_pointer(SITE)
    assert pointer
    live = unpack(objects.get(keys.edition_object(SITE, pointer.digest)) or b"", site=SITE)
    assert live.header.trial == TRIAL
