"""The forms of ids, and the one hash that ids are compared by."""

import hashlib
import re

ID_PATTERN = r"^[\x21-\x7e]{1,128}$"
SITE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
COUNTRY_PATTERN = r"^[A-Z]{2}$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
_ID = re.compile(ID_PATTERN)
_SITE = re.compile(SITE_PATTERN)
_COUNTRY = re.compile(COUNTRY_PATTERN)
_CURRENCY = re.compile(CURRENCY_PATTERN)


def is_id(text: str) -> bool:
    """1 to 128 printable ASCII characters, no space."""
    return bool(_ID.fullmatch(text))


def is_site(text: str) -> bool:
    """A DNS label: it is part of keys, URLs and metric dimensions."""
    return bool(_SITE.fullmatch(text))


def is_country(text: str) -> bool:
    """An ISO 3166-1 alpha-2 code, in capitals."""
    return bool(_COUNTRY.fullmatch(text))


def is_currency(text: str) -> bool:
    """Three capital letters, as ISO 4217 writes currencies."""
    return bool(_CURRENCY.fullmatch(text))


def hash64(text: str) -> int:
    """First 8 bytes of BLAKE2b, big-endian: the same in every process, version and language."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
