"""Small editions made by hand: known neighbours, known popularity, any slots and rules."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from hemline.decide.ranking import page_caps
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.render import cards
from hemline.decide.rules import masks
from hemline.decide.templates import edition
from hemline.learn.statistics.arrays import Statistics, sections
from hemline.model import choice
from hemline.model.consent import ConsentRules
from hemline.model.edition import SCHEMA, TRIAL, Edition, Header, pack, unpack
from hemline.model.events.event import Record
from hemline.model.item import Item
from hemline.model.site.rule import Rule, Segment
from hemline.model.site.slot import PageCap, Slot
from hemline.model.site.template import Template

SITE = "test"
NOW = 1_700_000_000_000
KEYS = (b"a key for tests that is long enough",)


def catalogue(count: int, categories: int = 4) -> list[Item]:
    """`i0`, `i1`, …: round-robin over categories `c0`, `c1`, …; prices rise with the number."""
    return [
        Item(
            id=f"i{n}",
            title=f"Item {n}",
            url=f"/items/i{n}",
            image=f"/pictures/i{n}.svg",
            price=1.0 + n,
            categories=(f"c{n % categories}",),
            published_at=NOW - 86_400_000 * (n + 1),
        )
        for n in range(count)
    ]


def build(*args: Any, **kwargs: Any) -> Edition:
    """As `build_file`, the edition alone."""
    return build_file(*args, **kwargs)[1]


def build_file(
    items: Sequence[Item],
    slots: Sequence[Slot],
    *,
    site_rules: Sequence[Rule] = (),
    history: Sequence[Record] = (),
    ranker: tuple[bytes, bytes] = (b"", b""),
    consent_default: bool = True,
    segments: Sequence[Segment] = (),
    caps: Sequence[PageCap] = (),
    base_url: str = "",
    templates: Sequence[Template] = (),
    consent: ConsentRules = ConsentRules(),  # noqa: B008 - a frozen value
    choices: Mapping[str, choice.Evidence] | None = None,
    trial: int = TRIAL,
) -> tuple[bytes, Edition]:
    """An edition over these items, with the statistics of this history: its file and what it is."""
    statistics = Statistics()
    for record in history:
        statistics.add(record)
    header = Header(
        schema=SCHEMA,
        site=SITE,
        built=NOW,
        slots=tuple(slots),
        rules=tuple(site_rules),
        feature_names=FEATURES,
        watermarks={},
        consent_default=consent_default,
        segments=tuple(segments),
        page_caps=tuple(caps),
        base_url=base_url,
        consent=consent,
        trial=trial,
    )
    payloads = {
        **sections(statistics, items, NOW),
        **cards.sections(items, currency="EUR"),
        **masks.sections(site_rules, items, NOW),
        **page_caps.sections(caps, items),
        **edition.sections(templates, slots),
        "ranker_onnx": ("bytes", (), ranker[0]),
        "ranker_json": ("bytes", (), ranker[1]),
    }
    if choices:
        payloads[choice.SECTION] = ("bytes", (), choice.encode(choices))
    data = pack(header, payloads)
    return data, unpack(data, site=SITE)


class ScoreByPrice:
    """A ranker whose order is known: it prefers one column of the feature matrix."""

    feature_names = FEATURES

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return matrix[:, self.column]


StructT = TypeVar("StructT", bound=msgspec.Struct)


def with_fields(struct: StructT, **fields: object) -> StructT:
    """A copy with some fields changed."""
    return msgspec.structs.replace(struct, **fields)
