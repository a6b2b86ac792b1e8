"""The benchmark of rules compares like with like."""

import pytest

from hemline.decide.rules.eligibility import Boosts
from workbench.bench import rules
from workbench.bench.decide import AnswersDiffer


@pytest.mark.parametrize("size", rules.SIZES)
def test_both_variants_allow_the_same_items_and_give_the_same_scores(size: int) -> None:
    ours, theirs = (call() for call in rules._variants(size, 700).values())
    rules._check(ours, theirs)
    assert 0 < sum(theirs[0]) < 700


def test_it_says_so_when_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Boosts, "applied", lambda _self, scores, _items: scores)
    with pytest.raises(AnswersDiffer, match="scores"):
        rules._check(*(call() for call in rules._variants(500, 700).values()))
