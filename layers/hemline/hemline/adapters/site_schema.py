"""The site file's fields as pydantic models, and their translation into the model's structs.

Strict: a wrong type is a mistake and never quietly converted; an unknown field is a mistake.
Knows no YAML and no line numbers (`site_yaml` adds them), and no field beside its own (`site_check`).
"""

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

from hemline.decide.render import safe_url
from hemline.model.event import DEEDS
from hemline.model.ids import ID_PATTERN
from hemline.model.rule import Condition, Operator, Rule
from hemline.model.site import Site
from hemline.model.slot import Slot, Source, Variant

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
FactName = Literal[
    "trait.country",
    "trait.device",
    "trait.language",
    "page.type",
    "page.url",
    "page.item",
    "page.category",
    "page.cart",
    "visitor.known",
    "visitor.returning",
    "clock.minute",
]
"""Facts that a person can compare with; those that only code can (indices, views) are left out."""
Value = str | float | bool | list[str] | None
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
    fact: FactName
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
    item: Id | None = None

    def struct(self) -> Variant:
        when = tuple(condition.struct() for condition in self.when)
        return Variant(self.name, self.fields, when, self.category, self.item)


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
