"""Runs the schedules of template.yaml on the laptop: calls functions at a fixed rate, like EventBridge."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.tasks import Say
from workbench.cloud.template import ACCOUNT, Schedule


def scheduled_event(schedule: Schedule, region: str, now: datetime) -> dict[str, object]:
    """The event that EventBridge sends for a scheduled rule."""
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
    """Call the function every `schedule.seconds`, first after one interval, until cancelled."""
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
