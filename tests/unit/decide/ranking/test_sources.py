"""Every source of candidates that a site file can name has its rows: how it finds, and its share."""

from typing import get_args

from hemline.decide.ranking.candidates import PERSONAL, SHARES, SOURCES
from hemline.model.site.rule import Source


def test_every_source_finds_candidates_and_has_a_share() -> None:
    # A missing row would be a KeyError in a decision, which the ladder turns into a lower rung.
    named = set(get_args(Source))
    assert set(SOURCES) == named
    assert named <= set(SHARES)


def test_what_reads_the_visitor_is_one_of_them() -> None:
    assert set(SOURCES) >= PERSONAL
