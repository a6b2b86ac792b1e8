"""A site as its reviewed file states it, and how that lies in the bucket (JSON); knows no YAML."""

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
    """What a marketer writes: everything of an edition that is not counted or trained."""

    title: str = ""
    currency: str = ""
    consent_default: bool = True
    """Whether a visitor who has not been asked may be remembered."""
    slots: tuple[Slot, ...] = ()
    rules: tuple[Rule, ...] = ()
    segments: tuple[Segment, ...] = ()
    time: SiteTime = SiteTime()
    page_caps: tuple[PageCap, ...] = ()
    cold_start: ColdStart | None = None
    base_url: str = ""
    """What links in an email begin with; without it they are left out where they are paths."""
    templates: tuple[Template, ...] = ()
    abuse: AbuseLimits = AbuseLimits()
    """From where on events count nowhere."""
    consent: ConsentRules = ConsentRules()
    """Where the opposite of the default holds, and whether DNT is honoured."""
    rates: dict[str, float] = {}
    """Currency → what one unit of it is worth in the site's."""
    end: bool = False
    """The file has its end mark: it was written to the end."""

    @property
    def money(self) -> Money:
        """What prices are compared in."""
        return Money(self.currency, self.rates)


def encode_site(site: Site) -> bytes:
    """The same site gives the same bytes."""
    return msgspec.json.encode(site, order="deterministic")


def decode_site(data: bytes) -> Site:
    """Raises Refused when it is not a compiled site file."""
    try:
        # One that was compiled before texts had a normal form is held against items that have it.
        return msgspec.json.decode(composed(data.decode()), type=Site)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"the compiled site file is unreadable: {error}") from None
