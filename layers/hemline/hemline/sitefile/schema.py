"""The site file's fields as pydantic models, and their translation into the model's structs.

Strict: a value of the wrong type is a mistake and is not converted; an unknown field is a mistake.
Knows no YAML and no lines (`reader` adds them). `check` compares fields of different models.
"""

from typing import Annotated, Any, Literal

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from hemline.decide.render.web import safe_url
from hemline.decide.templates.compile import compile_template
from hemline.model.consent import ConsentRules
from hemline.model.durations import DAY_SECONDS
from hemline.model.events.abuse import AbuseLimits
from hemline.model.events.event import LEVEL_OF_EVENT, InteractionLevel
from hemline.model.ids import COUNTRY_PATTERN, CURRENCY_PATTERN
from hemline.model.site.alert import MAX_TIMES, Frequency, Opens
from hemline.model.site.kinds import DEFAULT_KIND
from hemline.model.site.rule import Condition
from hemline.model.site.site import Site
from hemline.model.site.slot import ColdStart, PageCap, Slot, Source, Variant
from hemline.model.site.template import Template
from hemline.sitefile.conditions import Conditions, Strict, structs
from hemline.sitefile.rules import AnyRule, AnySegment, Attribute, Id, Name, tag
from hemline.sitefile.times import Zone, site_time

_URL_FIELDS = frozenset({"url", "href", "link", "image", "src", "picture"})


def _goal(goal: str) -> str:
    # An exposure cannot be a goal: it is the denominator of a goal rate.
    known = [
        name for name, deed in LEVEL_OF_EVENT.items() if deed not in {None, InteractionLevel.SHOWN}
    ]
    if goal not in known:
        raise ValueError(f"is no event that counts for an item; one of: {', '.join(known)}")
    return goal


def _fields(fields: dict[str, str]) -> dict[str, str]:
    for name, text in fields.items():
        if name in _URL_FIELDS and safe_url(text) != text:
            raise ValueError(f"{name} must be an http(s) address or a path such as /sale")
    return fields


class _Variant(Strict):
    name: Name
    fields: Annotated[dict[str, str], AfterValidator(_fields)] = {}
    when: Conditions = []
    category: Annotated[str, StringConstraints(strip_whitespace=True)] | None = None
    item: Id | None = None

    def struct(self) -> Variant:
        return Variant(self.name, self.fields, structs(self.when), self.category, self.item)


class _Slot(Strict):
    name: Name
    title: str = ""
    personal: bool = True
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    deadline_ms: Annotated[int, Field(ge=1, le=1000)] = 50
    goal: Annotated[str, AfterValidator(_goal)] = "click"
    max_age: Annotated[int, Field(ge=0, le=DAY_SECONDS)] = 60
    template: Name = ""

    def struct(self) -> Slot:
        """The slot as a struct. Fields that its kind lacks keep the struct's defaults."""
        plain: dict[str, Any] = {n: getattr(self, n) for n in type(self).model_fields}
        if isinstance(plain.get("diversity"), _Diversity):
            plain["diverse_over"] = plain["diversity"].over
            plain["diversity"] = plain["diversity"].strength
        if "variants" in plain:
            plain["variants"] = [variant.struct() for variant in plain["variants"]]
        for name in ("frequency", "opens"):
            if plain.get(name):
                plain[name] = plain[name].struct()
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        return Slot(**plain)


class _Diversity(Strict):
    strength: Annotated[float, Field(ge=0, le=1)]
    over: Attribute = "category"


class _Items(_Slot):
    kind: Literal["items"] = "items"
    limit: Annotated[int, Field(ge=1, le=100)] = 8
    sources: Annotated[list[Source], Field(min_length=1)] = list(Slot("").sources)
    diversity: Annotated[float, Field(ge=0, le=1)] | _Diversity = 0.0
    explore: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    fallback: list[Id] = []

    @model_validator(mode="before")
    @classmethod
    def _public_sources(cls, data: Any) -> Any:  # noqa: ANN401 - raw input, any shape
        # The default for a public slot: sources that read no visitor fact.
        if isinstance(data, dict) and data.get("personal") is False and "sources" not in data:
            return {**data, "sources": ["trending", "popular"]}
        return data


class _Frequency(Strict):
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = 1
    days: Annotated[int, Field(ge=1, le=365)] = 7
    quiet_days: Annotated[int, Field(ge=0, le=365)] = 0

    def struct(self) -> Frequency:
        return Frequency(self.times, self.days, self.quiet_days)


class _Opens(Strict):
    at: Literal["load", "exit", "idle"]
    seconds: Annotated[int, Field(ge=0, le=3600)] = 0

    def struct(self) -> Opens:
        return Opens(self.at, self.seconds)


