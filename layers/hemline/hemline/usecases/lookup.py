"""Objects that may not be there yet.

S3 answers a GET of a missing object with 404 only to who may list the whole bucket; our roles list by
prefix alone and would see 403, which looks like a wrong policy. So what may be missing is listed first.
"""

from hemline.usecases.ports import ObjectStore


def find(objects: ObjectStore, key: str) -> bytes | None:
    """The object, or None when there is none."""
    return objects.get(key) if key in objects.keys(key) else None
