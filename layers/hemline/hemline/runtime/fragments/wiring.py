"""The composition root of the fragments function. Imports only what one decision needs."""

import time

from hemline.adapters.aws.client import draw
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.adapters.background import Background
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.model.errors import HemlineError
from hemline.runtime.limits import START_SECONDS, Clients
from hemline.runtime.logs import log
from hemline.runtime.settings import Settings
from hemline.usecases.serving.breaker import health
from hemline.usecases.serving.decide_page import Deps
from hemline.usecases.serving.editions import LiveEdition

_FIRST_READ_SECONDS = 1.0
"""Longer than the deadline of a serving read: without an edition there is nothing to decide from."""


def wire(settings: Settings, clients: Clients) -> Deps:
    """The dependencies, with the live edition loaded when there is one; starts even when AWS fails.

    An edition that does not load within START_SECONDS loads in the background of the first requests.
    """
    clock = time.monotonic
    until = clock() + START_SECONDS
    table = DynamoTable(clients("dynamodb"), settings.table)
    objects = S3Objects(clients("s3"), settings.bucket)
    live = LiveEdition(settings.site, objects, OnnxRanker, settings.keys, clock, Background, draw)
    deps = Deps(
        settings.site, table, live, settings.keys, settings.read_timeout, clock, health(clock)
    )
    try:
        read = table.read_for_serving(
            settings.site, None, pointer=True, timeout=_FIRST_READ_SECONDS
        )
        outcome = live.follow(read.pointer, read.brake, until - clock())
    except HemlineError as why:
        log("WARN", "started without an edition", reason=str(why))
    else:
        log("INFO", "started", edition=outcome.digest[:16], refused=outcome.refused)
    return deps
