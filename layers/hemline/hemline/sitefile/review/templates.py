"""Reports templates that no slot uses."""

from collections.abc import Iterator

from hemline.model.site.site import Site
from hemline.sitefile.review.remark import Remark


def templates(site: Site) -> Iterator[Remark]:
    """A warning for each unused template."""
    used = {slot.template for slot in site.slots}
    for place, template in enumerate(site.templates):
        if template.name not in used:
            problem = f"no slot uses template {template.name}."
            way_out = "Name it in a slot's `template`, or remove it."
            yield Remark(("templates", place), "warning", "unused-template", problem, way_out)
