"""Mistakes in the templates of a site file: faulty marks, unknown names, personal facts in public slots."""

from collections.abc import Iterator, Sequence

from hemline.decide.rules.conditions import Segments, segment_of
from hemline.decide.templates.compile import TemplateRead, compile_template
from hemline.decide.templates.edition import kinds
from hemline.model.site.rule import Condition
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.model.site.template import Template
from hemline.sitefile.check_rules import too_much
from hemline.sitefile.nodes import Path, Within
from hemline.sitefile.places import is_personal

Mistake = tuple[Path, str, str]
"""(place, problem, way out)."""


def in_templates(site: Site, broken: frozenset[str]) -> Iterator[Mistake]:
    """The mistakes. `broken`: names in the file but not in `site`, because they have other mistakes."""
    known = [template.name for template in site.templates]
    for at, slot in enumerate(site.slots):
        if slot.template and slot.template not in known and slot.template not in broken:
            names = f"One of: {', '.join(known)}." if known else "The file has none."
            yield ("slots", at, "template"), f"there is no template {slot.template}.", names
    for at, template in enumerate(site.templates):
        yield from _in_template(("templates", at), template, site, broken)


def _in_template(
    path: Path, template: Template, site: Site, broken: frozenset[str]
) -> Iterator[Mistake]:
    using = kinds(template.name, site.slots)
    if len(using) > 1:
        problem = f"slots of kinds {' and '.join(using)} use it, and they have other data."
        yield path, problem, "Give each kind a template of its own."
        return
    compiled = compile_template(template.html, using[0] if using else "any")
    for fault in compiled.faults:
        yield _line(path, fault.line), fault.problem, fault.way_out
    segments = {segment.name: segment for segment in site.segments}
    public = [s for s in site.slots if s.template == template.name and not s.personal]
    for read in compiled.reads:
        name = segment_of(read.fact)
        if name is not None and name not in segments and name not in broken:
            yield _line(path, read.line), f"there is no segment {name}.", "Name one that there is."
        if name is not None:
            asked = (Condition(read.fact, "eq", True),)
            yield from too_much(_line(path, read.line), asked, segments)
        yield from _private(path, read, public, segments)


def _private(
    path: Path, read: TemplateRead, public: Sequence[Slot], segments: Segments
) -> Iterator[Mistake]:
    if public and is_personal(read.fact, segments):
        problem = f"{read.fact} is personal, {', '.join(slot.name for slot in public)} is not."
        yield _line(path, read.line), problem, "Leave it out, or set `personal: true` on the slot."


def _line(path: Path, line: int) -> Path:
    return (*path, "html", Within(line))
