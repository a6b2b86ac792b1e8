"""The places of comparisons in a site file, and which of them make an answer private."""

from collections.abc import Iterator, Sequence

from hemline.decide.facts.facts import scope_of
from hemline.decide.rules.conditions import Segments, segment_of
from hemline.model.decision import Scope
from hemline.model.site.rule import Condition, Every, Not, Some, When, leaves
from hemline.sitefile.nodes import Path

_BRANCH = {Every: "all", Some: "any"}
_MOST_NESTED = 8
"""Levels of segments in segments. The bound ends the recursion where segments name each other."""


def placed(conditions: Sequence[When], at: Path) -> Iterator[tuple[Path, Condition]]:
    """The comparisons in a tree of conditions, each with its place in the file."""
    for n, one in enumerate(conditions):
        yield from _placed(one, (*at, n))


def _placed(one: When, at: Path) -> Iterator[tuple[Path, Condition]]:
    if isinstance(one, Condition):
        yield at, one
    elif isinstance(one, Not):
        yield from _placed(one.of, (*at, "not"))
    else:
        yield from placed(one.of, (*at, _BRANCH[type(one)]))


def is_personal(fact: str, segments: Segments, depth: int = 0) -> bool:
    """Whether reading the fact makes an answer private. For a segment: whether any of its facts does."""
    name = segment_of(fact)
    if name is None:
        return scope_of(fact) is Scope.VISITOR
    # `names` reports segments that name each other.
    inner = leaves(segments[name].when) if name in segments and depth < _MOST_NESTED else ()
    return any(is_personal(one.fact, segments, depth + 1) for one in inner)
