"""Where the comparisons of a site file stand, and which of them make an answer private."""

from collections.abc import Iterator, Sequence

from hemline.decide.facts.facts import scope_of
from hemline.decide.rules.conditions import Segments, segment_of
from hemline.model.decision import Scope
from hemline.model.site.rule import Condition, Every, Not, Some, When, leaves
from hemline.sitefile.nodes import Path

_BRANCH = {Every: "all", Some: "any"}
_MOST_NESTED = 8


def placed(conditions: Sequence[When], at: Path) -> Iterator[tuple[Path, Condition]]:
    """The comparisons of a tree, each with its place in the file."""
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
    """Whether a condition on it makes an answer private; of a segment, whether any fact in it does."""
    name = segment_of(fact)
    if name is None:
        return scope_of(fact) is Scope.VISITOR
    # Segments that name each other are told elsewhere.
    inner = leaves(segments[name].when) if name in segments and depth < _MOST_NESTED else ()
    return any(is_personal(one.fact, segments, depth + 1) for one in inner)
