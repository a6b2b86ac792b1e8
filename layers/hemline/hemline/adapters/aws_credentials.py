"""Where the keys to AWS come from: the environment, or the container endpoint that renews them.

A Lambda gets them in its environment; one restored by SnapStart, from a local endpoint, for a few
hours at a time. Profiles and single sign-on are the laptop's matter: hand `connect` a provider.
"""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from hemline.model.errors import Unavailable

_EARLY = 300.0
"""Seconds before expiry at which new keys are fetched: a request must never outlive its keys."""
_TIMEOUT = 2.0
# An http address elsewhere would hand the authorization token to a stranger (the SDKs' list).
_LOCAL = {"127.0.0.1", "localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"}


class Credentials(NamedTuple):
    """`expires` is epoch seconds; None when they last as long as the process."""

    access_key: str
    secret_key: str
    token: str | None = None
    expires: float | None = None


Provider = Callable[[], Credentials]


class EnvironmentCredentials:
    """A Provider; raises Unavailable when there are no keys or their endpoint does not answer."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment, self._clock, self._lock = environment, clock, Lock()
        self._held: Credentials | None = None

    def __call__(self) -> Credentials:
        """Keys that are good for now."""
        held = self._held
        if held is not None and (held.expires is None or self._fresh(held, _EARLY)):
            return held
        with self._lock:
            if self._held is None or self._held is held:
                self._held = self._renew(held)
            return self._held

    def _fresh(self, held: Credentials, early: float) -> bool:
        return held.expires is None or self._clock() < held.expires - early

    def _renew(self, held: Credentials | None) -> Credentials:
        try:
            return _plain(self._environment) or _from_endpoint(self._environment)
        except Unavailable:
            # An endpoint that hiccups minutes before expiry is no reason to fail a request.
            if held is not None and self._fresh(held, 0):
                return held
            raise


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
    # Imported here: most functions never ask, and it costs a cold start as much as our own client.
    from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415

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
