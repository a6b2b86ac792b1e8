"""What covers a body: glaze, bands, ribs, speckles, weave; and the body that wears it."""

# ruff: noqa: E501 - a path reads best as one line

from collections.abc import Callable, Mapping
from typing import NamedTuple

from workbench.demo.drawing.brush import Ink, oval, stroke


class Box(NamedTuple):
    """Where a body lies, for the surface that covers it."""

    left: float
    top: float
    right: float
    bottom: float


def _plain(_box: Box, _colour: Ink) -> str:
    return ""


def _dipped(box: Box, colour: Ink) -> str:
    y = box.bottom - (box.bottom - box.top) * 0.34
    third = (box.right - box.left) / 3
    wave = f"M{box.left:g} {y:g}q{third / 2:g} -9 {third:g} 0t{third:g} 0t{third:g} 0V{box.bottom + 9:g}H{box.left:g}z"
    return f'<path d="{wave}" fill="{colour.accent}"/>'


def _banded(box: Box, colour: Ink) -> str:
    height, width = box.bottom - box.top, box.right - box.left
    rows = ((0.2, 0.045), (0.3, 0.02), (0.72, 0.045))
    return "".join(
        f'<rect x="{box.left:g}" y="{box.top + height * at:g}" width="{width:g}"'
        f' height="{height * high:g}" fill="{colour.accent}" opacity=".9"/>'
        for at, high in rows
    )


def _ribbed(box: Box, colour: Ink) -> str:
    lines = []
    x = box.left + 7
    while x < box.right:
        lines.append(f"M{x:g} {box.top:g}V{box.bottom:g}")
        x += 13
    return stroke("".join(lines), colour.deep, 2.4, ' opacity=".38"')


def _speckled(box: Box, colour: Ink) -> str:
    dots = []
    state = 9
    for _ in range(58):
        state = (state * 1103515245 + 12345) % 2**31
        x = box.left + (state >> 7) % 1000 / 1000 * (box.right - box.left)
        y = box.top + (state >> 17) % 1000 / 1000 * (box.bottom - box.top)
        dots.append(oval(x, y, 1.1 + state % 5 * 0.35, 1 + state % 3 * 0.4, colour.deep))
    return f'<g opacity=".5">{"".join(dots)}</g>'


def _woven(box: Box, colour: Ink) -> str:
    rows = []
    y = box.top + 4
    while y < box.bottom:
        rows.append(f"M{box.left:g} {y:g}H{box.right:g}")
        y += 9
    weft = stroke("".join(rows), colour.deep, 2, ' opacity=".45" stroke-dasharray="9 5"')
    return weft + stroke(
        "".join(rows),
        colour.pale,
        2,
        ' opacity=".5" transform="translate(7 4.5)" stroke-dasharray="7 7"',
    )


def _checked(box: Box, colour: Ink) -> str:
    parts = []
    for n in range(1, 9):
        x = box.left + (box.right - box.left) * n / 9
        y = box.top + (box.bottom - box.top) * n / 9
        width = 11 if n % 2 else 3
        parts.append(
            stroke(f"M{x:g} {box.top:g}V{box.bottom:g}", colour.accent, width, ' opacity=".42"')
        )
        parts.append(
            stroke(f"M{box.left:g} {y:g}H{box.right:g}", colour.accent, width, ' opacity=".42"')
        )
    return "".join(parts)


SURFACES: Mapping[str, Callable[[Box, Ink], str]] = {
    "plain": _plain,
    "dipped": _dipped,
    "banded": _banded,
    "ribbed": _ribbed,
    "speckled": _speckled,
    "woven": _woven,
    "checked": _checked,
    "labelled": _plain,
}


def body(path: str, box: Box, colour: Ink, surface: str, light: str = "side") -> str:
    """A lit body with its surface: glaze, bands, ribs, speckles. `path` clips what covers it."""
    clip = f"c{abs(int(box.left * 7 + box.top * 13 + box.right * 3 + box.bottom))}"
    cover = SURFACES[surface](box, colour)
    clipped = f'<clipPath id="{clip}"><path d="{path}"/></clipPath><g clip-path="url(#{clip})">{cover}</g>'
    return (
        f'<path d="{path}" fill="{colour.base}"/>'
        + (clipped if cover else "")
        + f'<path d="{path}" fill="url(#{light})"/>'
    )
