"""The changes of `what-if`: facts by name with values of their kind, and rules that are switched off."""

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from hemline.decide.facts.names import kind_of, spellings
from hemline.model.decision import Traits
from hemline.model.durations import MINUTE_MS
from hemline.model.errors import BadInput

_EXAMPLE = "such as trait.country=DE"


def changes(texts: list[str]) -> dict[str, object]:
    """Parse `trait.country=DE` into fact → value of the fact's kind; `null` removes the fact.

    `request.country` is another spelling. Raises BadInput for an unknown fact or a wrong value.
    """
    found: dict[str, object] = {}
    for text in texts:
        spelled, equals, value = text.partition("=")
        if not equals:
            raise BadInput("--set", f"{text[:64]!r} sets no fact.", f"Use FACT=VALUE, {_EXAMPLE}.")
        name = _name(spelled.strip())
        found[name] = _value(name, value.strip())
    return found


def _name(spelled: str) -> str:
    family, _, rest = spelled.partition(".")
    name = spelled
    if family == "request":
        name = f"trait.{rest}" if rest in _TRAITS else f"page.{rest}"
    if kind_of(name) is None:
        near = [one for one in spellings() if one.partition(".")[0] == name.partition(".")[0]]
        known = ", ".join(
            near or dict.fromkeys(f"{one.partition('.')[0]}.…" for one in spellings())
        )
        raise BadInput("--set", f"{spelled[:64]!r} is no fact.", f"Use one of: {known}.")
    return name


_TRAITS = frozenset({*Traits.__struct_fields__, "lat", "lon", "place"})


def _value(name: str, text: str) -> object:
    if text == "null":
        return None
    kind = kind_of(name) or "text"
    convert, word = _KINDS.get(kind, (_text, "a text"))
    try:
        value = convert(text)
    except (ValueError, msgspec.MsgspecError):
        raise BadInput("--set", f"{text[:64]!r} is no value of {name}.", f"It is {word}.") from None
    if name == "clock.minute":
        return int(value) // MINUTE_MS * MINUTE_MS  # type: ignore[call-overload]  # of kind time: a number
    return text.upper() if name == "trait.country" else value


def _text(text: str) -> str:
    return msgspec.json.decode(text, type=str) if text.startswith('"') else text


def _number(text: str) -> float:
    value = msgspec.json.decode(text, type=int | float)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    return msgspec.json.decode(text, type=bool)


def _list(text: str) -> tuple[str, ...]:
    if text.startswith("["):
        return msgspec.json.decode(text, type=tuple[str, ...])
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _place(text: str) -> tuple[float, float]:
    latitude, longitude = (float(part) for part in text.strip("[]").split(","))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(text)
    return latitude, longitude


_KINDS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "number": (_number, "a number"),
    "time": (_number, "a time in epoch milliseconds"),
    "flag": (_flag, "true or false"),
    "list": (_list, "a list: a,b,c"),
    "place": (_place, "a place: LATITUDE,LONGITUDE"),
}


def rules_off(texts: Sequence[str]) -> list[str]:
    """Parse `off:NAME` into names of rules. Raises BadInput for anything else."""
    wrong = next((text for text in texts if not text.startswith("off:")), None)
    if wrong is not None:
        raise BadInput("--rule", f"{wrong[:64]!r} is not known.", "Use off:NAME.")
    return [text.removeprefix("off:") for text in texts]
