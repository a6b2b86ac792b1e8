"""Rules and segments in a site file. Each action has its own model, so its unused fields are reported."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from hemline.decide.rules.masks import PREFIX
from hemline.decide.rules.operator_specs import check_operand, wrong_pair
from hemline.model.ids import ID_PATTERN
from hemline.model.site.rule import Operand, Operator, Rule, Segment, Source
from hemline.sitefile.conditions import Conditions, ItemConditions, Strict, Value, structs
from hemline.sitefile.times import Moment, epoch_ms

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Attribute = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Position = Annotated[int, Field(ge=1, le=100)]


class AnySegment(Strict):
    """Named conditions."""

    name: Name
    when: Annotated[Conditions, Field(min_length=1)]

    def struct(self) -> Segment:
        """The segment as a struct of the model."""
        return Segment(self.name, structs(self.when))


class _Rule(Strict):
    name: Name
    slots: list[Name] = []
    segments: list[Name] = []
    when: Conditions = []
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "_Rule":
        if self.since and self.until and epoch_ms(self.since, "UTC") >= epoch_ms(self.until, "UTC"):
            raise ValueError("`until` must come after `from`")
        return self

    def struct(self, zone: str) -> Rule:
        """The rule as a struct of the model; local times are in the time zone `zone`."""
        plain: dict[str, Any] = {n: getattr(self, n) for n in type(self).model_fields}
        for name in ("when", "where"):
            plain[name] = structs(plain.get(name, []))
        for name in ("since", "until"):
            plain[name] = epoch_ms(plain[name], zone) if plain[name] else None
        # `value` may be a list and stays one; the model has tuples for all other lists.
        lists = {n: tuple(v) for n, v in plain.items() if isinstance(v, list) and n != "value"}
        return Rule(**{n: v for n, v in (plain | lists).items() if v is not None})


class _Pin(_Rule):
    action: Literal["pin"]
    item: Id
    position: Position = 1


class _Block(_Rule):
    action: Literal["block"]
    item: Id


def _compares(attribute: str, op: Operator, value: Operand) -> None:
    check_operand(op, value)
    wrong = wrong_pair(PREFIX + attribute, op, value)
    if wrong:
        raise ValueError(wrong.removeprefix(PREFIX))


class _Filter(_Rule):
    action: Literal["filter"]
    attribute: Attribute
    op: Operator = "eq"
    value: Value = None

    @model_validator(mode="after")
    def _fits(self) -> "_Filter":
        _compares(self.attribute, self.op, self.value)
        return self


class _Selecting(_Rule):
    """A set of items, selected by id, by a comparison or by conditions. All that are given must hold."""

    item: Id | None = None
    attribute: Attribute | None = None
    op: Operator = "eq"
    value: Value = None
    where: ItemConditions = []

    @model_validator(mode="after")
    def _fits(self) -> "_Selecting":
        if self.attribute is not None:
            _compares(self.attribute, self.op, self.value)
        elif self.value is not None or self.op != "eq":
            raise ValueError("`op` and `value` need an `attribute` to compare")
        elif self.item is None and not self.where:
            raise ValueError("names no items: give `item`, `attribute` with `value`, or `where`")
        return self


class _Include(_Selecting):
    action: Literal["include"]


class _Exclude(_Selecting):
    action: Literal["exclude"]


class _Moving(_Selecting):
    times: float = 1.0
    plus: float = 0.0

    @model_validator(mode="after")
    def _moves(self) -> "_Moving":
        if self.times == 1 and self.plus == 0:
            raise ValueError("moves nothing: give `times` other than 1, or `plus` other than 0")
        return self


class _Boost(_Moving):
    action: Literal["boost"]
    times: Annotated[float, Field(ge=1, le=100, strict=False)] = 1.0
    plus: Annotated[float, Field(ge=0, le=10, strict=False)] = 0.0


class _Bury(_Moving):
    action: Literal["bury"]
    times: Annotated[float, Field(ge=0, le=1, strict=False)] = 1.0
    plus: Annotated[float, Field(ge=-10, le=0, strict=False)] = 0.0


class _Share(_Selecting):
    action: Literal["share"]
    share: Annotated[float, Field(gt=0, le=1)]


class _Cap(_Rule):
    action: Literal["cap"]
    attribute: Attribute = "category"
    count: Annotated[int, Field(ge=1, le=100)] = 2


class _Apart(_Rule):
    action: Literal["apart"]
    attribute: Attribute = "category"
    count: Annotated[int, Field(ge=1, le=20)] = 2


class _Choose(_Rule):
    action: Literal["variant"]
    slots: Annotated[list[Name], Field(min_length=1)]
    variant: Name


class _Switch(_Rule):
    action: Literal["source"]
    sources: Annotated[list[Source], Field(min_length=1)]


class _Suppress(_Rule):
    action: Literal["suppress"]


class _Reorder(_Rule):
    action: Literal["reorder"]
    section: Name
    position: Position = 1


def tag(name: str, default: str = "") -> Discriminator:
    """Choose the member of a union by the value of the field `name`; `default` when it is missing."""

    def found(data: Any) -> str:  # noqa: ANN401 - raw input, any shape
        value = data.get(name, default) if isinstance(data, dict) else getattr(data, name, default)
        return value if isinstance(value, str) else ""

    return Discriminator(found)


AnyRule = Annotated[
    Annotated[_Pin, Tag("pin")]
    | Annotated[_Block, Tag("block")]
    | Annotated[_Filter, Tag("filter")]
    | Annotated[_Include, Tag("include")]
    | Annotated[_Exclude, Tag("exclude")]
    | Annotated[_Boost, Tag("boost")]
    | Annotated[_Bury, Tag("bury")]
    | Annotated[_Cap, Tag("cap")]
    | Annotated[_Share, Tag("share")]
    | Annotated[_Apart, Tag("apart")]
    | Annotated[_Choose, Tag("variant")]
    | Annotated[_Switch, Tag("source")]
    | Annotated[_Suppress, Tag("suppress")]
    | Annotated[_Reorder, Tag("reorder")],
    tag("action"),
]
