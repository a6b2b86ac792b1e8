"""Templates in an edition: compiled at publish, each for the kinds of slot that use it."""

from collections.abc import Iterable, Sequence

import msgspec

from hemline.decide.templates.compile import compile_template
from hemline.decide.templates.names import ROOTS, Shown
from hemline.decide.templates.render import SECTION
from hemline.model.edition import Payload
from hemline.model.errors import BadInput
from hemline.model.site.slot import Slot
from hemline.model.site.template import Program, Template


def kinds(name: str, slots: Iterable[Slot]) -> list[Shown]:
    """The kinds of the slots that use a template, one for each sort of data; empty when none does."""
    used = dict.fromkeys(slot.kind for slot in slots if slot.template == name)
    return list({str(ROOTS[kind].fields.keys()): kind for kind in used}.values())


def sections(templates: Sequence[Template], slots: Sequence[Slot]) -> dict[str, Payload]:
    """The section `templates`, where slots use any. Raises BadInput for one that does not compile."""
    made = {one.name: _made(one, kind) for one in templates for kind in kinds(one.name, slots)}
    if not made:
        return {}
    data = msgspec.json.encode(made, order="deterministic")
    return {SECTION: ("bytes", (len(data),), data)}


def _made(template: Template, kind: Shown) -> Program:
    compiled = compile_template(template.html, kind)
    if compiled.program is None:
        first = compiled.faults[0]
        problem = f"template {template.name}, line {first.line}: {first.problem}"
        raise BadInput("templates", problem, first.way_out)
    return compiled.program
