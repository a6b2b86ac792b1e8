"""The shop's pages: pure functions from the catalogue to HTML, and the routes that serve them.

Every page is the same for all visitors and cacheable anywhere: no cookies, no personal data. The snippet
loads personal content into the `<hem-slot>`s. Their default content is rendered here, with the same cards
and variants as in the fragments API. Nothing is loaded from other origins (strict CSP).
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path

import msgspec
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hemline.decide.render.cards import html_card, price_text
from hemline.decide.render.web import CARD_END, variant_html
from hemline.model.decision import PageContext
from hemline.model.durations import DAY_SECONDS
from hemline.model.ids import hash64
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.sitefile.reader import check
from workbench.demo import sign_in
from workbench.demo.catalogue import CATEGORIES, CURRENCY, SHOP, TOGETHER, by_id, in_category
from workbench.demo.pictures import picture
from workbench.demo.sign_in import PEOPLE
from workbench.laptop import ROOT

FOLDER = Path(__file__).parent
_PAGE_AGE, _ASSET_AGE, _PICTURE_AGE = 60, 60, DAY_SECONDS
_ROW, _PARTNERS = 8, 4

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Headers of every response of the shop."""

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@cache
def site() -> Site:
    """The shop's site file, compiled. Raises ValueError when it has mistakes."""
    path = FOLDER / "site.yaml"
    checked = check(path.read_text(encoding="utf-8"))
    if checked.site is None:
        raise ValueError("\n".join(finding.text(str(path)) for finding in checked.findings))
    return checked.site


def home() -> str:
    """The front page."""
    slots = {slot.name: slot for slot in site().slots}
    hero = slots["hero"]
    opening = next(v for v in hero.variants if v.name in hero.fallback)
    return _page(
        "home.html",
        PageContext(type="home"),
        hero=Markup(variant_html(hero, opening).decode()),  # noqa: S704 - escaped by the renderer
        faces={key: on_sale_first(key)[0].id for key in CATEGORIES},
        loved=[by_id()[key] for key in slots["bestsellers"].fallback],
        shelves=shelves(),
    )


def category(key: str) -> str | None:
    """The page of a category; None when it is unknown."""
    if key not in CATEGORIES:
        return None
    title, line = CATEGORIES[key]
    items = on_sale_first(key)
    page = PageContext(type="category", category=key)
    return _page("category.html", page, title=title, line=line, items=items)


def item(key: str) -> str | None:
    """The page of an item; None when it is unknown."""
    found = by_id().get(key)
    if found is None:
        return None
    return _page(
        "item.html",
        PageContext(type="item", item=key, category=found.categories[0]),
        item=found,
        text=description(found),
        alt=f"Drawing: {found.title}",
        on_sale=on_sale(found),
        siblings=_siblings(found),
        partners=partners(found),
    )


def cart() -> str:
    """The page of the cart, whose content is only in the browser."""
    return _page("cart.html", PageContext(type="cart"), shelves=shelves())


def your_data() -> str:
    """The page where people see what is stored about them and change their consent."""
    row = PageContext(type="your-data")
    return _page("your-data.html", row, people=PEOPLE, shelves=shelves()[:_PARTNERS])


def missing() -> str:
    """The 404 page."""
    return _page("missing.html", PageContext(type="missing"))


def on_sale(found: Item) -> bool:
    """Whether an item is in stock and not blocked by an unconditional rule."""
    blocked = {r.item for r in site().rules if r.action == "block" and not r.when and not r.slots}
    return not found.sold_out and found.id not in blocked


def on_sale_first(key: str) -> list[Item]:
    """A category's items on sale, in a hash order that mixes its designs."""
    items = [found for found in in_category(key) if on_sale(found)]
    return sorted(items, key=lambda found: hash64(f"shelf {found.id}"))


def shelves() -> list[Item]:
    """Default content of the personal row: one item of each of eight categories."""
    return [on_sale_first(key)[1] for key in CATEGORIES][:_ROW]


def partners(found: Item) -> list[Item]:
    """Default content of what goes with an item: its collection first, then partner categories."""
    own, collection = found.categories[0], found.attributes["collection"]
    others = [other for other in by_id().values() if other.categories[0] != own and on_sale(other)]

    def distance(other: Item) -> tuple[bool, bool, bool, int]:
        near = other.categories[0] in TOGETHER[own]
        colour = other.attributes["colour"] == found.attributes["colour"]
        same = other.attributes["collection"] == collection
        return not (same and colour), not (near and colour), not (same or near), hash64(other.id)

    return sorted(others, key=distance)[:_PARTNERS]


