"""A small AWS client: signs, sends, maps errors, and retries only what is safe to retry.

`dynamodb`, `kinesis` and `s3` use it. They know their operations; this module knows none.

    answered ── 2xx ───────────────► body
             ├─ throttled ─────────► retry, if attempts and time are left
             ├─ 5xx ───────────────► retry, if the call is also idempotent (`again`)
             └─ other ─────────────► AwsFault, at once
    no answer ─ never connected ───► retry          (as throttled)
              └ sent ──────────────► retry, if …    (as 5xx)

There are three deadlines: for each wait, for a call with its retries, and, in a function, for all calls
of one invocation (`budget`).
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from hemline.adapters.aws.connections import AwsRequest, Broken, ConnectionPool, Timeouts, pool
from hemline.adapters.aws.credentials import EnvironmentCredentials, Provider
from hemline.adapters.aws.signing import Signer, canonical_path, canonical_query
from hemline.model.errors import Unavailable

T = TypeVar("T")
_THROTTLED = re.compile(r"Throttl|ThroughputExceeded|RequestLimitExceeded|LimitExceeded|SlowDown")
_XML_CODE = re.compile(rb"<Code>([^<]{1,200})</Code>")


class AwsFault(Unavailable):
    """The service refused, or did not answer. `code`: its error code, empty without an answer."""

    def __init__(self, service: str, code: str, reason: str, *, status: int = 0) -> None:
        super().__init__(service, f"{code}: {reason}" if code else reason)
        self.code, self.status = code, status


class Retries(NamedTuple):
    """How often and how long a call is tried; the pause before each retry has full jitter."""

    attempts: int = 4
    total: float = 10.0
    """Seconds, retries and pauses included. The two pauses below are seconds too."""
    first_pause: float = 0.05
    longest_pause: float = 2.0

    def pause(self, attempt: int, draw: float) -> float:
        """Seconds before attempt + 1; `draw` is uniform in [0, 1)."""
        return draw * float(min(self.longest_pause, self.first_pause * 2.0**attempt))


_TIMEOUTS = Timeouts(connect=1.0, read=5.0)


class AwsCall(NamedTuple):
    """One request before it is signed, and how it may be tried."""

    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""
    again: bool = True
    """Whether the call is idempotent: applying it twice has the same effect as once."""
    timeouts: Timeouts | None = None
    retries: Retries | None = None
    until: float | None = None
    """Deadline by the client's clock, for several calls that share one. See `AwsClient.until`."""
    sink: bytearray | None = None
    """Receives the body of a 2xx piece by piece, and keeps the part received when the answer breaks off."""


def once(seconds: float) -> AwsCall:
    """A call that is tried once, for the hot path: the next rung is better than a late answer."""
    return AwsCall(timeouts=Timeouts(seconds, seconds), retries=Retries(1, seconds))


def targeted(call: AwsCall, operation: str) -> AwsCall:
    """`call` with the headers that name DynamoDB's operation."""
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"DynamoDB_20120810.{operation}",
    }
    return call._replace(headers=headers)


def draw() -> float:
    """Uniform in [0, 1), from the OS: processes restored from one snapshot must not draw the same."""
    return int.from_bytes(os.urandom(4)) / 2**32


