"""The composition root of the collect function."""

import secrets

from hemline.adapters.aws import connect
from hemline.adapters.kinesis import KinesisStream
from hemline.runtime.settings import Settings
from hemline.usecases.collect_events import CollectDeps


def wire(settings: Settings) -> CollectDeps:
    """Collaborators; calls nothing, so that a missing stream is told to callers and not to Lambda."""
    client = connect("kinesis", region=settings.region, endpoint=settings.endpoint)
    stream = KinesisStream(client, settings.stream)
    return CollectDeps(stream, settings.site, mint, settings.policy, settings.keys)


def mint() -> str:
    """A fresh visitor id: 128 random bits."""
    return secrets.token_urlsafe(16)
