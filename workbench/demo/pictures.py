"""Every picture of the shop as SVG text: one for each item, and the opening scenes of the home page.

Deterministic: a picture is a function of an item's id. Served at /pictures/<name>.svg.
"""

from collections.abc import Callable, Mapping
from functools import cache

from workbench.demo.catalogue import CATEGORIES, designs
from workbench.demo.drawing import room, shelf, table
from workbench.demo.drawing.brush import (
    DEFINITIONS,
    FLOOR,
    HEIGHT,
    WIDTH,
    Ink,
    ink,
    luminance,
    wall,
)

Drawing = Callable[[Ink, str], str]

FORMS: Mapping[str, Drawing] = {
    "round": table.round_teapot,
    "tall": table.tall_teapot,
    "low": table.low_teapot,
    "mug": table.mug,
    "tumbler": table.tumbler,
    "espresso": table.espresso,
    "bowl": table.bowl,
    "plate": table.plate,
    "stack": table.stack,
    "bottle": table.bottle_vase,
    "gourd": table.gourd_vase,
    "cylinder": table.cylinder_vase,
    "pillars": table.pillars,
    "taper": table.taper,
    "jar": table.jar,
    "table": room.table_lamp,
    "mushroom": room.mushroom_lamp,
    "pendant": room.pendant,
    "spindle": room.spindle_chair,
    "stool": room.stool,
    "armchair": room.armchair,
    "square": room.square_cushion,
    "bolster": room.bolster,
    "throw": room.throw,
    "rubber": shelf.rubber_plant,
    "snake": shelf.snake_plant,
    "cactus": shelf.cactus,
    "trailing": shelf.trailing,
    "wall": shelf.wall_clock,
    "mantel": shelf.mantel_clock,
    "alarm": shelf.alarm_clock,
}
"""Form of a design → what draws it."""

HANGING = frozenset({"pendant", "wall"})
_CLOSE_UP: Mapping[str, float] = {
    "mug": 0.76,
    "tumbler": 0.76,
    "espresso": 0.78,
    "bowl": 0.8,
    "bolster": 0.84,
    "throw": 0.86,
    "jar": 0.84,
    "stack": 0.86,
    "round": 0.92,
}
"""Small things are seen from nearer: the share of the canvas that their picture shows."""
SCENES: Mapping[str, str] = {
    "house": "orla-mug-sage orla-teapot-clay heron-bottle-vase-charcoal",
    "teapots": "birch-mug-rose orla-teapot-sage fell-enamel-pot-chalk",
    "cups": "iri-tea-cup-moss orla-mug-clay corso-espresso-cup-mustard",
    "bowls": "tarn-nesting-bowls-clay orla-dinner-plate-sky orla-bowl-sage",
    "vases": "marl-gourd-vase-moss heron-bottle-vase-oat reed-tall-vase-mustard",
    "candles": "skep-pillar-candles-oat gant-taper-and-holder-clay hedgerow-jar-candle-plum",
    "lamps": "lumen-table-lamp-clay button-mushroom-lamp-mustard ledge-mantel-clock-walnut",
    "chairs": "ash-spindle-chair-charcoal lull-armchair-moss perch-stool-oak",
    "cushions": "fold-lambswool-throw-mustard loam-linen-cushion-clay drift-bolster-plum",
    "plants": "pilo-column-cactus-clay sansa-snake-plant-charcoal hoya-trailing-hoya-plum",
    "clocks": "rouse-alarm-clock-rose ledge-mantel-clock-moss gant-brass-candlestick-brass",
}
"""Scene → the items on its table, from left to right."""

