"""The site file that is in force: it belongs to an edition, and the pointer says to which.

Each edition has its own copy, written before the pointer moves and never again. So the move of the pointer
is the only moment at which a site file comes into force: a publish that loses leaves nothing behind for the
next one to find, and one that ends halfway leaves a copy that nothing names.
"""

import hashlib

from hemline.model import keys
from hemline.model.edition import Edition
from hemline.model.errors import BadInput, Refused
from hemline.model.site.site import Site, decode_site
from hemline.usecases.lookup import find
from hemline.usecases.ports import ObjectStore, PointerStore

_SEND = "Send one: hemline publish --site-file FILE"


def read_site(name: str, objects: ObjectStore, pointers: PointerStore) -> Site:
    """The site file of the live edition. Raises BadInput when there is none, Refused when unreadable."""
    pointer = pointers.read_pointer(name)
    return site_of(name, objects, pointer.digest if pointer else None)


def site_of(
    name: str, objects: ObjectStore, digest: str | None, edition: Edition | None = None
) -> Site:
    """The site file that edition `digest` was made of; `edition` itself tells whether it is that one.

    Without a copy (no edition yet, or one of a version that kept a single file) that single file.
    """
    data = find(objects, keys.edition_site(name, digest)) if digest else None
    stated = edition.header.site_file if edition else ""
    if data is None and not stated:
        data = find(objects, keys.site_object(name))
    if data is None and not stated:
        raise BadInput("site", f"{name} has no site file yet.", _SEND)
    if data is None or (stated and digest_of(data) != stated):
        what = "is gone from" if data is None else "was changed in"
        raise Refused(f"the site file of the live edition {what} the bucket. {_SEND}")
    return decode_site(data)


def keep_site(name: str, objects: ObjectStore, digest: str, data: bytes) -> None:
    """The copy of edition `digest`, before the pointer moves to it."""
    objects.put(keys.edition_site(name, digest), data)


def digest_of(data: bytes) -> str:
    """As an edition's header states it."""
    return hashlib.sha256(data).hexdigest()
