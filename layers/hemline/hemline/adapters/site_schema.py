"""The site file's fields as pydantic models, and their translation into the model's structs.

Strict: a wrong type is a mistake and never quietly converted; an unknown field is a mistake.
Knows no YAML and no line numbers (`site_yaml` adds them).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from hemline.decide.facts import scope_of
from hemline.decide.render import safe_url
from hemline.model.decision import Scope
from hemline.model.event import DEEDS
from hemline.model.ids import ID_PATTERN
from hemline.model.rule import Condition, Operator, Rule
from hemline.model.site import Site
from hemline.model.slot import Slot, Source, Variant

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Value = str | float | bool | list[str] | None
PERSONAL_SOURCES = frozenset({"recent_together", "your_categories", "own"})
_URL_FIELDS = frozenset({"url", "href", "link", "image", "src", "picture"})
_LISTS, _NUMBERS = frozenset({"in"}), frozenset({"gt", "ge", "lt", "le"})


def _value(value: object) -> object:
    """One message for a wrong value, where a union would give one for each of its members."""
    if isinstance(value, list) and not all(isinstance(part, str) for part in value):
        raise ValueError("every entry of the list must be text; quote words such as no, on, 12")
    if not isinstance(value, str | int | float | list | None):
        raise ValueError("must be text, a number, true or false, or a list of texts")  # noqa: TRY004 - pydantic turns ValueError into a finding
    return value


def _goal(goal: str) -> str:
    if DEEDS.get(goal) is None:
        known = ", ".join(name for name, deed in DEEDS.items() if deed is not None)
        raise ValueError(f"is no event that counts for an item; one of: {known}")
    return goal


def _fields(fields: dict[str, str]) -> dict[str, str]:
    for name, text in fields.items():
        if name in _URL_FIELDS and safe_url(text) != text:
            raise ValueError(f"{name} must be an http(s) address or a path such as /sale")
    return fields


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _When(_Strict):
    fact: Annotated[str, StringConstraints(pattern=r"^(clock|trait|page|visitor)\.[a-z_]+$")]
    op: Operator = "eq"
    value: Annotated[Any, BeforeValidator(_value)] = None

    @model_validator(mode="after")
    def _fits(self) -> "_When":
        check_operand(self.op, self.value)
        return self

    def struct(self) -> Condition:
        return Condition(self.fact, self.op, self.value)


def check_operand(op: str, value: Value) -> None:
    """Raises ValueError when `op` can never hold with such a `value`."""
    if op in _LISTS and not isinstance(value, list):
        raise ValueError(f"`op: {op}` needs a list as its value, such as [GB, IE]")
    if op in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"`op: {op}` needs a number as its value")
    if op not in _LISTS and isinstance(value, list):
        raise ValueError(f"`op: {op}` needs one value; for a list write `op: in`")
    if op != "exists" and value is None:
        raise ValueError(f"`op: {op}` needs a value")


class _Variant(_Strict):
    name: Name
    fields: Annotated[dict[str, str], AfterValidator(_fields)] = {}
    when: list[_When] = []
    category: str | None = None

    def struct(self) -> Variant:
        when = tuple(condition.struct() for condition in self.when)
        return Variant(self.name, self.fields, when, self.category)


class _Slot(_Strict):
    name: Name
    title: str = ""
    personal: bool = True
    deadline_ms: Annotated[int, Field(ge=1, le=1000)] = 50
    goal: Annotated[str, AfterValidator(_goal)] = "click"
    max_age: Annotated[int, Field(ge=0, le=86_400)] = 60

    def struct(self) -> Slot:
        """Its fields, lists as tuples; what a kind does not have keeps the struct's default."""
        plain: dict[str, Any] = {n: getattr(self, n) for n in type(self).model_fields}
        if "variants" in plain:
            plain["variants"] = [variant.struct() for variant in plain["variants"]]
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        return Slot(**plain)


class _Items(_Slot):
    kind: Literal["items"] = "items"
    limit: Annotated[int, Field(ge=1, le=100)] = 8
    sources: Annotated[list[Source], Field(min_length=1)] = list(Slot("").sources)
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.0
    explore: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    fallback: list[Id] = []

    @model_validator(mode="before")
    @classmethod
    def _public_sources(cls, data: Any) -> Any:  # noqa: ANN401 - raw input, any shape
        # A public slot that names no sources gets those that read no visitor fact.
        if isinstance(data, dict) and data.get("personal") is False and "sources" not in data:
            return {**data, "sources": ["trending", "popular"]}
        return data


class _Varied(_Slot):
    variants: Annotated[list[_Variant], Field(min_length=1)]
    fallback: Annotated[list[Name], Field(max_length=1)] = []


class _Content(_Varied):
    kind: Literal["content"]


class _Alert(_Varied):
    kind: Literal["alert"]


class _Layout(_Slot):
    kind: Literal["layout"]
    sections: Annotated[list[Name], Field(min_length=2)]


