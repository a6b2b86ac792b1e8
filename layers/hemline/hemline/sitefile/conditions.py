"""Conditions in a site file: comparisons, nested in all, any and not, within limits.

`decide/facts/names.py` lists the facts and their kinds; `decide/rules/operators.py` evaluates conditions.
"""

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from hemline.decide.facts.names import FACTS, FAMILIES, kind_of, spellings
from hemline.decide.facts.values import misspelt
from hemline.decide.rules.masks import PREFIX
from hemline.decide.rules.operator_specs import SPECS, check_operand, wrong_pair
from hemline.learn.profile.fold import TYPES
from hemline.model.input.text import normal_value
from hemline.model.site.rule import Condition, Every, Not, Operator, Some, When, depth, leaves

MOST_DEPTH = 6
"""Levels of nesting."""
MOST_COST = 64
"""Comparisons of two values, as `cost` counts them."""


class Strict(BaseModel):
    """A value of the wrong type is a mistake and is not converted. An unknown field is a mistake."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _value(value: object) -> object:
    """Check a value with one message; a pydantic union would give one message for each member."""
    if isinstance(value, list):
        if any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in value):
            raise ValueError(
                "every entry of the list must be text or a number; quote words such as no, on"
            )
    elif not isinstance(value, str | int | float | None):
        raise ValueError("must be text, a number, true or false, or a list")  # noqa: TRY004 - pydantic turns ValueError into a finding
    # Item attributes are normalized in the same way (`model.item_form`), so both sides match.
    return (
        [normal_value(part) for part in value] if isinstance(value, list) else normal_value(value)
    )


Value = Annotated[Any, BeforeValidator(_value)]


def _fact(name: str) -> str:
    name = name.strip()
    if kind_of(name) is None and not _is_of_item(name):
        raise ValueError(f"{name[:60]} is no fact that is known.{_meant(name)}")
    return name


def _meant(name: str) -> str:
    for beginning, (_, _, rest) in FAMILIES.items():
        if name.startswith(beginning):
            deeds = f"; DEED is one of {', '.join(TYPES)}" if "DEED" in rest else ""
            days = ", 30d any number of days from 1" if "30d" in rest else ""
            return f" Write {beginning}{rest}{days}{deeds}."
    near = difflib.get_close_matches(name, spellings(), 1)
    return f" Did you mean `{near[0]}`?" if near else ""


def _is_of_item(name: str) -> bool:
    return name.startswith(PREFIX) and len(name) > len(PREFIX)


_PATTERN = "|".join([*(b.replace(".", r"\.") for b in FAMILIES), PREFIX.replace(".", r"\.")])
FactName = Annotated[
    str,
    AfterValidator(_fact),
    WithJsonSchema(
        {"anyOf": [{"enum": list(FACTS)}, {"type": "string", "pattern": f"^({_PATTERN}).+$"}]}
    ),
]


class Comparison(Strict):
    """One fact compared with a value."""

    fact: FactName
    op: Operator = "eq"
    value: Value = None

    @model_validator(mode="after")
    def _fits(self) -> "Comparison":
        check_operand(self.op, self._compared)
        pair = self.fact, self.op, self._compared
        wrong = wrong_pair(*pair) or misspelt(*pair)
        if wrong:
            raise ValueError(wrong)
        return self

    @property
    def _compared(self) -> Any:  # noqa: ANN401 - any value that a file may hold
        """The value; True for a segment without operator and value: the visitor is in it."""
        named = self.fact.startswith("segment.") and self.op == "eq" and self.value is None
        return True if named else self.value

    def struct(self) -> Condition:
        """The condition as a struct of the model."""
        return Condition(self.fact, self.op, self._compared)


class AllOf(Strict):
    """Holds when all of them do."""

    all: Annotated[list["AnyCondition"], Field(min_length=1)]

    def struct(self) -> Every:
        """The condition as a struct of the model."""
        return Every(tuple(one.struct() for one in self.all))


class AnyOf(Strict):
    """Holds when at least one of them does."""

    any: Annotated[list["AnyCondition"], Field(min_length=1)]

    def struct(self) -> Some:
        """The condition as a struct of the model."""
        return Some(tuple(one.struct() for one in self.any))


class NoneOf(Strict):
    """Holds when its condition does not."""

    negated: Annotated["AnyCondition", Field(alias="not")]

    def struct(self) -> Not:
        """The condition as a struct of the model."""
        return Not(self.negated.struct())


_SHAPES = ("all", "any", "not")


def _shape(data: object) -> Literal["<fact>", "<all>", "<any>", "<not>"]:
    if isinstance(data, dict):
        found = next((shape for shape in _SHAPES if shape in data), "fact")
        return f"<{found}>"  # type: ignore[return-value] # one of the four
    kinds: dict[type, Any] = {AllOf: "<all>", AnyOf: "<any>", NoneOf: "<not>"}
    return kinds.get(type(data), "<fact>")  # type: ignore[no-any-return] # one of the four


# No field is spelt like these tags, so `reader` can remove them from a finding's path.
AnyCondition = Annotated[
    Union[  # noqa: UP007 - forward references need it
        Annotated[Comparison, Tag("<fact>")],
        Annotated[AllOf, Tag("<all>")],
        Annotated[AnyOf, Tag("<any>")],
        Annotated[NoneOf, Tag("<not>")],
    ],
    Discriminator(_shape),
]
for _model in (AllOf, AnyOf, NoneOf):
    _model.model_rebuild()


def cost(conditions: Sequence[When]) -> int:
    """The most that evaluating them can cost, in comparisons of two values."""
    return sum(SPECS[one.op].cost for one in leaves(conditions))


def _within_limits(conditions: list[Any]) -> tuple[When, ...]:
    found = tuple(one.struct() for one in conditions)
    if depth(found) > MOST_DEPTH:
        raise ValueError(
            f"is nested {depth(found)} deep; at most {MOST_DEPTH}. Name parts as segments"
        )
    if cost(found) > MOST_COST:
        raise ValueError(
            f"costs {cost(found)} comparisons; at most {MOST_COST}. Make it several rules"
        )
    return found


def _when(conditions: list[Any]) -> list[Any]:
    for one in leaves(_within_limits(conditions)):
        if _is_of_item(one.fact):
            raise ValueError(f"{one.fact} is about the items of a rule: it belongs into `where`")
    return conditions


def _where(conditions: list[Any]) -> list[Any]:
    for one in leaves(_within_limits(conditions)):
        if not _is_of_item(one.fact):
            raise ValueError(f"{one.fact} is not about an item: it belongs into `when`")
    return conditions


Conditions = Annotated[list[AnyCondition], AfterValidator(_when)]
"""All must hold. They read facts of the request, the visitor and the time."""
ItemConditions = Annotated[list[AnyCondition], AfterValidator(_where)]
"""All must hold. They read `item.…` only."""


def structs(conditions: list[Any]) -> tuple[When, ...]:
    """The conditions as structs of the model."""
    return tuple(one.struct() for one in conditions)
