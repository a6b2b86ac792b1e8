"""Error texts for refused fragment requests. Imported on the first refusal only."""

from hemline.model.input.refusals import Refusals

_TEXT = "Send a text, or leave it out."
_IDS = 'Send a list of ids, such as ["i1", "i2"], or leave it out.'

BODY = Refusals(
    "body",
    {
        "": 'Send {"page": {"type": …}, "slots": [{"name": …}]}.',
        "format": "Use json, html or email.",
        "slots": 'Send a list of 1 to 20 slots, such as [{"name": "hero"}].',
        "slots.name": "Use the name of a slot of the site file.",
        "slots.limit": "Use 1 to 50.",
        "slots.candidates": _IDS,
        "slots.exclude": _IDS,
        "slots.after": "Send the cursor of the last answer unchanged.",
        "page": 'Send an object, such as {"type": "home", "url": "/"}.',
        **dict.fromkeys(
            ("page.type", "page.url", "page.item", "page.category"),
            _TEXT,
        ),
        **dict.fromkeys(("page.referrer", "page.app_version"), _TEXT),
        **dict.fromkeys(("page.cart", "page.owned", "page.seen"), _IDS),
    },
    {
        "": "A body has page, slots and format.",
        "slots": "A slot has name, limit, candidates, exclude and after.",
        "page": "A page has type, url, item, category, cart, owned, seen, referrer and app_version.",
    },
)
