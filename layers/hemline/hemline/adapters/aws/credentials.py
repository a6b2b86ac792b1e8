"""Finds the AWS keys: in the environment, or at the container endpoint that renews them.

A Lambda has them in its environment. After a SnapStart restore, a local endpoint gives keys that last a
few hours. This module reads no profiles and no single sign-on: on a laptop, pass `connect` a provider.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from hemline.adapters.background import Background
from hemline.model.errors import Unavailable

_EARLY = 300.0
"""Seconds before expiry at which new keys are fetched: keys must not expire during a request."""
_TIMEOUT = 2.0  # seconds, for the endpoint
_PAUSE = 1.0  # seconds between two renewals while the keys last
# The AWS SDKs' list. Plain http to any other host would send it the authorization token in clear.
_LOCAL = {"127.0.0.1", "localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"}


class Credentials(NamedTuple):
    """`expires` is epoch seconds; None when they last as long as the process."""

    access_key: str
    secret_key: str
    token: str | None = None
    expires: float | None = None


Provider = Callable[[float], Credentials]
"""Returns valid keys, waiting at most the given seconds. Raises Unavailable."""


class EnvironmentCredentials:
    """A Provider. Valid keys are returned at once; their renewal runs in the background."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment, self._clock, self._lock = environment, clock, Lock()
        self._held: Credentials | None = None
        self._renewal: Background[Credentials] | None = None
        self._began = 0.0

    def __call__(self, seconds: float = _TIMEOUT) -> Credentials:
        """Valid keys. Raises Unavailable when there are none, or none within `seconds`."""
        held = self._held
        if held is not None and self._fresh(held, _EARLY):
            return held
        with self._lock:
            held, renewal = self._renewed()
        if held is not None and self._fresh(held, 0):
            return held
        if renewal is None or not renewal.wait(seconds):
            raise Unavailable("credentials", "their endpoint did not answer in time")
        self._held = renewal.result()
        return self._held

    def _renewed(self) -> tuple[Credentials | None, Background[Credentials] | None]:
        """The current keys, and the running renewal, if any. Call it with the lock held."""
        if self._renewal is not None and self._renewal.done:
            # A failed renewal does not fail the request: the keys last a few minutes more.
            with suppress(Unavailable):
                self._held = self._renewal.result()
            self._renewal = None
        self._held = self._held or _plain(self._environment)
        if self._held is not None and self._fresh(self._held, _EARLY):
            return self._held, None
        lasts = self._held is not None and self._fresh(self._held, 0)
        # While the keys last, a failing endpoint is asked once every _PAUSE, not by every request.
        if self._renewal is None and not (lasts and self._clock() < self._began + _PAUSE):
            self._began, self._renewal = self._clock(), Background(self._renew)
        return self._held, self._renewal

    def _fresh(self, held: Credentials, early: float) -> bool:
        return held.expires is None or self._clock() < held.expires - early

    def _renew(self) -> Credentials:
        return _from_endpoint(self._environment)


def _plain(environment: Mapping[str, str]) -> Credentials | None:
    access, secret = (environment.get(f"AWS_{n}") for n in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not access or not secret:
        return None
    return Credentials(access, secret, environment.get("AWS_SESSION_TOKEN") or None)


class _Answer(msgspec.Struct, rename="pascal"):
    access_key_id: str
    secret_access_key: str
    token: str
    expiration: datetime


def _from_endpoint(environment: Mapping[str, str]) -> Credentials:
    uri = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not uri:
        raise Unavailable("credentials", "no keys in the environment and no endpoint for them")
    try:
        answer = msgspec.json.decode(_fetch(uri, _authorization(environment)), type=_Answer)
    except (OSError, msgspec.DecodeError) as error:
        raise Unavailable("credentials", f"their endpoint did not give any: {error!r}") from None
    return Credentials(
        answer.access_key_id,
        answer.secret_access_key,
        answer.token,
        answer.expiration.timestamp(),
    )


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if file:
        with open(file) as held:  # noqa: PTH123 - pathlib is a millisecond of a start
            token = held.read().strip()
    return {"Authorization": token} if token else {}


def _fetch(uri: str, headers: dict[str, str]) -> bytes:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _LOCAL:
        raise Unavailable("credentials", f"their endpoint {host} is neither local nor https")
    # Imported here: most functions never need it, and it costs a cold start as much as our own client.
    from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415 - only without static keys

    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(host, parts.port, timeout=_TIMEOUT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise Unavailable("credentials", f"their endpoint answered {response.status}")
        return response.read()
    except HTTPException as error:
        raise OSError(f"not HTTP: {error!r}") from None
    finally:
        connection.close()
