"""What is done differently by what a slot is filled with, as one dispatch table.

Data that differs by kind is in `model/site/kinds.py`. Emails are imported when one is rendered: the
start-up of a function does not pay for them.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hemline.decide.content import fill_sections, fill_variant
from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fill_list import fill_list
from hemline.decide.fragment import SlotAnswer
from hemline.decide.render import web
from hemline.decide.seen import Seen
from hemline.model.decision import SlotRequest
from hemline.model.site.kinds import Fills
from hemline.model.site.slot import Slot, Variant

if TYPE_CHECKING:
    from hemline.decide.render.email import Mail


class SlotBehaviour(NamedTuple):
    """How slots are filled and rendered. What fails here is reported as the slot's static answer."""

    fill: Callable[[Engine, Slot, SlotRequest, Facts, Seen], SlotAnswer]
    """Decides, and writes the JSON members of the answer."""
    html: Callable[[Snapshot, Slot, SlotAnswer], bytes] | None
    """The default markup, for answers in HTML only; None where `fill` writes it, as it is short."""
    email: Callable[[Snapshot, Slot, SlotAnswer], "Mail"]


def _list_html(snapshot: Snapshot, slot: Slot, answer: SlotAnswer) -> bytes:
    return web.items_html(snapshot, slot, answer.shown, answer.said)


def _list_email(snapshot: Snapshot, slot: Slot, answer: SlotAnswer) -> "Mail":
    from hemline.decide.render import email  # noqa: PLC0415 - only for emails

    return email.items(snapshot, slot, answer.shown, answer.said)


def _variant_email(snapshot: Snapshot, slot: Slot, answer: SlotAnswer) -> "Mail":
    from hemline.decide.render import email  # noqa: PLC0415 - only for emails

    return email.variant(_shown(slot, answer), snapshot.header.base_url)


def _sections_email(_: Snapshot, __: Slot, answer: SlotAnswer) -> "Mail":
    from hemline.decide.render import email  # noqa: PLC0415 - only for emails

    return email.sections(answer.said)


def _shown(slot: Slot, answer: SlotAnswer) -> Variant | None:
    return next((one for one in slot.variants if one.name == answer.variant), None)


BEHAVIOURS: Mapping[Fills, SlotBehaviour] = {
    "list": SlotBehaviour(fill_list, _list_html, _list_email),
    "variant": SlotBehaviour(fill_variant, None, _variant_email),
    "sections": SlotBehaviour(fill_sections, None, _sections_email),
}
