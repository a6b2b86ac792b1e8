"""A site as its reviewed file states it, and its compiled form in the bucket (JSON). Knows no YAML."""

import msgspec

from hemline.model.consent import ConsentRules
from hemline.model.errors import Refused
from hemline.model.events.abuse import AbuseLimits
from hemline.model.input.text import composed
from hemline.model.money import Money
from hemline.model.site.rule import Rule, Segment
from hemline.model.site.slot import ColdStart, PageCap, Slot
from hemline.model.site.template import Template
from hemline.model.site.zones import SiteTime


class Site(msgspec.Struct, frozen=True, omit_defaults=True):
    """What marketers write: everything in an edition that is neither counted nor trained."""

    title: str = ""
    currency: str = ""
    consent_default: bool = True
    """Whether a visitor without a stated consent may be remembered."""
    slots: tuple[Slot, ...] = ()
    rules: tuple[Rule, ...] = ()
    segments: tuple[Segment, ...] = ()
    time: SiteTime = SiteTime()
    page_caps: tuple[PageCap, ...] = ()
    cold_start: ColdStart | None = None
    base_url: str = ""
    """Prefix of links in emails; without it, links that are paths are left out."""
    templates: tuple[Template, ...] = ()
    abuse: AbuseLimits = AbuseLimits()
    """Limits above which events are flagged and count nowhere."""
    consent: ConsentRules = ConsentRules()
    """Countries where the opposite of the default holds, and whether DNT is honoured."""
    rates: dict[str, float] = {}
    """Currency → value of one unit in the site's currency."""
    end: bool = False
    """The file has its end marker, so it was not cut short."""

    @property
    def money(self) -> Money:
        """The currency in which prices are compared, with its rates."""
        return Money(self.currency, self.rates)


def encode_site(site: Site) -> bytes:
    """The same site gives the same bytes."""
    return msgspec.json.encode(site, order="deterministic")


def decode_site(data: bytes) -> Site:
    """Raises Refused when it is not a compiled site file."""
    try:
        # Files compiled before texts had a normal form must match items that have it.
        return msgspec.json.decode(composed(data.decode()), type=Site)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"the compiled site file is unreadable: {error}") from None
