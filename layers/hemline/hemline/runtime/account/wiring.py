"""The composition root of the account function."""

import time
from typing import NamedTuple

from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.aws.s3 import S3Objects
from hemline.runtime.collect.wiring import mint
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.usecases.people.account import AccountDeps
from hemline.usecases.people.forget_person import ForgetDeps


class Wired(NamedTuple):
    """Dependencies of the account calls, and of erasure."""

    account: AccountDeps
    forget: ForgetDeps


def wire(settings: Settings, clients: Clients) -> Wired:
    """Makes no AWS call: a missing table then fails a request with an answer, not the cold start."""
    table = DynamoTable(clients("dynamodb"), settings.table, settings.profile_days)
    objects = S3Objects(clients("s3"), settings.bucket)
    stream = KinesisStream(clients("kinesis"), settings.stream)
    account = AccountDeps(
        settings.site, table, objects, stream, mint, settings.policy, time.monotonic
    )
    return Wired(account, ForgetDeps(table, objects, settings.stream_hours))
