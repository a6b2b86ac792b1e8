"""The eligible variants of a slot for one visitor, as content, learned choice and explanation share them."""

from collections.abc import Sequence
from typing import NamedTuple

from hemline.model.site.slot import Variant


class EligibleVariants(NamedTuple):
    """Variants that may be shown, and the one that facts alone choose."""

    allowed: Sequence[Variant]
    """In the order of the site file."""
    usual: Variant | None
    """The one that facts alone choose; None when no variant may be shown."""
    own: bool
    """`usual` speaks for a category of the visitor's own."""
