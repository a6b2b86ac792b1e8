"""The composition root of the ingest function."""

from concurrent.futures import ThreadPoolExecutor

from hemline.adapters.aws import connect
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.s3 import S3Objects
from hemline.runtime.settings import Settings
from hemline.usecases.ingest_batch import WORKERS, IngestDeps


def wire(settings: Settings) -> IngestDeps:
    """Collaborators; calls nothing. The threads live as long as the execution environment does."""
    region, endpoint = settings.region, settings.endpoint
    client = connect("dynamodb", region=region, endpoint=endpoint)
    table = DynamoTable(client, settings.table, settings.profile_days)
    objects = S3Objects(connect("s3", region=region, endpoint=endpoint), settings.bucket)
    return IngestDeps(settings.site, table, objects, ThreadPoolExecutor(WORKERS), settings.keys)