def _tag(name: str, default: str = "") -> Discriminator:
    def tag(data: Any) -> str:  # noqa: ANN401 - raw input, any shape
        found = data.get(name, default) if isinstance(data, dict) else getattr(data, name, default)
        return found if isinstance(found, str) else ""

    return Discriminator(tag)


class _Rule(_Strict):
    name: Name
    slots: list[Name] = []
    when: list[_When] = []

    def struct(self) -> Rule:
        plain: dict[str, Any] = {n: getattr(self, n) for n in type(self).model_fields}
        plain["when"] = tuple(condition.struct() for condition in self.when)
        plain["slots"] = tuple(self.slots)
        return Rule(**plain)


class _Pin(_Rule):
    action: Literal["pin"]
    item: Id
    position: Annotated[int, Field(ge=1, le=100)] = 1


class _Block(_Rule):
    action: Literal["block"]
    item: Id


class _Filter(_Rule):
    action: Literal["filter"]
    attribute: Annotated[str, Field(min_length=1)]
    op: Operator = "eq"
    value: Annotated[Any, BeforeValidator(_value)] = None

    @model_validator(mode="after")
    def _fits(self) -> "_Filter":
        check_operand(self.op, self.value)
        return self


class _Cap(_Rule):
    action: Literal["cap"]
    attribute: Annotated[str, Field(min_length=1)] = "category"
    count: Annotated[int, Field(ge=1, le=100)] = 2


AnySlot = Annotated[
    Annotated[_Items, Tag("items")]
    | Annotated[_Content, Tag("content")]
    | Annotated[_Alert, Tag("alert")]
    | Annotated[_Layout, Tag("layout")],
    _tag("kind", "items"),
]
AnyRule = Annotated[
    Annotated[_Pin, Tag("pin")]
    | Annotated[_Block, Tag("block")]
    | Annotated[_Filter, Tag("filter")]
    | Annotated[_Cap, Tag("cap")],
    _tag("action"),
]


class SiteModel(_Strict):
    """The whole file."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    consent_default: bool
    slots: Annotated[list[AnySlot], Field(min_length=1)]
    rules: list[AnyRule] = []

    def struct(self) -> Site:
        """As the model's structs."""
        slots = tuple(slot.struct() for slot in self.slots)
        rules = tuple(rule.struct() for rule in self.rules)
        return Site(self.title, self.currency, self.consent_default, slots, rules)


Path = tuple[str | int, ...]


def contradictions(site: Site) -> Iterator[tuple[Path, str, str]]:
    """(path, problem, way out) of what is well-formed but cannot be meant; needs the whole file."""
    yield from _twice("slots", [slot.name for slot in site.slots])
    yield from _twice("rules", [rule.name for rule in site.rules])
    names = {slot.name for slot in site.slots}
    for at, rule in enumerate(site.rules):
        for n, name in enumerate(rule.slots):
            if name not in names:
                known = ", ".join(sorted(names))
                yield ("rules", at, "slots", n), f"there is no slot {name}.", f"One of: {known}."
    for at, slot in enumerate(site.slots):
        yield from _in_slot(("slots", at), slot)
    yield from _public_rules(site)


def _twice(where: str, names: list[str]) -> Iterator[tuple[Path, str, str]]:
    for at, name in enumerate(names):
        if name in names[:at]:
            yield (where, at, "name"), f"{name} stands here twice.", "Give each its own name."


def _in_slot(at: Path, slot: Slot) -> Iterator[tuple[Path, str, str]]:
    variants = [variant.name for variant in slot.variants]
    for path, problem, way_out in _twice("variants", variants):
        yield (*at, *path), problem, way_out
    if slot.kind in ("content", "alert"):
        for n, name in enumerate(slot.fallback):
            if name not in variants:
                known = f"One of: {', '.join(variants)}."
                yield (*at, "fallback", n), f"there is no variant {name}.", known
    if not slot.personal:
        yield from _not_public(at, slot)


def _not_public(at: Path, slot: Slot) -> Iterator[tuple[Path, str, str]]:
    for n, source in enumerate(slot.sources if slot.kind == "items" else ()):
        if source in PERSONAL_SOURCES:
            where = (*at, "sources", n)
            yield where, f"{source} reads the visitor.", "Leave it out, or set `personal: true`."
    for v, variant in enumerate(slot.variants):
        for c, condition in enumerate(variant.when):
            if scope_of(condition.fact) is Scope.VISITOR:
                where = (*at, "variants", v, "when", c, "fact")
                yield where, f"{condition.fact} is personal.", "Set `personal: true` on the slot."


def _public_rules(site: Site) -> Iterator[tuple[Path, str, str]]:
    # A rule for all slots simply never holds in a public one; one that names it is a mistake.
    public = {slot.name for slot in site.slots if not slot.personal}
    for at, rule in enumerate(site.rules):
        touched = public.intersection(rule.slots)
        for c, condition in enumerate(rule.when):
            if touched and scope_of(condition.fact) is Scope.VISITOR:
                where = ("rules", at, "when", c, "fact")
                problem = f"{condition.fact} is personal, {', '.join(sorted(touched))} is not."
                yield where, problem, "Name only personal slots in the rule's `slots`."
