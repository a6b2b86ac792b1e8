"""How deep an invariant is searched: a thousand examples, a hundred thousand by `make soak`.

And whether that is enough: a bug that is put in must be found by as many as CI takes.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from hemline.model.errors import HemlineError

CI = 1000
INVARIANT = settings(max_examples=max(CI, settings.default.max_examples if settings.default else 0))
"""Of a property marked `invariant`."""
_QUICK = settings(max_examples=CI, phases=(Phase.generate,), database=None)

T = TypeVar("T")


def finds(cases: SearchStrategy[T], wrong: Callable[[T], object]) -> bool:
    """Whether CI's number of examples finds a case that is wrong, or that is refused.

    Up to three searches, each of CI's size: hypothesis also draws the constants of whatever modules are
    loaded, so that one seed looks at other cases when other tests were collected before.
    """

    def is_wrong(case: T) -> bool:
        try:
            return bool(wrong(case))
        except HemlineError:
            return True

    return any(_found(cases, is_wrong, Random(seed)) for seed in (1, 2, 3))


def _found(cases: SearchStrategy[T], wrong: Callable[[T], bool], random: Random) -> bool:
    try:
        find(cases, wrong, settings=_QUICK, random=random)
    except NoSuchExample:
        return False
    return True
