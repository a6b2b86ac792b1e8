"""Reports prices in a currency without a rate in the site file: they cannot be compared."""

from collections.abc import Iterator, Sequence

from hemline.decide.rules.masks import PREFIX
from hemline.model.item import Item
from hemline.model.site.rule import Condition, leaves
from hemline.model.site.site import Site
from hemline.sitefile.review.remark import Remark

_EXAMPLES = 3
_OF_PRICES = frozenset(
    {"page.item_price", "cart.value", "visitor.lifetime_value", f"{PREFIX}price"}
)


def rates(site: Site, items: Sequence[Item]) -> Iterator[Remark]:
    """An error if the site compares prices; otherwise a warning, because a ranker reads prices too."""
    for currency, names in site.money.without_rate(items).items():
        more = ", …" if len(names) > _EXAMPLES else ""
        told = f"{', '.join(names[:_EXAMPLES])}{more}"
        problem = (
            f"{len(names)} items ({told}) are priced in {currency}, which has no rate: their prices"
            f" cannot be compared with those in {site.currency}."
        )
        way_out = f"Say what one {currency} is worth in {site.currency} under `rates`."
        if _compares(site):
            yield Remark(("rates",), "error", "no-rate", problem, way_out)
        else:
            yield Remark(("rates",), "warning", "no-rate", problem, way_out)


def _compares(site: Site) -> bool:
    named = {rule.attribute for rule in site.rules if rule.compares or rule.action in _GROUPING}
    named |= {cap.attribute for cap in site.page_caps}
    return "price" in named or any(one.fact in _OF_PRICES for one in _conditions(site))


_GROUPING = frozenset({"cap", "apart"})


def _conditions(site: Site) -> Iterator[Condition]:
    for rule in site.rules:
        yield from leaves((*rule.when, *rule.where))
    for segment in site.segments:
        yield from leaves(segment.when)
    for slot in site.slots:
        for variant in slot.variants:
            yield from leaves(variant.when)
