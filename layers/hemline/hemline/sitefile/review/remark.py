"""One remark of a site review."""

from typing import Literal, NamedTuple

Path = tuple[str | int, ...]
"""A place in a site: `("rules", 3, "when", 0)`."""
Severity = Literal["error", "warning", "note"]
"""error: the part can never work, with any catalogue at any time. warning: it does not work now, or not
where its author may expect it. note: worth knowing."""


class Remark(NamedTuple):
    """`code` is the kind of remark, for programs; `problem` and `way_out` are sentences."""

    path: Path
    severity: Severity
    code: str
    problem: str
    way_out: str