class _Varied(_Slot):
    variants: Annotated[list[_Variant], Field(min_length=1)]
    frequency: _Frequency | None = None
    fallback: Annotated[list[Name], Field(max_length=1)] = []


class _Content(_Varied):
    kind: Literal["content"]
    explore: Annotated[float, Field(ge=0, le=0.5)] = 0.0


class _Alert(_Varied):
    kind: Literal["alert"]
    opens: _Opens | None = None


class _Layout(_Slot):
    kind: Literal["layout"]
    sections: Annotated[list[Name], Field(min_length=2)]


AnySlot = Annotated[
    Annotated[_Items, Tag("items")]
    | Annotated[_Content, Tag("content")]
    | Annotated[_Alert, Tag("alert")]
    | Annotated[_Layout, Tag("layout")],
    tag("kind", DEFAULT_KIND),
]


class _Template(Strict):
    name: Name
    html: Annotated[str, Field(min_length=1)]

    def asks(self) -> list[Condition]:
        """The facts that it shows, as conditions, so that they are collected with those of rules."""
        return [Condition(read.fact) for read in compile_template(self.html, "any").reads]

    def struct(self) -> Template:
        return Template(self.name, self.html)


class _PageCap(Strict):
    attribute: Attribute = "category"
    count: Annotated[int, Field(ge=1, le=100)]

    def struct(self) -> PageCap:
        return PageCap(self.attribute, self.count)


def _whole(value: object) -> object:
    if value is not None and value is not True:
        raise ValueError("is `true` where the file ends; otherwise leave it out")
    return value


class _ColdStart(Strict):
    impressions: Annotated[int, Field(ge=1, le=100_000)]
    hours: Annotated[int, Field(ge=1, le=24 * 90)]

    def struct(self) -> ColdStart:
        return ColdStart(self.impressions, self.hours)


class _Abuse(Strict):
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = AbuseLimits().per_minute
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] = AbuseLimits().per_day
    early_seconds: Annotated[int, Field(ge=0, le=3600)] = AbuseLimits().early_seconds
    late_per_minute: Annotated[int, Field(ge=1, le=100_000)] = AbuseLimits().late_per_minute
    late_per_day: Annotated[int, Field(ge=1, le=10_000_000)] = AbuseLimits().late_per_day

    def struct(self) -> AbuseLimits:
        return AbuseLimits(**self.model_dump())


class _Consent(Strict):
    exceptions: list[Annotated[str, StringConstraints(pattern=COUNTRY_PATTERN)]] = []
    honour_dnt: bool = False

    def struct(self) -> ConsentRules:
        return ConsentRules(tuple(sorted(set(self.exceptions))), self.honour_dnt)


Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN)]
Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class SiteModel(Strict):
    """The whole file."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    currency: Currency
    consent_default: bool
    slots: Annotated[list[AnySlot], Field(min_length=1)]
    rules: list[AnyRule] = []
    segments: list[AnySegment] = []
    time_zone: Zone = "UTC"
    hemisphere: Literal["north", "south"] = "north"
    page_caps: list[_PageCap] = []
    cold_start: _ColdStart | None = None
    templates: Annotated[list[_Template], Field(max_length=100)] = []
    base_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s<>\"']+)?$")] = ""
    abuse: _Abuse = _Abuse()
    consent: _Consent = _Consent()
    rates: dict[Currency, Rate] = {}
    end: Annotated[Literal[True] | None, BeforeValidator(_whole)] = None

    def struct(self) -> Site:
        """The site as a struct of the model."""
        slots = tuple(slot.struct() for slot in self.slots)
        rules = tuple(rule.struct(self.time_zone) for rule in self.rules)
        segments = tuple(segment.struct() for segment in self.segments)
        asked = [one for rule in rules for one in rule.when]
        asked += [one for segment in segments for one in segment.when]
        asked += [one for slot in slots for variant in slot.variants for one in variant.when]
        asked += [one for template in self.templates for one in template.asks()]
        time = site_time(self.time_zone, self.hemisphere, asked)
        caps = tuple(cap.struct() for cap in self.page_caps)
        cold = self.cold_start.struct() if self.cold_start else None
        plain = self.title, self.currency, self.consent_default
        templates = tuple(template.struct() for template in self.templates)
        abuse, consent = self.abuse.struct(), self.consent.struct()
        whole = Site(*plain, slots, rules, segments, time, caps, cold, self.base_url, templates)
        rates = dict(sorted(self.rates.items()))
        return replace(whole, abuse=abuse, consent=consent, rates=rates, end=self.end is True)
