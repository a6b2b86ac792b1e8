"""Objects in one S3 bucket, over `client`; with path-style URLs, which work with any endpoint."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hemline.adapters.aws.client import AwsCall, AwsClient, AwsFault
from hemline.model.errors import Conflict
from hemline.usecases.ports import ObjectVersion

if TYPE_CHECKING:  # only listing needs the XML parser, and the fragments function never lists
    from xml.etree.ElementTree import Element


_MARKER = "DeleteMarker"
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class S3Objects:
    """VersionedStore and PieceStore. In a bucket without versioning, an object's only version is `null`."""

    def __init__(self, client: AwsClient, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def get(self, key: str) -> bytes | None:
        """None when the object does not exist; a missing bucket raises Unavailable."""
        try:
            return self._client.send(self._call("GET", key))
        except AwsFault as fault:
            if fault.code == "NoSuchKey":
                return None
            raise

    def fetch(self, key: str, held: bytearray) -> bool:
        """Appends the missing rest of the object to `held`. False: no such object. Makes one attempt."""
        headers = {"range": f"bytes={len(held)}-"} if held else {}
        call = self._call("GET", key)._replace(headers=headers, sink=held)
        try:
            self._client.send(call._replace(retries=self._client.retries._replace(attempts=1)))
        except AwsFault as fault:
            if fault.code == "NoSuchKey":
                return False
            if fault.status == 416:
                # Range not satisfiable: `held` is complete, the last attempt broke off after the last byte.
                return True
            raise
        return True

    def put(self, key: str, data: bytes) -> None:
        """Overwrites."""
        self._client.send(self._call("PUT", key)._replace(body=data))

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys in ascending order of their UTF-8 bytes; one request for each 1,000."""
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
        """No error when the object does not exist."""
        try:
            self._client.send(self._call("DELETE", key))
        except AwsFault as fault:
            if fault.code != "NoSuchKey":
                raise

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        """Versions of the keys after `after`, by key, the latest first; one request for each 1,000."""
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
        """Raises Conflict unless `one` is still the latest.

        It is not resent after a lost answer: the second one would conflict with the bytes of the first.
        """
        call = self._call("PUT", one.key)._replace(body=data, again=False)
        try:
            self._client.send(call._replace(headers={"if-match": one.tag}))
        except AwsFault as fault:
            if fault.code in _CHANGED or fault.status == 412:
                raise Conflict("somebody else wrote this object first") from None
            raise

    def delete_version(self, one: ObjectVersion) -> None:
        """Deletes this version permanently, and no other."""
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
    # Imported here: only tools and publish list, so other cold starts skip the import.
    from xml.etree.ElementTree import fromstring  # noqa: PLC0415 - see above

    return fromstring(page)  # noqa: S314 - S3's own answer; expat refuses entity bombs
