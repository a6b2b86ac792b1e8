"""What the gateway refuses by itself: what Lambda would not take, and what has no room."""

import io
import json

import pytest
from aiohttp import ClientResponse

from tests.unit.workbench.cloud.test_gateway import TEMPLATE, Client, asked, is_own
from workbench.cloud.pool import InvokeResult
from workbench.cloud.template import Stack, load


@pytest.fixture(scope="module")
def stack() -> Stack:
    return load(TEMPLATE, region="us-east-1", secret="s" * 32, parameters={})


@pytest.mark.parametrize(
    ("size", "kind", "status"),
    [
        (10 * 1024 * 1024 + 1, "text/plain", 413),  # API Gateway's own limit
        (6_291_556, "text/plain", 413),  # the event around it is larger than Lambda takes
        (4_718_592, "application/octet-stream", 413),  # so it is in base64
        (6_000_000, "text/plain", 200),
        (4_600_000, "application/octet-stream", 200),
        (3_200_000, "application/json", 413),  # of quotation marks, each of which becomes two
    ],
)
def test_a_body_that_lambda_would_not_take_is_refused_as_too_large(
    stack: Stack, size: int, kind: str, status: int
) -> None:
    calls: list[int] = []

    async def counts(event: bytes) -> InvokeResult:
        calls.append(len(event))
        return InvokeResult(b'{"statusCode": 200}')

    async def use(client: Client) -> ClientResponse:
        body = io.BytesIO((b'"' if kind.endswith("json") else b"x") * size)
        got = await client.post("/v1/events", data=body, headers={"content-type": kind})
        await got.read()
        return got

    found, _ = asked(stack, counts, use)
    assert found.status == status
    assert all(length <= 6_291_556 for length in calls)
    if status == 413:
        assert is_own(found, 413)["message"] == "Request Entity Too Large"
        assert not calls


def test_an_answer_that_lambda_would_not_take_back_is_a_fault_that_is_said(stack: Stack) -> None:
    async def talks(_: bytes) -> InvokeResult:
        return InvokeResult(json.dumps({"statusCode": 200, "body": "x" * 6_291_556}).encode())

    async def use(client: Client) -> int:
        return (await client.get("/v1/me")).status

    found, said = asked(stack, talks, use)
    assert found == 500
    assert "Lambda takes 6 MB" in said[0]


def test_a_function_that_is_full_is_not_asked_and_the_body_not_read(stack: Stack) -> None:
    calls: list[bytes] = []

    async def counts(event: bytes) -> InvokeResult:
        calls.append(event)
        return InvokeResult(b'{"statusCode": 200}')

    async def use(client: Client) -> list[ClientResponse]:
        found = []
        for _ in range(20):
            found.append(await client.post("/v1/events", data=b"x" * 2000))
            await found[-1].read()
        return found

    found, said = asked(stack, counts, use, full=lambda: True)
    assert {got.status for got in found} == {503}
    assert {got.headers["Retry-After"] for got in found} == {"1"}
    is_own(found[0], 503)
    assert not calls
    assert len(said) == 1, "a crowd's refusals are told in a line a second"
    assert "POST /v1/events" in said[0]
