"""The composition root of the collect function."""

import secrets

from hemline.adapters.aws.kinesis import KinesisStream
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.usecases.ingest.collect import CollectDeps


def wire(settings: Settings, clients: Clients) -> CollectDeps:
    """Makes no AWS call: a missing stream then fails a request with an answer, not the cold start."""
    stream = KinesisStream(clients("kinesis"), settings.stream)
    return CollectDeps(stream, settings.site, mint, settings.policy, settings.keys)


def mint() -> str:
    """A fresh visitor id: 128 random bits."""
    return secrets.token_urlsafe(16)
