"""The composition root of the sweep function."""

from typing import Protocol

from hemline.adapters.aws.s3 import S3Objects
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.usecases.people.forget_archive import SweepDeps


class LambdaContext(Protocol):
    """The part of Lambda's context object that the handler uses."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda stops the invocation."""


def wire(settings: Settings, clients: Clients) -> SweepDeps:
    """The data bucket and the bucket of failed batches. Makes no AWS call."""
    client = clients("s3")
    data, failed = S3Objects(client, settings.bucket), S3Objects(client, settings.failed)
    return SweepDeps(settings.site, data, failed)
