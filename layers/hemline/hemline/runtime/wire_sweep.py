"""The composition root of the sweep function."""

from typing import Protocol

from hemline.adapters.aws import connect
from hemline.adapters.s3 import S3Objects
from hemline.runtime.settings import Settings
from hemline.usecases.forget_archive import SweepDeps

_STORE_SECONDS = 10.0


class Context(Protocol):
    """What Lambda hands to a handler, as far as it is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the call is cut off."""


def wire(settings: Settings) -> SweepDeps:
    """Both buckets; calls nothing."""
    region, endpoint = settings.region, settings.endpoint
    client = connect("s3", region=region, endpoint=endpoint, timeout=_STORE_SECONDS)
    data, failed = S3Objects(client, settings.bucket), S3Objects(client, settings.failed)
    return SweepDeps(settings.site, data, failed)
