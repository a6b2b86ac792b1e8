"""The elements and attributes that a template may write, and where. Allowlists: new ones are refused.

The nesting rules make a browser keep the written tree: it closes or moves no element because of
what is inside it.
"""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = frozenset({"br", "hr", "img", "input", "source", "wbr"})
RAW = frozenset({"script", "style"})
"""Their text holds neither markup nor character references."""
RCDATA = frozenset({"title", "textarea"})
"""Their text holds character references but no markup."""
SHAPES = frozenset({"g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"})
_PHRASES = _words(
    "a abbr b bdi bdo button cite code data del dfn em i ins kbd label mark meter output picture"
    " progress q s samp small span strong sub sup svg time u var video audio"
)
_BLOCKS = _words(
    "address article aside blockquote details dialog div dl fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary table ul"
)
PARENTS: Mapping[str, frozenset[str]] = {
    "li": frozenset({"ul", "ol", "menu"}),
    "dt": frozenset({"dl"}),
    "dd": frozenset({"dl"}),
    "source": frozenset({"picture", "video", "audio"}),
    "legend": frozenset({"fieldset"}),
    "caption": frozenset({"table"}),
    **dict.fromkeys(("thead", "tbody", "tfoot"), frozenset({"table"})),
    "tr": frozenset({"thead", "tbody", "tfoot"}),
    **dict.fromkeys(("td", "th"), frozenset({"tr"})),
    "option": frozenset({"select"}),
    **dict.fromkeys(SHAPES, SHAPES | {"svg"}),
}
"""Element → the parents it may stand directly in."""
CHILDREN: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("ul", "ol", "menu"), frozenset({"li"})),
    "dl": frozenset({"dt", "dd"}),
    "table": frozenset({"caption", "thead", "tbody", "tfoot"}),
    **dict.fromkeys(("thead", "tbody", "tfoot"), frozenset({"tr"})),
    "tr": frozenset({"td", "th"}),
    "select": frozenset({"option"}),
    "option": frozenset(),
    "svg": SHAPES,
    **dict.fromkeys(SHAPES, SHAPES),
}
"""Element → the only children it may have. Of these only `option` may hold text."""
ELEMENTS = VOID | RAW | RCDATA | SHAPES | _PHRASES | _BLOCKS | PARENTS.keys() | {"select"}
_NOT_IN_THEMSELVES = frozenset({"a", "button", "form", "label", "select", "textarea"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def may_stand(name: str, parents: tuple[str, ...]) -> str:
    """Why an element may not stand there, or nothing; `parents` from the outside in."""
    inner = parents[-1] if parents else ""
    if name in PARENTS and inner not in PARENTS[name]:
        return f"<{name}> stands directly in {' or '.join(f'<{p}>' for p in sorted(PARENTS[name]))}"
    if inner in CHILDREN and name not in CHILDREN[inner]:
        inside = ", ".join(f"<{child}>" for child in sorted(CHILDREN[inner])) or "text"
        return f"<{inner}> holds nothing but {inside}"
    if name in _NOT_IN_THEMSELVES and name in parents:
        return f"<{name}> may not stand within <{name}>"
    if name in _HEADINGS and inner in _HEADINGS:
        return f"<{name}> may not stand in <{inner}>"
    if name in _BLOCKS and "p" in parents:
        return f"<{name}> ends a paragraph: it may not stand within <p>"
    return ""


URLS = _words("href src action formaction poster cite data background longdesc manifest ping icon")
_TEXTS = _words(
    "abbr alt class colspan datetime height label lang max min placeholder role rowspan title"
    " value width"
)
_CARRIED = {"data-href": "href", "data-src": "src", "data-url": "href", "data-srcset": "srcset"}
"""Attributes that scripts usually copy into a URL attribute; they get its escaping."""
IDENTITIES = frozenset({"id", "name", "for"})
"""Attributes whose value, if it were data alone, could collide with a name of the page."""
_NEVER = frozenset({"srcdoc", "is", "nonce", "slot"})


def refused(attribute: str) -> str:
    """Why no template may have the attribute at all, or nothing."""
    if attribute.startswith("on"):
        return f"{attribute} holds code: a template holds none. Listen for it in the page's script."
    if attribute in _NEVER or ":" in attribute:
        return f"{attribute} is no attribute for a template. Leave it out."
    return ""


def context_of(attribute: str) -> str:
    """`url`, `srcset`, `identity` or `attribute`; empty where no data may stand."""
    attribute = _CARRIED.get(attribute, attribute)
    if attribute in URLS:
        return "url"
    if attribute == "srcset":
        return "srcset"
    if attribute in IDENTITIES:
        return "identity"
    plain = attribute in _TEXTS or attribute.startswith(("data-", "aria-"))
    return "attribute" if plain else ""
