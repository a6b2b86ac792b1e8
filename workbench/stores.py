"""Opens the stores of the running stack from this process, with the adapters that its functions use."""

from hemline.adapters.aws.client import AwsClient, connect
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.aws.s3 import S3Objects
from hemline.model import keys as names
from hemline.model.edition import Edition, unpack
from hemline.runtime.publish.wiring import check_ranker
from hemline.usecases.lookup import find
from hemline.usecases.publishing.publish import PublishDeps
from hemline.usecases.sites.brake import BrakeDeps
from workbench.cloud.resources import CREDENTIALS
from workbench.laptop import Running

_SECONDS = 10.0


def table(stack: Running) -> DynamoTable:
    """Profiles and the pointer."""
    return DynamoTable(_client("dynamodb", stack), stack.table)


def objects(stack: Running) -> S3Objects:
    """The bucket of archive, editions, models and site files."""
    return S3Objects(_client("s3", stack), stack.bucket)


def stream(stack: Running) -> KinesisStream:
    """The event stream, for writing."""
    return KinesisStream(_client("kinesis", stack), stack.stream)


def failed(stack: Running) -> S3Objects:
    """The bucket of batches that used up their ingest retries."""
    return S3Objects(_client("s3", stack), stack.failed)


def secrets(stack: Running) -> tuple[bytes, ...]:
    """The signing keys: the first one signs, all of them verify."""
    return tuple(key.strip().encode() for key in stack.keys.split(",") if key.strip())


def publish_deps(stack: Running) -> PublishDeps:
    """The dependencies of the publish use cases."""
    return PublishDeps(objects(stack), table(stack), secrets(stack), check_ranker)


def brake_deps(stack: Running) -> BrakeDeps:
    """The dependencies of the brake use cases."""
    return BrakeDeps(table(stack), objects(stack), secrets(stack))


def live_edition(stack: Running) -> Edition | None:
    """The live edition, or None when nothing is published yet. Raises Refused, NotAllowed."""
    pointer = table(stack).read_pointer(stack.site)
    if pointer is None:
        return None
    pointer.check(stack.site, secrets(stack))
    data = find(objects(stack), names.edition_object(stack.site, pointer.digest)) or b""
    return unpack(data, site=stack.site, digest=pointer.digest)


def _client(service: str, stack: Running) -> AwsClient:
    keys = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    return connect(
        service,
        region=stack.region,
        endpoint=stack.cloud,
        timeout=_SECONDS,
        credentials=lambda _: keys,
    )
