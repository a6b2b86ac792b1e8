"""The account function with table, stream and bucket of the emulator, and what lies behind it."""

import json
import time
from typing import Any

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.events.event import Record, decode_record
from hemline.model.user_token import UserKey, mint_user_token
from hemline.runtime.identity import sign_visitor
from hemline.usecases.ingest.archive import append, line
from hemline.usecases.ports import PersonItem
from tests.builders.editions import KEYS, SITE
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import event

KEY = UserKey("1", b"u" * 32)


class Desk:
    """The function, and what lies behind it."""

    def __init__(self, cloud: Cloud, app: Any, stream: str, table: str) -> None:
        self.cloud, self.app, self.stream = cloud, app, stream
        self.table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), table)
        self.objects = app.deps.objects

    def __call__(
        self,
        scenario: str,
        visitor: str = "",
        user: str = "",
        cookies: tuple[str, ...] = (),
        **headers: str,
    ) -> dict[str, Any]:
        payload = event("account", scenario)
        payload["cookies"] = [
            *cookies,
            *([f"__Host-hem_v={sign_visitor(visitor, KEYS)}"] if visitor else []),
        ]
        if user:
            headers["authorization"] = f"Bearer {token(user)}"
        payload["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer: dict[str, Any] = self.app.handler(payload, None)
        assert answer["headers"]["Cache-Control"] == "private, no-store"
        return answer

    def stand(self, subject: str) -> Any:
        stored = self.table.read_part(SITE, subject, PersonItem.PROFILE)
        assert stored
        return stored.standing

    def held(self) -> list[Record]:
        return [decode_record(data) for _, data in self.cloud.records(self.stream)]

    def remember(self, *records: Record) -> None:
        """In profile and archive, as ingest would bring them."""
        subject = records[0].subject
        blob = encode(fold(Profile(), records))
        self.table.write_profile(SITE, subject, blob, expected=0)
        append(self.objects, [line(subject[2:], str(at), r) for at, r in enumerate(records, 1)])


def token(user: str) -> str:
    return mint_user_token(user, KEY, time.time_ns() // 10**9, seconds=60, site=SITE)


def body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def cookies_of(answer: dict[str, Any]) -> dict[str, str]:
    """Cookie → value, of those that an answer sets."""
    pairs = (cookie.partition(";")[0].partition("=") for cookie in answer.get("cookies", ()))
    return {name: value for name, _, value in pairs}
