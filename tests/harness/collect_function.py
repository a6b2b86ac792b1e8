"""The collect function in front of a fresh stream."""

from typing import Any

from hemline.model.events.event import Record, decode_record
from tests.harness.clouds import Cloud
from tests.harness.functions import event


class Door:
    """The function in front of a fresh stream, and what the stream holds."""

    def __init__(self, cloud: Cloud, app: Any, stream: str) -> None:
        self.cloud, self.app, self.stream = cloud, app, stream

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.app.handler(payload, None)
        assert answer["headers"]["Cache-Control"] == "private, no-store"
        return answer

    def scenario(self, name: str, **changes: Any) -> dict[str, Any]:
        return self({**event("collect", name), **changes})

    def held(self) -> list[Record]:
        return [decode_record(data) for _, data in self.cloud.records(self.stream)]
