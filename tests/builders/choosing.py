"""Events about a content slot as the archive has them, with tokens that say how each came to be shown."""

from collections.abc import Iterable

from hemline.decide.token import Token, encode
from hemline.learn.variants.exposures import Choices
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.site.slot import Slot, Variant
from tests.builders.editions import KEYS, NOW, SITE

DAY = 86_400_000
HERO = Slot("hero", kind="content", variants=(Variant("a"), Variant("b")), explore=0.1)


def token(
    variant: str,
    mark: tuple[int, float] | None = (0, 0.5),
    slot: str = "hero",
    minute: int = NOW // 60_000,
) -> str:
    """Signed; of another minute it is another fragment."""
    made = Token(b"edition1", slot, 0, b"f" * 16, minute, variant=variant, explored=mark)
    return encode(made, KEYS)


def seen(who: str, shown: str, when: int = NOW, device: str = "mobile", n: int = 0) -> Record:
    """An exposure of a fragment; with another `n` the same fragment is told of once more."""
    event = Event(f"{who}-{when}-{n}", "exposure", when, slot="hero", token=shown)
    return Record(SITE, who, when, event, "GB", device)


def did(
    who: str,
    kind: str,
    shown: str | None,
    when: int = NOW + 1000,
    slot: str | None = "hero",
    n: int = 0,
) -> Record:
    """A deed, with the token of what it happened in."""
    lines = (OrderLine("i1"),)
    event = Event(f"{who}-{kind}-{when}-{n}", kind, when, slot=slot, token=shown, lines=lines)
    return Record(SITE, who, when, event, "GB", "mobile")


def counted(records: Iterable[Record], *slots: Slot) -> Choices:
    """What is counted of them, of the hero when no slot is named."""
    choices = Choices(slots or [HERO])
    for record in records:
        choices.add(record)
    return choices


def crowd(variant: str, times: int, goals: int, mark: tuple[int, float] = (0, 0.5), when: int = NOW,
          device: str = "mobile", name: str = "") -> list[Record]:  # fmt: skip
    """So many visitors who saw it, each once, and of them so many who clicked."""
    shown = token(variant, mark)
    people = [f"v:{name}{variant}{mark[0]}{device}{n}" for n in range(times)]
    return [seen(who, shown, when, device) for who in people] + [
        did(who, "click", shown, when + 1000) for who in people[:goals]
    ]
