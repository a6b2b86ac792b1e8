"""`bench templates`: renders a decided list with a template, against Jinja2 with autoescape.

Jinja2 gets the same data but, unlike a compiled template, does not escape by context. The default markup,
made at publish, shows the cost of a slot without a template.
"""

from collections.abc import Callable
from functools import partial

import msgspec
from jinja2 import Environment

from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import SlotAnswer
from hemline.decide.render import cards, web
from hemline.decide.templates import slot
from hemline.decide.templates.edition import sections
from hemline.model.decision import Rung
from hemline.model.edition import Payload, pack, unpack
from hemline.model.site.slot import Slot
from hemline.model.site.template import Template
from workbench.bench.decide import AnswersDiffer
from workbench.bench.measure import BenchRow, rounds, row
from workbench.bench.world import SITE, BenchWorld, world

_CARDS = (10, 40)
_OURS = """<h2>{{slot.title}}</h2><ul>{{#items}}<li class="card" data-item="{{id}}"><a href="{{url}}">\
{{#image}}<img src="{{image}}" alt="" loading="lazy">{{/image}}<b>{{title}}</b>\
{{#price}}<data value="{{price}}">{{price_text}}</data>{{/price}}\
{{#reason}}<span>{{reason}}</span>{{/reason}}</a></li>{{/items}}</ul>"""
_THEIRS = """<h2>{{slot.title}}</h2><ul>{% for i in items %}<li class="card" data-item="{{i.id}}">\
<a href="{{i.url}}">{% if i.image %}<img src="{{i.image}}" alt="" loading="lazy">{% endif %}\
<b>{{i.title}}</b>{% if i.price is not none %}<data value="{{i.price}}">{{i.price_text}}</data>{% endif %}\
{% if i.reason %}<span>{{i.reason}}</span>{% endif %}</a></li>{% endfor %}</ul>"""
_SLOT = Slot("row", title="For you", template="cards")
_REASON = "Popular right now"


def rows(*, repeats: int = 7) -> list[BenchRow]:
    """Hot rows for each number of cards. Raises AnswersDiffer unless both give the same markup."""
    found = []
    for size in _CARDS:
        variants = variants_of(world(), size)
        compare(variants["template"](), variants["jinja2"]())
        calls = dict.fromkeys(variants, 200)
        samples = rounds(variants, calls=calls, repeats=repeats)
        found += [row(name, size, one) for name, one in samples.items()]
    return found


def compare(ours: bytes, theirs: bytes) -> None:
    """Check that the markup is the same. Raises AnswersDiffer."""
    if ours != theirs:
        raise AnswersDiffer(f"markup of {len(ours)} and {len(theirs)} bytes")


def variants_of(known: BenchWorld, size: int) -> dict[str, Callable[[], bytes]]:
    """Name → the markup of a list of `size` cards."""
    snapshot = _snapshot(known)
    answer = SlotAnswer(b"", b"", Rung.POPULAR, (), tuple(range(size)), said=(_REASON,) * size)
    facts = Facts(FactSource({}), personal=True)
    theirs = Environment(autoescape=True).from_string(_THEIRS)
    shown, said = list(answer.shown), list(answer.said)
    return {
        "template": lambda: slot.templated(snapshot, _SLOT, answer, facts).html,
        "jinja2": lambda: theirs.render(slot=_SLOT, items=_data(snapshot, answer)).encode(),
        "default": partial(web.items_html, snapshot, _SLOT, shown, said),
    }


def _snapshot(known: BenchWorld) -> Snapshot:
    """The shop of `bench decide` with an added template."""
    edition = unpack(known.edition, site=SITE)
    payloads: dict[str, Payload] = {
        name: (section.dtype, section.shape, bytes(edition.raw(name)))
        for name, section in edition.header.sections.items()
    }
    header = msgspec.structs.replace(edition.header, slots=(_SLOT,), sections={})
    payloads |= sections([Template("cards", _OURS)], [_SLOT])
    return Snapshot(unpack(pack(header, payloads), site=SITE))


def _data(snapshot: Snapshot, answer: SlotAnswer) -> list[dict[str, object]]:
    """The data for Jinja2: each item's record, with its price as readable text."""
    found = []
    for index, reason in zip(answer.shown, answer.said, strict=True):
        item = msgspec.json.decode(snapshot.cut("catalogue", index))
        price = item.get("price")
        text = "" if price is None else cards.price_text(price, item.get("currency", ""))
        number = price if price is None or price % 1 else int(price)
        found.append(item | {"reason": reason, "price_text": text, "price": number})
    return found
