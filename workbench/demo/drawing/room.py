"""What stands, lies or hangs in a room: lamps, chairs, cushions and throws."""

# ruff: noqa: E501 - a path reads best as one line

from math import cos, pi, sin

from workbench.demo.drawing.brush import Ink, ground, mix, oval, shine, solid, stroke, tube
from workbench.demo.drawing.surfaces import Box, body

_WOOD, _WOOD_DEEP, _LINEN = "#c79a67", "#8f6a44", "#f3ead8"


def _light(x: float, y: float, reach: float) -> str:
    return oval(x, y, reach, reach * 0.9, "url(#glow)", ' opacity=".8"')


def table_lamp(c: Ink, surface: str) -> str:
    """A pot foot under a linen shade."""
    foot = "M172 264H228C232 290 266 306 266 346C266 378 246 396 226 396H174C154 396 134 378 134 346C134 306 168 290 172 264Z"
    shade = "M150 112H250L292 256H108Z"
    return (
        ground(200, 150)
        + _light(200, 220, 190)
        + solid("M192 244H208V272H192Z", "#b99554")
        + body(foot, Box(134, 264, 266, 396), c, surface, "ball")
        + solid(shade, _LINEN)
        + f'<path d="{shade}" fill="#ffd98a" opacity=".34"/>'
        + stroke("M150 112H250M109 256H291", mix(_LINEN, "#b08d57", 0.5), 3)
        + shine("M152 350C150 332 160 318 172 310")
    )


def mushroom_lamp(c: Ink, surface: str) -> str:
    """A dome on a stem, lit from below."""
    dome = "M76 254C76 178 132 136 200 136S324 178 324 254C324 266 76 266 76 254Z"
    return (
        ground(200, 150)
        + _light(200, 290, 150)
        + solid(
            "M180 250H220C220 320 224 356 246 376H154C176 356 180 320 180 250Z",
            mix(c.base, "#ffe2a8", 0.35),
        )
        + oval(200, 256, 118, 15, "#ffeec2")
        + body(dome, Box(76, 136, 324, 264), c, surface, "ball")
        + solid("M132 396C132 380 160 372 200 372S268 380 268 396Z", c.base, "ball")
        + shine("M104 222C112 188 138 168 164 160", 9)
    )


def pendant(c: Ink, surface: str) -> str:
    """A bell on its cord, nothing under it but light."""
    bell = "M178 176H222C226 214 296 232 304 312H96C104 232 174 214 178 176Z"
    return (
        oval(214, 428, 120, 14, "url(#shadow)", ' opacity=".55"')
        + stroke("M200 0V158", "#4a4346", 3.4)
        + _light(200, 330, 176)
        + solid("M186 152H214L218 178H182Z", "#b99554")
        + oval(200, 318, 26, 25, "#fff1c9")
        + body(bell, Box(96, 176, 304, 312), c, surface)
        + oval(200, 312, 104, 14, mix(c.deep, "#ffd98a", 0.5))
        + oval(200, 314, 84, 9, "#fff0c6")
        + shine("M128 292C138 258 168 240 184 218", 8, 0.4)
    )


def spindle_chair(c: Ink, surface: str) -> str:
    """A chair with a bent crest and five spindles."""
    del surface  # turned wood only
    legs = "M138 308L116 394M262 308L284 394M160 304L150 372M240 304L250 372"
    spindles = "".join(f"M{200 + n * 26} 282L{200 + n * 29} 152" for n in (-2, -1, 0, 1, 2))
    return (
        ground(200, 210)
        + stroke("M126 358H274", c.deep, 6)
        + tube(legs, c.deep, 10)
        + tube(spindles, c.base, 6)
        + tube("M132 286L122 138M268 286L278 138", c.base, 11)
        + solid("M110 142C140 108 260 108 290 142L286 168C256 146 144 146 114 168Z", c.base, "down")
        + solid("M112 286C140 274 260 274 288 286L296 304C290 316 110 316 104 304Z", c.base, "down")
        + stroke("M106 306C150 316 250 316 294 306", c.deep, 4, ' opacity=".55"')
    )