class AwsClient:
    """Calls to one service; shared by threads. Make it with `connect`."""

    def __init__(
        self, service: str, signer: Signer, pool: ConnectionPool, credentials: Provider
    ) -> None:
        self.service = service
        self._signer, self._pool, self._credentials = signer, pool, credentials
        self.timeouts, self.retries = _TIMEOUTS, Retries()
        self.sleep: Callable[[float], None] = time.sleep
        self.draw: Callable[[], float] = draw
        self.clock: Callable[[], float] = time.monotonic
        self.budget: Callable[[], float] | None = None
        """Seconds left for all calls of this invocation, over all clients."""

    def until(self) -> float:
        """The deadline, by `clock`, of a call that begins now, retries included."""
        return self.clock() + self._total(self.retries)

    def rest(self, attempt: int, until: float) -> bool:
        """Sleeps before another round for the unfinished part of a batch. False: no time is left."""
        pause = self.retries.pause(attempt, self.draw())
        if self.clock() + pause >= until:
            return False
        self.sleep(pause)
        return True

    def _total(self, retries: Retries) -> float:
        return retries.total if self.budget is None else min(retries.total, self.budget())

    def send(self, call: AwsCall) -> bytes:
        """The body of a 2xx answer. Raises AwsFault, which is an Unavailable."""
        retries, began = call.retries or self.retries, self.clock()
        left = self._total(retries)
        if call.until is not None:
            left = min(left, call.until - began)
        if left <= 0:
            raise AwsFault(self.service, "", "not asked: no time was left")
        until = began + left
        for attempt in range(retries.attempts):
            try:
                return self._once(call, left)
            except _Repeatable as error:
                pause = retries.pause(attempt, self.draw())
                last = attempt + 1 == retries.attempts
                if last or not error.may_repeat(call) or self.clock() + pause >= until:
                    raise error.fault from None
                self.sleep(pause)
                left = until - self.clock()
                if left <= 0:
                    raise error.fault from None
        raise AssertionError("attempts must be at least 1")

    def json(self, call: AwsCall, payload: object, answer: type[T]) -> T:
        """`send` with a JSON body, and the answer decoded as `answer`."""
        body = self.send(call._replace(body=msgspec.json.encode(payload)))
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as error:
            raise AwsFault(self.service, "", f"unreadable answer: {error}") from None

    def _once(self, call: AwsCall, left: float) -> bytes:
        connect, read, _ = call.timeouts or self.timeouts
        waits = Timeouts(min(connect, left), min(read, left), left)
        try:
            request = self._request(call, left)
            answer = self._pool.send(request, waits, again=call.again, sink=call.sink)
        except Broken as error:
            fault = AwsFault(self.service, "", str(error))
            raise _Repeatable(fault, refused=not error.sent) from None
        if answer.status < 300:
            return answer.body
        raise self._fault(answer.status, answer.body)

    def _request(self, call: AwsCall, left: float) -> AwsRequest:
        path, query = canonical_path(call.path), canonical_query(call.query)
        headers = {"host": self._pool.host_header, **call.headers}
        plain = AwsRequest(call.method, f"{path}?{query}" if query else path, headers, call.body)
        return self._signer.sign(self._credentials(left), plain, time.time())

    def _fault(self, status: int, body: bytes) -> Exception:
        code, message = _read_error(body)
        fault = AwsFault(self.service, code or str(status), message, status=status)
        throttled = status == 429 or bool(_THROTTLED.search(code))
        return _Repeatable(fault, refused=throttled) if throttled or status >= 500 else fault


class _Repeatable(Exception):  # noqa: N818 - never leaves this module
    """A transient fault; `refused`: the service has certainly not applied the call."""

    def __init__(self, fault: AwsFault, *, refused: bool) -> None:
        super().__init__(str(fault))
        self.fault, self.refused = fault, refused

    def may_repeat(self, call: AwsCall) -> bool:
        return self.refused or call.again


class _JsonError(msgspec.Struct):
    type: str = msgspec.field(name="__type", default="")
    lower: str = msgspec.field(name="message", default="")
    upper: str = msgspec.field(name="Message", default="")


def _read_error(body: bytes) -> tuple[str, str]:
    """(code, message) of an error in JSON or XML; empty when it is neither."""
    try:
        error = msgspec.json.decode(body, type=_JsonError)
    except msgspec.DecodeError:
        found = _XML_CODE.search(body)
        return (found[1].decode(errors="replace") if found else ""), ""
    return error.type.rpartition("#")[2].partition(":")[0], error.lower or error.upper


def connect(
    service: str,
    *,
    region: str,
    endpoint: str | None = None,
    timeout: float | None = None,
    credentials: Provider | None = None,
) -> AwsClient:
    """A client of `service`; opens nothing yet. `timeout`: seconds to connect, and for each wait.

    `endpoint` None: AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL, else AWS itself.
    """
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}")
    origin = endpoint or named or os.environ.get("AWS_ENDPOINT_URL") or _aws(service, region)
    client = AwsClient(
        service,
        Signer(service, region),
        pool(origin.rstrip("/")),
        credentials or _environment_credentials,
    )
    if timeout is not None:
        client.timeouts = Timeouts(timeout, timeout)
    return client


def _aws(service: str, region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"


_environment_credentials = EnvironmentCredentials()
"""One for the process: all its clients share the keys and their renewal."""
