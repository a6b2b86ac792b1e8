"""The composition root of the sweep function."""

from typing import Protocol

from hemline.adapters.aws.s3 import S3Objects
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.usecases.people.forget_archive import SweepDeps


class LambdaContext(Protocol):
    """What Lambda hands to a handler, as far as it is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the call is cut off."""


def wire(settings: Settings, clients: Clients) -> SweepDeps:
    """Both buckets; calls nothing."""
    client = clients("s3")
    data, failed = S3Objects(client, settings.bucket), S3Objects(client, settings.failed)
    return SweepDeps(settings.site, data, failed)