def stool(c: Ink, surface: str) -> str:
    """Three legs and a round seat."""
    seat = "M112 222C112 204 288 204 288 222V244C288 262 112 262 112 244Z"
    return (
        ground(200, 190)
        + stroke("M142 340H258", c.deep, 7)
        + tube("M200 250V376", c.deep, 13)
        + tube("M138 246L114 392M262 246L286 392", c.base, 15)
        + body(seat, Box(112, 204, 288, 262), c, surface)
        + oval(200, 222, 88, 17, c.pale)
        + (
            oval(200, 222, 74, 13, c.base)
            if surface == "woven"
            else oval(200, 223, 80, 14, mix(c.base, "#ffffff", 0.22))
        )
        + stroke("M134 220C160 212 210 211 236 214", c.deep, 1.6, ' opacity=".35"')
        + stroke("M150 227C180 232 226 231 252 226", c.deep, 1.6, ' opacity=".3"')
    )


def armchair(c: Ink, surface: str) -> str:
    """A deep seat between two arms."""
    back = "M104 298V176C104 132 136 118 200 118S296 132 296 176V298Z"
    return (
        ground(200, 260)
        + tube("M112 360L100 394M288 360L300 394", _WOOD_DEEP, 11)
        + body(back, Box(104, 118, 296, 298), c, surface, "down")
        + stroke("M200 134V262", c.deep, 2.4, ' opacity=".3"')
        + solid("M112 282C112 262 288 262 288 282V322H112Z", mix(c.base, "#ffffff", 0.12), "down")
        + solid("M104 316H296V364H104Z", c.base, "down")
        + solid("M64 256C64 232 112 232 112 258V366H80C68 366 64 358 64 346Z", c.base)
        + solid("M336 256C336 232 288 232 288 258V366H320C332 366 336 358 336 346Z", c.base)
        + stroke("M114 320H286", c.deep, 2.4, ' opacity=".4"')
    )


def square_cushion(c: Ink, surface: str) -> str:
    """A full cushion, one corner turned up."""
    shape = "M92 160C150 178 250 178 308 160C296 220 296 322 312 388C250 374 150 374 88 388C104 322 104 220 92 160Z"
    return (
        ground(200, 220, 390)
        + body(shape, Box(88, 160, 312, 388), c, surface, "ball")
        + stroke(
            "M92 160C150 178 250 178 308 160C296 220 296 322 312 388C250 374 150 374 88 388C104 322 104 220 92 160Z",
            c.pale,
            3,
            ' opacity=".55"',
        )
        + stroke(
            "M92 162C104 176 116 188 130 196M308 162C298 176 286 188 272 196M90 386C104 372 116 360 132 352M310 386C298 372 286 360 270 352",
            c.deep,
            3,
            ' opacity=".28"',
        )
    )


def bolster(c: Ink, surface: str) -> str:
    """A long roll, gathered at its ends."""
    shape = "M76 316C76 280 98 270 130 268H270C302 270 324 280 324 316V344C324 384 302 394 270 396H130C98 394 76 384 76 344Z"
    return (
        ground(200, 260)
        + body(shape, Box(76, 268, 324, 396), c, "plain", "down")
        + (_stripes(c) if surface == "banded" else "")
        + oval(90, 332, 26, 62, c.base)
        + oval(90, 332, 26, 62, "url(#ball)")
        + stroke(
            "".join(
                f"M90 332L{90 + 23 * cos(a):.1f} {332 + 56 * sin(a):.1f}"
                for a in (n * pi / 5 for n in range(10))
            ),
            c.deep,
            2,
            ' opacity=".35"',
        )
        + oval(90, 332, 6, 9, c.accent)
    )


def _stripes(c: Ink) -> str:
    lines = "".join(
        f"M{x} 270C{x + 26} 300 {x + 26} 364 {x} 394" for x in (150, 164, 236, 250, 292)
    )
    return stroke(lines, c.accent, 5, ' opacity=".85"')


def throw(c: Ink, surface: str) -> str:
    """A folded blanket with a fringe."""
    parts = [ground(200, 240)]
    for n in range(4):
        y = 356 - n * 40
        tone = c._replace(base=mix(c.base, "#ffffff", n * 0.05))
        fold = f"M88 {y}C88 {y - 12} 100 {y - 14} 112 {y - 14}H288C304 {y - 14} 314 {y - 6} 314 {y + 10}S304 {y + 36} 288 {y + 36}H112C98 {y + 36} 88 {y + 34} 88 {y + 22}Z"
        parts.append(body(fold, Box(88, y - 14, 314, y + 37), tone, surface, "down"))
    fringe = "".join(f"M{x} 386V{404 + x % 3 * 2}" for x in range(104, 296, 8))
    return "".join(parts) + stroke(fringe, c.pale, 2.6, ' opacity=".9"')
