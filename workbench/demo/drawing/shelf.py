"""What stands on a shelf or hangs on the wall: plants and clocks."""

# ruff: noqa: E501 - a path reads best as one line

from math import cos, pi, sin

from workbench.demo.drawing.brush import Ink, ground, mix, oval, shine, solid, stroke, tube
from workbench.demo.drawing.surfaces import Box, body


def _pot(c: Ink, surface: str, top: float = 300) -> str:
    shape = f"M128 {top}H272L254 386C252 394 246 396 238 396H162C154 396 148 394 146 386Z"
    rim = f"M120 {top - 16}H280V{top + 10}H120Z"
    return (
        body(shape, Box(128, top, 272, 396), c, surface)
        + solid(rim, c.base)
        + oval(200, top - 16, 80, 9, mix("#5a4334", c.deep, 0.2))
        + stroke(f"M121 {top + 11}H279", c.deep, 3, ' opacity=".3"')
        + shine(f"M150 {top + 26}L156 372", 6, 0.3)
    )


def _leaf(x: float, y: float, length: float, turn: float, green: str) -> str:
    half = length * 0.26
    path = f"M{x:g} {y:g}C{x + half * 1.3:g} {y - length * 0.3:g} {x + half:g} {y - length * 0.8:g} {x:g} {y - length:g}C{x - half:g} {y - length * 0.8:g} {x - half * 1.3:g} {y - length * 0.3:g} {x:g} {y:g}Z"
    vein = stroke(
        f"M{x:g} {y:g}V{y - length * 0.92:g}", mix(green, "#ffffff", 0.45), 1.8, ' opacity=".6"'
    )
    return f'<g transform="rotate({turn:g} {x:g} {y:g})">{solid(path, green)}{vein}</g>'


def rubber_plant(c: Ink, surface: str) -> str:
    """Broad leaves on one stem."""
    leaves = (
        (180, 250, 92, -62),
        (222, 236, 92, 58),
        (184, 206, 92, -46),
        (218, 188, 88, 42),
        (192, 166, 84, -24),
        (206, 150, 78, 14),
    )
    greens = ("#3f5f49", "#4c6f54", "#456750", "#567b5d", "#5d8462", "#6b9170")
    drawn = "".join(_leaf(*leaf, green) for leaf, green in zip(leaves, greens, strict=True))
    return (
        ground(200, 150)
        + stroke("M200 286C198 240 204 200 200 140", "#6d5842", 7)
        + drawn
        + _pot(c, surface)
    )


def snake_plant(c: Ink, surface: str) -> str:
    """Upright swords with a pale edge."""
    blades = (
        (150, 290, 150, -14),
        (250, 290, 142, 15),
        (172, 290, 196, -5),
        (228, 290, 184, 6),
        (200, 290, 216, 1),
    )
    drawn = ""
    for x, y, length, turn in blades:
        path = f"M{x - 13} {y}C{x - 20} {y - length * 0.5:g} {x - 10} {y - length * 0.85:g} {x} {y - length}C{x + 10} {y - length * 0.85:g} {x + 20} {y - length * 0.5:g} {x + 13} {y}Z"
        bands = "".join(
            f"M{x - 11} {y - step}q11 -8 22 0" for step in range(24, int(length * 0.8), 22)
        )
        drawn += f'<g transform="rotate({turn} {x} {y})">{solid(path, "#55775a")}{stroke(bands, "#86a07c", 3.4)}{stroke(path, "#c9c88c", 3)}</g>'
    return ground(200, 150) + drawn + _pot(c, surface)


def cactus(c: Ink, surface: str) -> str:
    """A column with two arms and a flower."""
    column = "M166 296V178C166 134 234 134 234 178V296Z"
    ribs = "M184 158V292M200 150V292M216 158V292"
    return (
        ground(200, 150)
        + tube("M172 246H142C126 246 124 234 124 214", "#587a5c", 25)
        + tube("M228 226H262C274 226 276 214 276 190", "#587a5c", 23)
        + solid(column, "#668a66")
        + stroke(ribs, "#44634c", 3, ' opacity=".6"')
        + stroke(ribs, "#f4efd6", 3.4, ' stroke-dasharray=".1 15" opacity=".9"')
        + "".join(oval(200 + 11 * cos(n), 140 + 8 * sin(n), 7.5, 5.5, "#d98a8f") for n in range(6))
        + oval(200, 140, 6, 4.5, "#f3d27c")
        + _pot(c, surface)
    )


