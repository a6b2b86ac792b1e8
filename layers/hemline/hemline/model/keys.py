"""The one place that spells keys: of the table, of the buckets, of the stream.

A site is a DNS label (`model.ids`), so the first `|` or `/` after it always ends it.
"""

PROFILE_SORT = "profile"
POINTER_SORT = "pointer"
BRAKE_SORT = "brake"


def profile_partition(site: str, subject: str) -> str:
    """Table partition of everything that is kept of one visitor or user."""
    return f"{site}|{subject}"


def site_partition(site: str) -> str:
    """Table partition of what a site keeps one of: its edition pointer, its brake."""
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


def archive_object(site: str, day: str, shard: str, first: str, last: str) -> str:
    """One batch of a shard: the same batch redelivered writes the same key. `day` is YYYY-MM-DD."""
    return f"{archive_prefix(site)}{day}/{shard}/{first}-{last}.jsonl.gz"


def quarantine_object(day: str, shard: str, sequence: str) -> str:
    """A record that could not be read; no site, since it could not be read."""
    return f"quarantine/{day}/{shard}/{sequence}.json"


def site_object(site: str) -> str:
    """The site's reviewed file, compiled to JSON by `hemline site` or `publish`."""
    return f"sites/{site}/site.json"


def ranker_object(site: str, name: str) -> str:
    """`name` is `ranker.onnx` or `ranker.json`."""
    return f"models/{site}/{name}"
