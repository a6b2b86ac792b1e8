"""Objects in one S3 bucket, over the lean client; path-style, so that any endpoint will do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hemline.adapters.aws import AwsClient, AwsFault, Call

if TYPE_CHECKING:  # a parser that only listing needs: the fragments function never lists
    from xml.etree.ElementTree import Element


class S3Objects:
    """ObjectStore."""

    def __init__(self, client: AwsClient, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def get(self, key: str) -> bytes | None:
        """None when there is none; a missing bucket is Unavailable."""
        try:
            return self._client.send(self._call("GET", key))
        except AwsFault as fault:
            if fault.code == "NoSuchKey":
                return None
            raise

    def put(self, key: str, data: bytes) -> None:
        """Overwrites."""
        self._client.send(self._call("PUT", key)._replace(body=data))

    def keys(self, prefix: str) -> Iterator[str]:
        """In ascending order of their UTF-8 bytes, a page of 1,000 at a time."""
        query = {"list-type": "2", "prefix": prefix}
        while True:
            page = _parse(self._client.send(self._call("GET", "")._replace(query=query)))
            for found in page.iterfind("{*}Contents/{*}Key"):
                yield found.text or ""
            token = page.findtext("{*}NextContinuationToken")
            if not token:
                return
            query = {**query, "continuation-token": token}

    def delete(self, key: str) -> None:
        """No error when there is none."""
        try:
            self._client.send(self._call("DELETE", key))
        except AwsFault as fault:
            if fault.code != "NoSuchKey":
                raise

    def _call(self, method: str, key: str) -> Call:
        return Call(method=method, path=f"/{self._bucket}/{key}" if key else f"/{self._bucket}")


def _parse(page: bytes) -> "Element":
    # Imported here: only tools and publish list, and a cold start need not pay for it.
    from xml.etree.ElementTree import fromstring  # noqa: PLC0415

    return fromstring(page)  # noqa: S314 - S3's own answer; expat refuses entity bombs
