"""What went wrong in a decision goes wrong again in its replay: the same bytes, from the token alone."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from hemline.decide.token import decode
from hemline.model.decision import Fragment, Visit
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.slot import Slot
from hemline.usecases.receipts.replay import replay
from hemline.usecases.serving.decide_page import Deps, decide
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, catalogue
from tests.builders.receipts import World, receipt, signed
from tests.harness.deciding import acts, ask

ANN = acts("v:ann", ["i1", "i5", "i9"])
MISFIT = Rule("misfit", "boost", when=(Condition("trait.country", "gt", 3),), item="i2")


def world(*rules: Rule) -> World:
    made = World(
        catalogue(24), [Slot("for-you", limit=6)], history=ANN, site_rules=rules, ranker=Once()
    )
    made.arrive(ANN)
    return made


class Once(ScoreByPrice):
    """A ranker that answers with nonsense, then breaks, and then is well."""

    said: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        self.said = count()

    def score(self, matrix: np.ndarray) -> np.ndarray:
        turn = next(self.said)
        if turn == 1:
            raise RuntimeError("out of memory")
        return matrix[:, 0] * (np.nan if turn == 0 else 1)


def same(here: World, fragment: Fragment) -> bool:
    assert here.live.engine
    here.live.engine = here.live.engine._replace(ranker=ScoreByPrice())
    return replay(here.scene(fragment)).fragment.body == fragment.body


@pytest.mark.parametrize("rules", [(), (MISFIT,)])
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_a_ranker_in_any_state_beside_a_rule_that_failed(
    rules: tuple[Rule, ...], turn: int
) -> None:
    here = world(*rules)
    for _ in range(turn + 1):
        fragment = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    assert bool(receipt(fragment).broken) == (turn < 2)
    assert fragment.rung == ("model" if turn == 2 and not rules else "segment")
    assert same(here, fragment)


@pytest.mark.parametrize("rules", [(), (MISFIT,)])
def test_a_deadline_that_passed_then_has_passed(rules: tuple[Rule, ...]) -> None:
    here = world(*rules)
    ticks = count()
    deps = Deps(SITE, here.table, here.live, KEYS, 0.05, lambda: float(next(ticks)))
    fragment = decide(ask("for-you"), Visit("v:ann", None), deps, NOW).fragments["for-you"]
    assert (fragment.rung, receipt(fragment).broken) == ("segment", 1)
    assert same(here, fragment)


def test_lists_that_nobody_could_read_for_want_of_consent_are_unreadable_again() -> None:
    here = world()
    question = ask("for-you", owned=("i1",), seen=("i2",))
    fragment = here.decide(question, Visit("v:ann", consent=False)).fragments["for-you"]
    assert not replay(here.scene(fragment)).differences
    assert b"i1" not in str(decode(signed(fragment), KEYS).request).encode()
