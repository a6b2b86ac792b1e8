"""The composition root of the ingest function."""

from concurrent.futures import ThreadPoolExecutor

from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.usecases.ingest.batch import WORKERS, IngestDeps


def wire(settings: Settings, clients: Clients) -> IngestDeps:
    """Makes no AWS call. The threads live as long as the execution environment."""
    table = DynamoTable(clients("dynamodb"), settings.table, settings.profile_days)
    objects = S3Objects(clients("s3"), settings.bucket)
    return IngestDeps(settings.site, table, objects, ThreadPoolExecutor(WORKERS), settings.keys)
