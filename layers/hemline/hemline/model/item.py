"""An item: a thing that can be shown, as the catalogue states it."""

import msgspec


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a site's catalogue. `stock` None means unknown, which counts as available."""

    id: str
    kind: str = "product"
    title: str = ""
    url: str = ""
    image: str = ""
    price: float | None = None
    currency: str = ""
    categories: tuple[str, ...] = ()
    """Most general first; the first one is the item's main category."""
    tags: tuple[str, ...] = ()
    attributes: dict[str, str | float | bool] = {}
    stock: int | None = None
    published_at: int | None = None
    """Epoch milliseconds."""

    @property
    def sold_out(self) -> bool:
        """No stock is left. A stock below 0 is oversold, so sold out as well."""
        return self.stock is not None and self.stock <= 0
