"""Objects in one S3 bucket, over the lean client; path-style, so that any endpoint will do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hemline.adapters.aws.client import AwsCall, AwsClient, AwsFault
from hemline.model.errors import Conflict
from hemline.usecases.ports import ObjectVersion

if TYPE_CHECKING:  # a parser that only listing needs: the fragments function never lists
    from xml.etree.ElementTree import Element


_MARKER = "DeleteMarker"
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class S3Objects:
    """VersionedStore and PieceStore; where a bucket has no versions, an object's only one is `null`."""

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

    def fetch(self, key: str, held: bytearray) -> bool:
        """Add what `held` lacks, as it comes; False when there is none. One try, never repeated here."""
        headers = {"range": f"bytes={len(held)}-"} if held else {}
        call = self._call("GET", key)._replace(headers=headers, sink=held)
        try:
            self._client.send(call._replace(retries=self._client.retries._replace(attempts=1)))
        except AwsFault as fault:
            if fault.code == "NoSuchKey":
                return False
            if fault.status == 416:
                # All of it had come, with the last try's answer cut off behind its last byte.
                return True
            raise
        return True

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

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        """By key, of a key the latest first, a page of 1,000 at a time."""
        query = {"versions": "", "prefix": prefix, **({"key-marker": after} if after else {})}
        while True:
            page = _parse(self._client.send(self._call("GET", "")._replace(query=query)))
            # Whether a marker includes its own key differs between servers.
            yield from (one for one in _in_order(page) if one.key.encode() > after.encode())
            if page.findtext("{*}IsTruncated") != "true":
                return
            query["key-marker"] = page.findtext("{*}NextKeyMarker") or ""
            query["version-id-marker"] = page.findtext("{*}NextVersionIdMarker") or ""

    def get_version(self, one: ObjectVersion) -> bytes | None:
        """None when it is gone."""
        call = self._call("GET", one.key)._replace(query={"versionId": one.version})
        try:
            return self._client.send(call)
        except AwsFault as fault:
            if fault.code in {"NoSuchKey", "NoSuchVersion"}:
                return None
            raise

    def replace(self, one: ObjectVersion, data: bytes) -> None:
        """Raises Conflict unless `one` still is the latest; not sent again when an answer was lost.

        Sent again it would find its own bytes and call them a conflict.
        """
        call = self._call("PUT", one.key)._replace(body=data, again=False)
        try:
            self._client.send(call._replace(headers={"if-match": one.tag}))
        except AwsFault as fault:
            if fault.code in _CHANGED or fault.status == 412:
                raise Conflict("somebody else wrote this object first") from None
            raise

    def delete_version(self, one: ObjectVersion) -> None:
        """For good, that version alone."""
        call = self._call("DELETE", one.key)._replace(query={"versionId": one.version})
        try:
            self._client.send(call)
        except AwsFault as fault:
            if fault.code not in {"NoSuchKey", "NoSuchVersion"}:
                raise

    def _call(self, method: str, key: str) -> AwsCall:
        return AwsCall(method=method, path=f"/{self._bucket}/{key}" if key else f"/{self._bucket}")


def _in_order(page: "Element") -> list[ObjectVersion]:
    """As S3 lists them; some servers list delete markers after all others."""
    found = [
        ObjectVersion(
            one.findtext("{*}Key") or "",
            one.findtext("{*}VersionId") or "null",
            one.findtext("{*}IsLatest") == "true",
            one.tag.endswith(_MARKER),
            one.findtext("{*}ETag") or "",
        )
        for one in page
        if one.tag.endswith(("Version", _MARKER))
    ]
    return sorted(found, key=lambda one: (one.key.encode(), not one.latest))


def _parse(page: bytes) -> "Element":
    # Imported here: only tools and publish list, and a cold start need not pay for it.
    from xml.etree.ElementTree import fromstring  # noqa: PLC0415 - see above

    return fromstring(page)  # noqa: S314 - S3's own answer; expat refuses entity bombs
