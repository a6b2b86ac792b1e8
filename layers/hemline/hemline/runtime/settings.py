"""The environment, read once and typed. Nothing else in the package reads it."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from hemline.model.consent import ConsentRules, Policy
from hemline.model.ids import is_country, is_site
from hemline.model.user_token import UserKey, keys_of


class Settings(NamedTuple):
    """The environment variables of a function; template.yaml sets them."""

    site: str
    table: str
    stream: str
    bucket: str
    keys: tuple[bytes, ...]
    """Secrets for cookies, tokens and pointers: the first one signs, all verify."""
    region: str
    endpoint: str | None
    """URL of the AWS emulator, on a laptop only; None: AWS."""
    read_timeout: float
    """Seconds that a serving read may take."""
    consent_default: bool = True
    """The consent of visitors who made no choice. This and the next two must match the site file."""
    consent_exceptions: tuple[str, ...] = ()
    """ISO 3166-1 codes of the countries with the opposite default."""
    honour_dnt: bool = False
    """Whether `DNT: 1` is a refusal."""
    user_keys: tuple[UserKey, ...] = ()
    """Keys that verify user tokens; without any, every token is refused."""
    origins: tuple[str, ...] = ()
    """Origins whose pages may call for a visitor, besides the API's own origin."""
    stream_hours: int = 48
    """Hours that the stream keeps an event."""
    profile_days: int = 0
    """Days that a profile is kept after its last event; 0: until it is forgotten."""
    failed: str = ""
    """Name of the bucket of batches that used up their retries; for the sweep function only."""

    @property
    def policy(self) -> Policy:
        """The consent policy for visitors who made no choice."""
        rules = ConsentRules(self.consent_exceptions, self.honour_dnt)
        return rules.policy(default=self.consent_default)


_SHORTEST_KEY = 16  # characters


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises ValueError, naming the variable and what it should hold, on anything unusable."""
    site = environ.get("HEMLINE_SITE", "demo")
    if not is_site(site):
        raise ValueError(f"HEMLINE_SITE is {site!r}: use lower-case letters, digits and hyphens")
    keys = tuple(
        k.strip().encode() for k in environ.get("HEMLINE_KEYS", "").split(",") if k.strip()
    )
    if not keys or any(len(k) < _SHORTEST_KEY for k in keys):
        raise ValueError(
            f"HEMLINE_KEYS needs one or more secrets of {_SHORTEST_KEY} characters or more"
        )
    return Settings(
        site=site,
        table=environ.get("HEMLINE_TABLE", ""),
        stream=environ.get("HEMLINE_STREAM", ""),
        bucket=environ.get("HEMLINE_BUCKET", ""),
        keys=keys,
        region=environ.get("AWS_REGION", "eu-west-1"),
        endpoint=environ.get("AWS_ENDPOINT_URL") or None,
        read_timeout=_milliseconds(environ, "HEMLINE_READ_TIMEOUT_MS", 50) / 1000,
        consent_default=_yes_or_no(environ, "HEMLINE_CONSENT_DEFAULT", default="true"),
        failed=environ.get("HEMLINE_FAILED", ""),
        profile_days=_whole(environ, "HEMLINE_PROFILE_DAYS", 0, "days", 0, 3650),
        stream_hours=_whole(environ, "HEMLINE_STREAM_HOURS", 48, "hours", 24, 8760),
        consent_exceptions=_countries(environ, "HEMLINE_CONSENT_EXCEPTIONS"),
        honour_dnt=_yes_or_no(environ, "HEMLINE_HONOUR_DNT", default="false"),
        user_keys=_user_keys(environ, "HEMLINE_USER_KEYS"),
        origins=_listed(environ, "HEMLINE_ORIGINS"),
    )


def _listed(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _countries(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _listed(environ, name)
    if not all(is_country(one) for one in found):
        raise ValueError(f"{name} is {','.join(found)!r}: use ISO 3166-1 codes such as DE,FR")
    return tuple(sorted(set(found)))


def _user_keys(environ: Mapping[str, str], name: str) -> tuple[UserKey, ...]:
    try:
        return keys_of(environ.get(name, ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}; use kid:secret,kid2:secret") from None


def _milliseconds(environ: Mapping[str, str], name: str, default: int) -> int:
    return _whole(environ, name, default, "milliseconds", 1, 10_000)


def _whole(  # noqa: PLR0913, PLR0917 - one row of a table of settings
    environ: Mapping[str, str], name: str, default: int, unit: str, least: int, most: int
) -> int:
    text = environ.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name} is {text!r}: use whole {unit} from {least} to {most}")
    return int(text)


def _yes_or_no(environ: Mapping[str, str], name: str, *, default: str) -> bool:
    text = environ.get(name, default)
    if text not in {"true", "false"}:
        raise ValueError(f"{name} is {text!r}: use true or false")
    return text == "true"
