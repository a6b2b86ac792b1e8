"""Schedules of template.yaml on the laptop: a function called every so often, as EventBridge would."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.tasks import Say
from workbench.cloud.template import ACCOUNT, Schedule


def scheduled_event(schedule: Schedule, region: str, now: datetime) -> dict[str, object]:
    """What EventBridge sends for a rule on a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{ACCOUNT}:rule/{schedule.name}"],
        "detail": {},
    }


async def run_schedule(
    schedule: Schedule, region: str, invoke: Callable[[bytes], Awaitable[InvokeResult]], say: Say
) -> None:
    """Call it every `schedule.seconds`, the first time after one of them; until cancelled."""
    while True:
        await asyncio.sleep(schedule.seconds)
        event = json.dumps(scheduled_event(schedule, region, datetime.now(UTC))).encode()
        try:
            answer = await invoke(event)
        except Busy:
            say(schedule.name, "skipped: the function is still busy")
            continue
        if answer.error:
            say(schedule.name, answer.error)
