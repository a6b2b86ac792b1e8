"""Affinity of an item to the visitor's interests, and to the page's item and category."""

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.inputs import FeatureInputs
from hemline.learn.array_types import Floats

NAMES = (
    "together",
    "page_together",
    "lift_mean",
    "lift_most",
    "category_share",
    "page_category",
)
_AT = {name: column for column, name in enumerate(NAMES)}
_NO_PAGE = -1.0


def base(out: Floats, _snapshot: Snapshot) -> None:
    """[n items, NAMES] for a page without an item or category."""
    out[:, _AT["page_together"]] = out[:, _AT["page_category"]] = _NO_PAGE


def fill(out: Floats, inputs: FeatureInputs) -> None:
    """[n candidates, NAMES]."""
    snapshot, view, candidates = inputs.snapshot, inputs.view, inputs.candidates
    out[:, _AT["together"]] = view.together.take(candidates)
    # Terms lie along the first axis, so that both reductions run over whole rows of candidates.
    lift = view.lift.take(snapshot.terms_across.take(candidates, axis=1))
    total = np.add.reduce(lift, axis=0)
    out[:, _AT["lift_mean"]] = total / snapshot.term_counts.take(candidates)
    out[:, _AT["lift_most"]] = np.maximum.reduce(lift, axis=0)
    out[:, _AT["category_share"]] = view.category_share[snapshot.main_category.take(candidates)]
    if inputs.page_item >= 0:
        near, weight = snapshot.neighbours
        # A dense row avoids a search per candidate. The padding -1 writes to the extra last place.
        row = np.zeros(len(snapshot.item_ids) + 1, np.float32)
        row[near[inputs.page_item]] = weight[inputs.page_item]
        out[:, _AT["page_together"]] = row[candidates]
    if inputs.page_category >= 0:
        out[:, _AT["page_category"]] = snapshot.main_category[candidates] == inputs.page_category
