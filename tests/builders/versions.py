"""Objects in memory that keep what was overwritten or deleted, as the data bucket does."""

from collections.abc import Iterator
from itertools import count

from hemline.model.errors import Conflict
from hemline.usecases.ports import ObjectVersion


class VersionedObjects:
    """VersionedStore; `history` is key → its versions, oldest first, None for a delete marker."""

    def __init__(self) -> None:
        self.history: dict[str, list[tuple[str, bytes | None]]] = {}
        self._names = map(str, count(1))

    def get(self, key: str) -> bytes | None:
        found = self.history.get(key)
        return found[-1][1] if found else None

    def put(self, key: str, data: bytes) -> None:
        self.history.setdefault(key, []).append((next(self._names), bytes(data)))

    def keys(self, prefix: str) -> Iterator[str]:
        found = [key for key in self.history if key.startswith(prefix)]
        return iter(sorted((k for k in found if self.get(k) is not None), key=str.encode))

    def delete(self, key: str) -> None:
        self.history.setdefault(key, []).append((next(self._names), None))

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        found = [k for k in self.history if k.startswith(prefix) and k.encode() > after.encode()]
        for key in sorted(found, key=str.encode):
            newest, *older = reversed(list(self.history[key]))
            yield ObjectVersion(
                key, newest[0], latest=True, marker=newest[1] is None, tag=newest[0]
            )
            for name, data in older:
                yield ObjectVersion(key, name, latest=False, marker=data is None, tag=name)

    def get_version(self, one: ObjectVersion) -> bytes | None:
        return dict(self.history.get(one.key, ())).get(one.version)

    def replace(self, one: ObjectVersion, data: bytes) -> None:
        found = self.history.get(one.key)
        if not found or found[-1][0] != one.version or found[-1][1] is None:
            raise Conflict("somebody else wrote this object first")
        self.put(one.key, data)

    def delete_version(self, one: ObjectVersion) -> None:
        kept = [v for v in self.history.get(one.key, ()) if v[0] != one.version]
        if kept:
            self.history[one.key] = kept
        else:
            self.history.pop(one.key, None)

    def everything(self) -> list[bytes]:
        """The bytes of every version of every object."""
        return [d for versions in self.history.values() for _, d in versions if d is not None]