_SCENE_WALLS: Mapping[str, tuple[str, str]] = {
    "house": ("#e6dccb", "#cfbfa6"),
    "teapots": ("#e3dccf", "#cbbda8"),
    "cups": ("#dfe3df", "#c5cdc6"),
    "bowls": ("#e9dfd3", "#d3c2ae"),
    "vases": ("#d5dbdc", "#bcc6c8"),
    "candles": ("#5a5157", "#453d43"),
    "lamps": ("#4d5560", "#3c434d"),
    "chairs": ("#e4ddd0", "#ccbfab"),
    "cushions": ("#dcdfd8", "#c3c9be"),
    "plants": ("#efe3d6", "#dac8b3"),
    "clocks": ("#dde1de", "#c4cbc7"),
}
_SCENE_WIDTH, _SCENE_HEIGHT, _SCENE_CLEAR = 1500, 640, 600
"""Pixels; the left `_SCENE_CLEAR` of a scene stay empty for the text over it."""


def item_picture(key: str) -> str:
    """The picture of one item. Raises KeyError when the catalogue has no such item."""
    design, colour = designs()[key], key.rsplit("-", 1)[1]
    wall_colour, floor = wall(colour)
    level = HEIGHT + 1 if design.form in HANGING else 338
    ground = "" if level > HEIGHT else f'<path d="M0 {level}H{WIDTH}V{HEIGHT}H0Z" fill="{floor}"/>'
    share = _CLOSE_UP.get(design.form, 1.0)
    width, height = WIDTH * share, HEIGHT * share
    return _svg(
        ((WIDTH - width) / 2, FLOOR - height * FLOOR / HEIGHT, width, height),
        f'<path d="M0 0H{WIDTH}V{HEIGHT}H0Z" fill="{wall_colour}"/>{ground}'
        f'<path d="M0 0H{WIDTH}V{HEIGHT}H0Z" fill="url(#air)"/>'
        + FORMS[design.form](ink(colour), design.surface),
    )


def scene(name: str) -> str:
    """A wide still life. Raises KeyError when there is no such scene."""
    wall_colour, floor = _SCENE_WALLS[name]
    things = SCENES[name].split()
    step = (_SCENE_WIDTH - _SCENE_CLEAR - 60) / len(things)
    drawn = "".join(
        _placed(key, _SCENE_CLEAR + step * (n + 0.5), n) for n, key in enumerate(things)
    )
    whole = f"M0 0H{_SCENE_WIDTH}V{_SCENE_HEIGHT}H0Z"
    return _svg(
        (0, 0, _SCENE_WIDTH, _SCENE_HEIGHT),
        f'<path d="{whole}" fill="{wall_colour}"/>'
        f'<path d="M0 476H{_SCENE_WIDTH}V{_SCENE_HEIGHT}H0Z" fill="{floor}"/>'
        f'<path d="{whole}" fill="url(#air)" opacity="{0.9 if luminance(wall_colour) > 0.5 else 0.25}"/>'
        + drawn,
    )


def _placed(key: str, x: float, number: int) -> str:
    design = designs()[key]
    drawn = FORMS[design.form](ink(key.rsplit("-", 1)[1]), design.surface)
    scale = (1.1, 1.22, 1.06)[number % 3]
    y = (552, 580, 560)[number % 3] - FLOOR * scale
    # Ids of clip paths come from their position, so two things of one scene may share one: prefix them.
    named = drawn.replace('id="c', f'id="s{number}c').replace("url(#c", f"url(#s{number}c")
    return f'<g transform="translate({x - 200 * scale:.1f} {y:.1f}) scale({scale})">{named}</g>'


def _svg(view: tuple[float, float, float, float], content: str) -> str:
    x, y, width, height = view
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:g} {y:g} {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}">{DEFINITIONS}{content}</svg>'
    )


@cache
def picture(name: str) -> str | None:
    """`<item id>` or `scene-<name>` → SVG; None when there is no such picture."""
    if name in designs():
        return item_picture(name)
    kind, _, rest = name.partition("-")
    return scene(rest) if kind == "scene" and rest in SCENES else None


def names() -> list[str]:
    """Every picture there is."""
    return [*designs(), *(f"scene-{name}" for name in ("house", *CATEGORIES))]
