"""Colours and strokes that all drawings share: palette, light, lines, shadows.

The canvas is 400 by 480; things stand on y = 396, and the light comes from the upper left.
"""

# ruff: noqa: E501 - a path reads best as one line

from collections.abc import Mapping
from typing import NamedTuple

WIDTH, HEIGHT, FLOOR = 400, 480, 396

PALETTE: Mapping[str, str] = {
    "sage": "#94a789",
    "clay": "#c27355",
    "ink": "#35455f",
    "chalk": "#efeae0",
    "oat": "#dcc9a6",
    "sky": "#93b3c8",
    "rose": "#d6a49d",
    "mustard": "#d3a13f",
    "charcoal": "#474548",
    "moss": "#66744d",
    "plum": "#74475f",
    "oak": "#c79a67",
    "walnut": "#76503a",
    "brass": "#c6a453",
}
"""The shop's colours, by the word that the catalogue uses."""

_WALLS: Mapping[str, tuple[str, str]] = {
    "sage": ("#f1e7da", "#e3d3bf"),
    "clay": ("#dfe4df", "#cbd3cb"),
    "ink": ("#ecdfd0", "#dccab5"),
    "chalk": ("#c3ccbf", "#adb9a9"),
    "oat": ("#b9c4c6", "#a4b1b4"),
    "sky": ("#f3e8dc", "#e6d6c3"),
    "rose": ("#e9e6dc", "#d8d3c4"),
    "mustard": ("#d8dfe1", "#c3cdd1"),
    "charcoal": ("#ebe3d6", "#dacdba"),
    "moss": ("#f2e6dc", "#e5d3c4"),
    "plum": ("#ece5d8", "#dbd0bc"),
    "oak": ("#d9dfd6", "#c6cfc3"),
    "walnut": ("#e7e2d6", "#d5cdbb"),
    "brass": ("#d3d9d4", "#bfc8c1"),
}
"""Colour of a thing → wall and table that set it off."""


class Ink(NamedTuple):
    """One colour in three strengths, and a paler accent for what is left unglazed."""

    base: str
    deep: str
    pale: str
    accent: str


def ink(colour: str) -> Ink:
    """The strengths of one of the palette's colours."""
    base = PALETTE[colour]
    light = luminance(base) > 0.62
    accent = mix(base, "#8a6a4e", 0.55) if light else "#e9dfcd"
    return Ink(base, mix(base, "#1d1a1c", 0.32), mix(base, "#ffffff", 0.4), accent)


def wall(colour: str) -> tuple[str, str]:
    """Wall and table for a thing of this colour."""
    return _WALLS[colour]


def mix(one: str, other: str, share: float) -> str:
    """`#rrggbb` between two colours; share 0 is `one`, 1 is `other`."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def luminance(colour: str) -> float:
    """Perceived lightness, 0 to 1, good enough to tell a pale colour from a deep one."""
    red, green, blue = _channels(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


DEFINITIONS = """<defs>
<linearGradient id="side" x1="0" x2="1"><stop offset="0" stop-color="#fff" stop-opacity=".16"/>
<stop offset=".22" stop-color="#fff" stop-opacity=".2"/><stop offset=".5" stop-color="#fff" stop-opacity="0"/>
<stop offset="1" stop-color="#1a1216" stop-opacity=".3"/></linearGradient>
<radialGradient id="ball" cx=".34" cy=".26" r=".85"><stop offset="0" stop-color="#fff" stop-opacity=".42"/>
<stop offset=".42" stop-color="#fff" stop-opacity="0"/>
<stop offset="1" stop-color="#1a1216" stop-opacity=".34"/></radialGradient>
<linearGradient id="down" x2="0" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".2"/>
<stop offset=".45" stop-color="#fff" stop-opacity="0"/>
<stop offset="1" stop-color="#1a1216" stop-opacity=".26"/></linearGradient>
<radialGradient id="shadow"><stop offset="0" stop-color="#231a18" stop-opacity=".42"/>
<stop offset=".55" stop-color="#231a18" stop-opacity=".17"/><stop offset="1" stop-color="#231a18" stop-opacity="0"/>
</radialGradient>
<radialGradient id="glow"><stop offset="0" stop-color="#fff3cf" stop-opacity=".95"/>
<stop offset=".4" stop-color="#ffe2a0" stop-opacity=".4"/><stop offset="1" stop-color="#ffdf9a" stop-opacity="0"/>
</radialGradient>
<radialGradient id="air" cx=".3" cy=".12" r="1"><stop offset="0" stop-color="#fff" stop-opacity=".5"/>
<stop offset=".6" stop-color="#fff" stop-opacity="0"/></radialGradient></defs>"""


def solid(path: str, colour: str, light: str = "side") -> str:
    """A lit body: the colour, then the light over it."""
    return f'<path d="{path}" fill="{colour}"/><path d="{path}" fill="url(#{light})"/>'


def stroke(path: str, colour: str, width: float, extra: str = "") -> str:
    """A line with round ends."""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
        f' stroke-linecap="round" stroke-linejoin="round"{extra}/>'
    )


def tube(path: str, colour: str, width: float) -> str:
    """A round bar: handles, spouts, legs. The light runs along its upper left."""
    shine = f' opacity=".28" transform="translate({-width * 0.16:g} {-width * 0.16:g})"'
    return stroke(path, colour, width) + stroke(path, "#fff", width * 0.28, shine)


def oval(x: float, y: float, rx: float, ry: float, fill: str, extra: str = "") -> str:  # noqa: PLR0913, PLR0917 - an ellipse is that many numbers
    """An ellipse."""
    return f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}" fill="{fill}"{extra}/>'


def ground(x: float, width: float, y: float = FLOOR, depth: float = 16) -> str:
    """The soft shadow under a thing that stands at `x`, falling to the right."""
    far = oval(x + width * 0.16, y + 2, width * 0.78, depth * 1.25, "url(#shadow)")
    return far + oval(x, y, width * 0.52, depth * 0.5, "url(#shadow)")


def shine(path: str, width: float = 7, strength: float = 0.4) -> str:
    """The reflection of a window on glaze."""
    return stroke(path, "#fff", width, f' opacity="{strength:g}"')
