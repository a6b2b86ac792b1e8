"""The one place that spells keys: of the table, of the buckets, of the stream.

A site is a DNS label (`model.ids`), so the first `|` or `/` after it always ends it.
"""

import base64
import hashlib
from collections.abc import Sequence

PROFILE_SORT = "profile"
OWN_SORT = "own"
"""A user's own profile, without their linked visitors; exists once a visitor was linked."""
LINKS_SORT = "links"
POINTER_SORT = "pointer"
BRAKE_SORT = "brake"


def profile_partition(site: str, subject: str) -> str:
    """Table partition of everything about one visitor or user; does not contain their id."""
    return f"{site}|{alias(site, subject)}"


def alias(site: str, subject: str) -> str:
    """Pseudonym of a subject, 22 characters, for places that keep it after the person is forgotten.

    A visitor id is 128 random bits, so its hash reveals nothing. A user id may be guessed, and with read
    access to the table the guess can be confirmed: see docs/forgetting.md.
    """
    found = hashlib.blake2b(f"{site}|{subject}".encode(), digest_size=16, person=b"hemline alias")
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode()


def forgotten_prefix(site: str) -> str:
    """Bucket prefix of the register of who is to be forgotten."""
    return f"forgotten/{site}/"


def forgotten_object(site: str, subject: str) -> str:
    """One entry of the register, under the alias: the key must not contain the id."""
    return f"{forgotten_prefix(site)}{alias(site, subject)}.json"


def sweep_object(site: str) -> str:
    """Cursor of the sweep that erases forgotten people from the bucket."""
    return f"sweeps/{site}.json"


def site_partition(site: str) -> str:
    """Table partition of a site's single items: its edition pointer, its brake."""
    return f"{site}|"


def edition_object(site: str, digest: str) -> str:
    """Bucket key of an edition; the digest is of its bytes."""
    return f"editions/{site}/{digest}.hem"


def edition_notes(site: str) -> str:
    """Bucket prefix of the notes on a site's editions; keys below it sort by time."""
    return f"editions/{site}/notes/"


def edition_note(site: str, built: int, digest: str) -> str:
    """A few figures of one edition, so that listing them opens none. `built` is epoch ms."""
    return f"{edition_notes(site)}{built:015d}-{digest}.json"


def brake_log(site: str) -> str:
    """Bucket prefix of every version that a site's brake has had; keys below it sort by version."""
    return f"brakes/{site}/"


def brake_version(site: str, version: int) -> str:
    """One version of the brake, as it was signed."""
    return f"{brake_log(site)}{version:09d}.txt"


def archive_prefix(site: str) -> str:
    """Bucket prefix of a site's archive; keys below it sort by day."""
    return f"archive/{site}/"


def archive_object(site: str, day: str, shard: str, numbers: Sequence[str]) -> str:
    """One batch of a shard, by its sequence numbers in order; `day` is YYYY-MM-DD.

    A batch that is delivered again writes the same key. A different batch never does, even one that
    begins and ends with the same events: it would overwrite the events between them.
    """
    fingerprint = hashlib.blake2b(" ".join(numbers).encode(), digest_size=4).hexdigest()
    return f"{archive_prefix(site)}{day}/{shard}/{numbers[0]}-{numbers[-1]}-{fingerprint}.jsonl.gz"


QUARANTINE_PREFIX = "quarantine/"


def quarantine_object(day: str, shard: str, sequence: str) -> str:
    """A record that could not be read; without a site, which is part of what could not be read."""
    return f"{QUARANTINE_PREFIX}{day}/{shard}/{sequence}.json"


def site_object(site: str) -> str:
    """The site's reviewed file for a stack's first edition, and from earlier versions; only read."""
    return f"sites/{site}/site.json"


def edition_site(site: str, digest: str) -> str:
    """The reviewed file, compiled to JSON, that an edition was made from."""
    return f"sites/{site}/editions/{digest}.json"


def ranker_object(site: str, name: str) -> str:
    """Bucket key of a trained ranker; `name` is `ranker.onnx` or `ranker.json`."""
    return f"models/{site}/{name}"
