"""One thing that a review of a site has to say."""

from typing import Literal, NamedTuple

Path = tuple[str | int, ...]
"""A place in a site: `("rules", 3, "when", 0)`."""
Severity = Literal["error", "warning", "note"]
"""error: it can never do what it says, whatever the catalogue and the time. warning: it does not now,
or not where somebody may expect it. note: worth knowing."""


class Remark(NamedTuple):
    """`code` names its kind for machines; `problem` and `way_out` are sentences."""

    path: Path
    severity: Severity
    code: str
    problem: str
    way_out: str