_SAYINGS: Mapping[str, str] = {
    "teapots": "Pours without a drip and keeps its heat through a second cup.",
    "cups": "The handle takes two fingers or three, and the lip is thin enough to forget.",
    "bowls": "Made to be used every day: it stacks, and it goes into oven and dishwasher.",
    "vases": "Heavy at the foot, so that one tall branch will not tip it.",
    "candles": "Burns evenly and without smoke; trim the wick, and it lasts for weeks of evenings.",
    "lamps": "A warm, low light for reading beside, with a cloth-covered cord and a switch you can find.",
    "chairs": "Joined by hand and oiled, with a seat that is comfortable for as long as the talk goes on.",
    "cushions": "Washed before it leaves the mill, so that it is soft from the first day.",
    "plants": "Comes grown in and potted; give it a bright corner, and water it when you think of it.",
    "clocks": "A silent sweep movement that runs two years on one battery.",
}


def description(found: Item) -> str:
    """Two sentences about an item."""
    material, colour = found.attributes["material"], found.attributes["colour"]
    return f"{str(material).capitalize()} in {colour}. {_SAYINGS[found.categories[0]]}"


def _siblings(found: Item) -> list[Item]:
    design = found.id.rsplit("-", 1)[0]
    return [other for other in by_id().values() if other.id.rsplit("-", 1)[0] == design]


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(FOLDER / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.globals |= {"shop": SHOP, "categories": CATEGORIES, "card": _card, "price": _price}
    return made


def _page(template: str, page: PageContext, **values: object) -> str:
    return _templates().get_template(template).render(page=page, **values)


def _card(found: Item) -> Markup:
    return Markup((html_card(found) + CARD_END).decode())  # noqa: S704 - escaped by the renderer


def _price(found: Item) -> str:
    return price_text(found.price or 0.0, CURRENCY)


def routes() -> list[web.RouteDef]:
    """The routes of the shop, for an aiohttp application."""
    return [
        web.get("/", _html(lambda _: home())),
        web.get("/category/{key}", _html(lambda request: category(request.match_info["key"]))),
        web.get("/item/{key}", _html(lambda request: item(request.match_info["key"]))),
        web.get("/cart", _html(lambda _: cart())),
        web.get("/your-data", _html(lambda _: your_data())),
        web.get("/titles.json", _titles),
        web.get("/hemline.js", _edge("hemline.js")),
        web.get("/hemline-alerts.js", _edge("hemline-alerts.js")),
        web.get("/assets/{name}", _asset),
        web.get("/pictures/{name}.svg", _picture),
        *sign_in.routes(),
    ]


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _html(make: Callable[[web.Request], str | None]) -> Handler:
    async def serve(request: web.Request) -> web.Response:
        text = make(request)
        status = 200 if text is not None else 404
        return _answer(text or missing(), "text/html", _PAGE_AGE, status)

    return serve


def _edge(name: str) -> Handler:
    async def serve(_request: web.Request) -> web.Response:
        text = (ROOT / "edge" / name).read_text(encoding="utf-8")
        return _answer(text, "text/javascript", _ASSET_AGE)

    return serve


async def _titles(_request: web.Request) -> web.Response:
    titles = {found.id: found.title for found in by_id().values()}
    return _answer(msgspec.json.encode(titles).decode(), "application/json", _ASSET_AGE)


async def _asset(request: web.Request) -> web.Response:
    # Looked up in a listing: a path from a client is never joined to a local one.
    found = {path.name: path for path in (FOLDER / "assets").iterdir()}
    path = found.get(request.match_info["name"])
    if path is None:
        return _answer(missing(), "text/html", _ASSET_AGE, 404)
    return _answer(path.read_text(encoding="utf-8"), _TYPES[path.suffix], _ASSET_AGE)


async def _picture(request: web.Request) -> web.Response:
    found = picture(request.match_info["name"])
    if found is None:
        return _answer(missing(), "text/html", _PAGE_AGE, 404)
    return _answer(found, "image/svg+xml", _PICTURE_AGE)


def _answer(text: str, kind: str, age: int, status: int = 200) -> web.Response:
    headers = {**HEADERS, "Cache-Control": f"public, max-age={age}"}
    return web.Response(
        text=text, content_type=kind, charset="utf-8", status=status, headers=headers
    )