def trailing(c: Ink, surface: str) -> str:
    """Vines that hang over the rim on both sides."""
    drawn = ""
    for start, bend, end, low in (
        (140, 92, 98, 384),
        (256, 310, 300, 370),
        (164, 122, 128, 330),
        (240, 284, 276, 320),
    ):
        drawn += stroke(f"M{start} 236C{bend} 236 {bend} 290 {end} {low}", "#5f7f55", 3)
        for n in range(7):
            t = 0.16 + n * 0.13
            x = (
                (1 - t) ** 3 * start
                + 3 * (1 - t) ** 2 * t * bend
                + 3 * (1 - t) * t * t * bend
                + t**3 * end
            )
            y = (
                (1 - t) ** 3 * 236
                + 3 * (1 - t) ** 2 * t * 236
                + 3 * (1 - t) * t * t * 290
                + t**3 * low
            )
            drawn += _leaf(
                x,
                y,
                25,
                (-70 if n % 2 else 70) + 180 * (n > 3),
                mix("#5f8258", "#a9bf86", n * 0.11),
            )
    crown = "".join(
        _leaf(200 + dx, 238, 58, dx * 1.1, mix("#4f7350", "#8fae77", abs(dx) / 60))
        for dx in (-52, 52, -34, 34, -16, 16, 0)
    )
    return ground(200, 150) + crown + _pot(c, surface, 262) + drawn


def _dial(x: float, y: float, r: float, c: Ink) -> str:
    face = "#f8f3e8"
    ticks = ""
    for n in range(12):
        a = n * pi / 6
        inner = 0.76 if n % 3 == 0 else 0.82
        ticks += f"M{x + r * inner * sin(a):.1f} {y - r * inner * cos(a):.1f}L{x + r * 0.9 * sin(a):.1f} {y - r * 0.9 * cos(a):.1f}"
    return (
        oval(x, y, r, r, face)
        + oval(x, y, r, r, "url(#down)", ' opacity=".5"')
        + stroke(ticks, "#4a4346", max(2, r * 0.03))
        + stroke(f"M{x} {y}L{x - r * 0.44:g} {y - r * 0.26:g}", "#35302f", max(4, r * 0.07))
        + stroke(f"M{x} {y}L{x + r * 0.4:g} {y - r * 0.6:g}", "#35302f", max(3, r * 0.05))
        + oval(x, y, r * 0.07, r * 0.07, c.base)
    )


def wall_clock(c: Ink, surface: str) -> str:
    """A round clock on the wall."""
    rim = "M200 120a124 124 0 1 1 0 248a124 124 0 1 1 0 -248Z"
    ring = (
        ""
        if surface == "plain"
        else f'<circle cx="200" cy="244" r="112" fill="none" stroke="{c.accent}" stroke-width="4"/>'
    )
    return (
        oval(216, 262, 140, 138, "url(#shadow)")
        + solid(rim, c.base, "ball")
        + ring
        + _dial(200, 244, 102, c)
    )


def mantel_clock(c: Ink, surface: str) -> str:
    """An arch of wood that stands on a shelf."""
    arch = "M110 384V258C110 196 150 160 200 160S290 196 290 258V384Z"
    return (
        ground(200, 200)
        + body(arch, Box(110, 160, 290, 384), c, surface)
        + solid("M94 380H306V396H94Z", c.deep, "down")
        + stroke(
            "M128 300C160 306 240 306 272 300M126 340C170 348 230 348 274 340",
            c.deep,
            2,
            ' opacity=".3"',
        )
        + _dial(200, 254, 66, c)
        + shine("M126 262C128 226 146 202 166 190", 6, 0.3)
    )


def alarm_clock(c: Ink, surface: str) -> str:
    """Two bells and a hammer."""
    del surface  # painted
    case = "M200 188a98 98 0 1 1 0 196a98 98 0 1 1 0 -196Z"
    return (
        ground(200, 180)
        + tube("M142 356L122 392M258 356L278 392", c.deep, 12)
        + stroke("M150 186L162 206M250 186L238 206M200 172V190", c.deep, 7)
        + solid("M100 190C96 156 132 132 164 148Z", c.base, "ball")
        + solid("M300 190C304 156 268 132 236 148Z", c.base, "ball")
        + solid("M188 160H212V174H188Z", c.deep)
        + stroke("M150 148C158 104 242 104 250 148", c.deep, 6)
        + solid(case, c.base, "ball")
        + _dial(200, 286, 78, c)
        + shine("M118 270C122 244 138 224 158 212", 7, 0.4)
    )
