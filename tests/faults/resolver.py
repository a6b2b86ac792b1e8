"""The system's resolver on a bad day: silent, or with nothing to say."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest


class Resolver:
    """The system's, which a test makes silent or sorry."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.trouble = 0, ""
        self.finds: Callable[[], Any] | None = None
        self._over, self._real = threading.Event(), socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look)

    def _look(self, host: Any, *args: Any) -> Any:
        if host != b"localhost":  # somebody else's, who spells a host as text
            return self._real(host, *args)
        self.asked += 1
        trouble = self.trouble
        if trouble == "silent":
            self._over.wait(60)
        if trouble:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return self.finds() if self.finds else self._real(host, *args)

    def heal(self) -> None:
        """It answers again; who waited hears that there was no answer."""
        self.trouble = ""
        self._over.set()
        self._over = threading.Event()

    def end(self) -> None:
        self._over.set()
