"""The variants that a slot may show to one visitor: what content, choice and explanation hand on."""

from collections.abc import Sequence
from typing import NamedTuple

from hemline.model.site.slot import Variant


class EligibleVariants(NamedTuple):
    """What there is to choose from: variants that may be shown, and what facts alone choose of them."""

    allowed: Sequence[Variant]
    usual: Variant | None
    own: bool
    """`usual` speaks for a category of the visitor's own."""
