"""Finds what a new site file lacks of the live one. A truncated file is often well-formed YAML.

Signs of truncation: the end mark is gone, a whole kind of part is gone, or many parts are gone.
"""

from collections import Counter
from collections.abc import Iterator

from hemline.model.errors import BadInput
from hemline.model.site.site import Site

_SHARE = 1 / 3
"""A larger share of the live file's parts missing suggests a truncated file, not an edit."""
_LEAST = 3
"""Fewer missing parts than this are no sign: a small file may lose one or two in an edit."""
_SETTINGS = (
    "segments", "page_caps", "templates", "cold_start", "base_url", "time", "abuse", "consent",
)  # fmt: skip
_WAY_OUT = "When that is meant, publish with --allow-removals (a command: allow_removals)."

Part = tuple[str, str]
"""(kind, name)."""


def refuse_losses(before: Site, after: Site) -> None:
    """Raises BadInput that lists the losses, if there are any."""
    lacks = list(losses(before, after))
    if lacks:
        raise BadInput("site_file", f"may be half a file: {'; '.join(lacks)}.", _WAY_OUT)


def losses(before: Site, after: Site) -> Iterator[str]:
    """The losses in words. A file with its end mark is complete, so it may lack a whole kind of part."""
    if before.end and not after.end:
        yield "it does not end with `end: true`, the live one does"
    if not after.end:
        yield from _kinds(before, after)
    gone = _parts(before) - _parts(after)
    if len(gone) >= _LEAST and len(gone) > len(_parts(before)) * _SHARE:
        first = ", ".join(f"{what} {name}" for what, name in sorted(gone)[:3])
        yield f"{len(gone)} of the live file's {len(_parts(before))} parts are missing, such as {first}"


def _kinds(before: Site, after: Site) -> Iterator[str]:
    had, has = Counter(_kind_of(before)), Counter(_kind_of(after))
    for kind in sorted(had.keys() - has.keys()):
        yield f"it has no {kind} any more, the live one has {had[kind]}"
    for name in _SETTINGS:
        default = getattr(_BARE, name)
        if getattr(before, name) != default == getattr(after, name):
            yield f"it says nothing of {name} any more"


def _kind_of(site: Site) -> Iterator[str]:
    yield from (f"slot of kind {slot.kind}" for slot in site.slots)
    yield from (f"rule of action {rule.action}" for rule in site.rules)


def _parts(site: Site) -> set[Part]:
    variants = ((f"variant of {s.name}", v.name) for s in site.slots for v in s.variants)
    return {
        *(("slot", slot.name) for slot in site.slots),
        *(("rule", rule.name) for rule in site.rules),
        *(("segment", segment.name) for segment in site.segments),
        *(("template", template.name) for template in site.templates),
        *variants,
    }


_BARE = Site()
