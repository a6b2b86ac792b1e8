"""A plain worker for machines without the Runtime Interface Emulator: same events, same answers.

Runs as a script with only the function's own path: standard library only, no import of the project. It
imports the handler once, then answers one request at a time. A handler that exceeds its timeout ends the
process, and the pool starts another.
usage: worker.py PORT, with the environment that Lambda sets
"""

import importlib
import json
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class WorkerContext:
    """The context object, a handler's second argument."""

    def __init__(self, timeout: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        region = os.environ.get("AWS_REGION", "")
        self.invoked_function_arn = (
            f"arn:aws:lambda:{region}:000000000000:function:{self.function_name}"
        )
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def load(name: str) -> Callable[[Any, WorkerContext], object]:
    """`module.function`, imported. Raises what the import raises."""
    module, _, function = name.rpartition(".")
    handler: Callable[[Any, WorkerContext], object] = getattr(
        importlib.import_module(module), function
    )
    return handler


def answer(handler: Callable[[Any, WorkerContext], object], event: bytes, timeout: float) -> bytes:
    """The handler's result as JSON, or the error as the Lambda runtime reports one."""
    try:
        return json.dumps(handler(json.loads(event), WorkerContext(timeout))).encode()
    except Exception as error:  # noqa: BLE001 - any error of a handler becomes its answer
        traceback.print_exc()
        lines = traceback.format_tb(error.__traceback__)
        return json.dumps(
            {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": lines}
        ).encode()


class WorkerHandler(BaseHTTPRequestHandler):
    """Accepts events by POST."""

    handler: Callable[[Any, WorkerContext], object]
    timeout_seconds: float
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One event in, one answer out."""
        event = self.rfile.read(int(self.headers["Content-Length"]))
        guard = threading.Timer(self.timeout_seconds, self._overdue)
        guard.daemon = True
        guard.start()
        body = answer(type(self).handler, event, self.timeout_seconds)
        guard.cancel()
        self._send(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Print nothing: only the function's own lines matter."""

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        # One connection per request: keep-alive would block the only thread.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _overdue(self) -> None:
        self._send(f"Task timed out after {self.timeout_seconds:.2f} seconds".encode())
        os._exit(1)


def main(port: int) -> None:
    """Serve until killed."""
    WorkerHandler.handler = staticmethod(load(os.environ["_HANDLER"]))
    WorkerHandler.timeout_seconds = float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    HTTPServer(("127.0.0.1", port), WorkerHandler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
