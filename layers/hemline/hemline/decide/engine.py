"""What decisions are made with: an edition once it is loaded, its ranker, and how healthy that is."""

from collections.abc import Callable
from typing import NamedTuple

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ladder import Ranker, nothing_in_the_way
from hemline.decide.ranking.observed import Watch
from hemline.decide.rules.eligibility import Rules
from hemline.model.site.slot import Slot


class Engine(NamedTuple):
    """A loaded edition, ready to decide."""

    snapshot: Snapshot
    rules: Rules
    ranker: Ranker | None
    """None: the model rung is skipped."""
    watch: Watch | None = None
    """Observer of how each list was filled, for explanations, which decide again; None otherwise."""
    obstacle: Callable[[Slot], str] = nothing_in_the_way
    """Why the ranker must not be called for a slot now (empty: it may); set by a use case with a clock."""
    late: Callable[[Slot], str] = nothing_in_the_way
    """By how much the latest scores were late for the slot; empty when they were in time."""
