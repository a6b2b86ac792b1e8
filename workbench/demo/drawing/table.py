"""What stands on a table: teapots, cups, bowls, vases, candles. Each draws one form on the canvas."""

# ruff: noqa: E501 - a path reads best as one line

from workbench.demo.drawing.brush import Ink, ground, mix, oval, shine, solid, stroke, tube
from workbench.demo.drawing.surfaces import Box, body


def round_teapot(c: Ink, surface: str) -> str:
    """A ball with a spout to the left and a loop to the right."""
    pot = "M108 318C108 256 148 228 200 228S292 256 292 318C292 364 262 394 232 396H168C138 394 108 364 108 318Z"
    lid = "M150 234C154 208 176 198 200 198S246 208 250 234C236 242 164 242 150 234Z"
    return (
        ground(200, 190)
        + tube("M284 276C344 254 356 346 278 350", c.base, 18)
        + solid(
            "M126 330C92 322 84 288 62 258C58 252 66 246 74 250C104 264 112 280 134 286Z", c.base
        )
        + oval(68, 253, 9, 5, c.deep, ' transform="rotate(32 68 253)"')
        + body(pot, Box(108, 228, 292, 396), c, surface, "ball")
        + solid(lid, c.base, "ball")
        + stroke("M148 236C166 244 234 244 252 236", c.deep, 3, ' opacity=".5"')
        + oval(200, 192, 15, 13, c.base)
        + oval(200, 192, 15, 13, "url(#ball)")
        + shine("M134 322C132 290 146 268 164 256")
    )


def tall_teapot(c: Ink, surface: str) -> str:
    """An enamel pot: a cone with a straight spout and a dark rim."""
    pot = "M150 206H250L278 384C278 392 270 396 262 396H138C130 396 122 392 122 384Z"
    rim = mix(c.deep, "#222222", 0.3)
    return (
        ground(200, 180)
        + tube("M256 232C334 218 338 330 272 342", rim, 13)
        + solid("M142 316L86 226C82 218 92 214 98 220L150 258Z", c.base)
        + stroke("M86 222L97 217", rim, 6)
        + body(pot, Box(122, 206, 278, 396), c, surface)
        + stroke("M125 390C170 398 230 398 275 390", rim, 5)
        + solid("M150 206C152 184 176 176 200 176S248 184 250 206Z", c.base, "ball")
        + stroke("M148 206H252", rim, 6)
        + oval(200, 170, 12, 10, rim)
        + shine("M156 236L144 340", 8, 0.45)
    )


def low_teapot(c: Ink, surface: str) -> str:
    """A cast pot under a high bail."""
    pot = "M92 330C92 286 140 264 200 264S308 286 308 330C308 372 268 394 240 396H160C132 394 92 372 92 330Z"
    return (
        ground(200, 210)
        + tube("M130 282C124 158 276 158 270 282", c.deep, 11)
        + solid(
            "M108 340C78 330 72 302 54 284C50 276 60 272 68 276C94 288 100 298 122 300Z", c.base
        )
        + body(pot, Box(92, 264, 308, 396), c, surface, "ball")
        + solid(
            "M146 272C150 254 174 248 200 248S250 254 254 272C238 280 162 280 146 272Z",
            c.base,
            "ball",
        )
        + oval(200, 243, 12, 9, mix(c.base, "#c6a453", 0.7))
        + stroke("M126 276a6 6 0 1 0 8 4M274 276a6 6 0 1 1 -8 4", c.deep, 6)
        + shine("M118 326C120 304 140 290 160 284", 6, 0.3)
    )


def mug(c: Ink, surface: str) -> str:
    """A straight mug, its handle to the right."""
    cup = "M124 248H262L256 376C255 390 246 396 234 396H152C140 396 131 390 130 376Z"
    return (
        ground(196, 160)
        + tube("M258 278C326 262 330 366 252 362", c.base, 19)
        + stroke("M262 292C300 286 302 346 256 348", c.deep, 2, ' opacity=".35"')
        + body(cup, Box(124, 248, 262, 396), c, surface)
        + oval(193, 248, 69, 17, c.pale)
        + oval(193, 251, 61, 12.5, mix(c.deep, "#3b2417", 0.55))
        + oval(186, 252, 40, 6, "#fff", ' opacity=".1"')
        + shine("M142 282L146 362", 8)
    )


def tumbler(c: Ink, surface: str) -> str:
    """A cup without a handle, narrow at the foot."""
    cup = "M122 260H278C276 330 262 372 238 392C226 397 174 397 162 392C138 372 124 330 122 260Z"
    return (
        ground(200, 150)
        + body(cup, Box(122, 260, 278, 396), c, surface)
        + oval(200, 260, 78, 19, c.pale)
        + oval(200, 263, 70, 14, mix("#7f8a4a", c.deep, 0.35))
        + oval(190, 264, 44, 6, "#fff", ' opacity=".14"')
        + shine("M140 292C144 330 154 352 164 368", 7, 0.32)
    )


def espresso(c: Ink, surface: str) -> str:
    """A small cup on its saucer."""
    cup = "M136 288H252C252 336 240 368 222 378H166C148 368 136 336 136 288Z"
    return (
        ground(200, 220)
        + oval(200, 384, 122, 17, c.deep)
        + oval(200, 379, 122, 17, c.base)
        + oval(200, 379, 122, 17, "url(#ball)")
        + oval(200, 379, 76, 9, c.deep, ' opacity=".35"')
        + tube("M248 304C296 296 294 352 238 350", c.base, 14)
        + body(cup, Box(136, 288, 252, 378), c, surface, "ball")
        + oval(194, 288, 58, 14, c.pale)
        + oval(194, 290, 51, 10.5, "#4a2c1b")
        + oval(190, 291, 34, 5.5, "#b07a4a", ' opacity=".7"')
        + shine("M150 312C153 336 158 350 166 362", 6)
    )


def bowl(c: Ink, surface: str) -> str:
    """One deep bowl."""
    shape = "M84 282H316C312 352 266 384 244 388V396H156V388C134 384 88 352 84 282Z"
    return (
        ground(200, 190)
        + body(shape, Box(84, 282, 316, 396), c, surface, "ball")
        + oval(200, 282, 116, 25, c.pale)
        + oval(200, 286, 106, 20, mix(c.base, "#ffffff", 0.16))
        + oval(200, 286, 106, 20, "url(#down)")
        + shine("M106 312C114 340 132 358 150 368", 7)
    )


def plate(c: Ink, surface: str) -> str:
    """A plate on its edge, seen from the front."""
    disc = "M200 138a124 124 0 1 1 0 248a124 124 0 1 1 0 -248Z"
    return (
        ground(200, 200, 392)
        + solid(
            "M132 396L150 352H250L268 396H246L238 374H162L154 396Z", mix("#c79a67", "#76503a", 0.3)
        )
        + body(disc, Box(76, 138, 324, 386), c, surface, "ball")
        + oval(200, 262, 88, 88, c.deep, ' opacity=".22"')
        + oval(200, 264, 87, 87, mix(c.base, "#ffffff", 0.1))
        + oval(200, 264, 87, 87, "url(#down)")
        + stroke("M90 262a110 110 0 0 1 110 -110", "#fff", 5, ' opacity=".35"')
    )


def stack(c: Ink, surface: str) -> str:
    """Four bowls, one in another."""
    parts = [ground(200, 190)]
    for n, (half, tone) in enumerate(((112, 0.0), (101, 0.18), (90, 0.36), (79, 0.55))):
        y = 300 - n * 34
        shape = f"M{200 - half} {y}H{200 + half}C{196 + half} {y + 56} {200 + half * 0.5:g} {y + 92} {200 + half * 0.42:g} {y + 96}H{200 - half * 0.42:g}C{200 - half * 0.5:g} {y + 92} {204 - half} {y + 56} {200 - half} {y}Z"
        shade = c._replace(base=mix(c.base, "#ffffff", tone), pale=mix(c.pale, "#ffffff", tone))
        parts.append(body(shape, Box(200 - half, y, 200 + half, y + 96), shade, surface, "ball"))
        parts.append(oval(200, y, half, half * 0.19, shade.pale))
        parts.append(oval(200, y + 3, half * 0.92, half * 0.15, mix(shade.base, c.deep, 0.25)))
    return "".join(parts) + shine("M108 326C114 350 128 368 142 380", 6)


def _branch(x: float, y: float, tint: str) -> str:
    """Three dried stems that lean out of a neck."""
    stem = mix(tint, "#6b5a3c", 0.6)
    heads = ((-46, -118), (-8, -142), (40, -108))
    lines = "".join(
        stroke(f"M{x} {y}Q{x + dx * 0.2:g} {y + dy * 0.6:g} {x + dx} {y + dy}", stem, 3)
        for dx, dy in heads
    )
    leaves = ""
    for dx, dy in heads:
        for step in range(5):
            px, py = x + dx * (1 - step * 0.11), y + dy * (1 - step * 0.13)
            for side in (-1, 1):
                turn = side * 48 + dx * 0.5
                leaves += oval(
                    px + side * 7,
                    py,
                    10,
                    4.4,
                    mix(tint, "#ffffff", step * 0.07),
                    f' transform="rotate({turn:g} {px:g} {py:g})"',
                )
    return lines + leaves


def bottle_vase(c: Ink, surface: str) -> str:
    """A round belly and a narrow neck, with grasses."""
    shape = "M184 214H216C216 258 222 264 246 284C280 312 276 396 236 396H164C124 396 120 312 154 284C178 264 184 258 184 214Z"
    return (
        ground(200, 140)
        + _branch(200, 218, "#b58b52")
        + body(shape, Box(126, 214, 274, 396), c, surface, "ball")
        + oval(200, 214, 16, 5, c.pale)
        + oval(200, 214.6, 11, 3, c.deep)
        + shine("M146 344C142 318 154 302 168 292")
    )


def gourd_vase(c: Ink, surface: str) -> str:
    """Two bellies, the upper one smaller."""
    shape = "M178 176H222C224 192 252 202 252 232S230 268 228 276C262 288 284 312 284 344C284 376 258 396 232 396H168C142 396 116 376 116 344C116 312 138 288 172 276C170 268 148 262 148 232S176 192 178 176Z"
    return (
        ground(200, 170)
        + _branch(200, 182, "#7d8a5a")
        + body(shape, Box(116, 176, 284, 396), c, surface, "ball")
        + oval(200, 176, 22, 6.5, c.pale)
        + oval(200, 177, 16, 4, c.deep)
        + shine("M164 240C162 226 168 218 176 212", 6)
        + shine("M136 346C136 326 148 310 164 302")
    )


def cylinder_vase(c: Ink, surface: str) -> str:
    """A tall straight vase."""
    shape = "M150 210H250V380C250 392 242 396 232 396H168C158 396 150 392 150 380Z"
    return (
        ground(200, 116)
        + _branch(200, 214, "#a8763f")
        + body(shape, Box(150, 210, 250, 396), c, surface)
        + oval(200, 210, 50, 12, c.pale)
        + oval(200, 212, 43, 9, c.deep)
        + shine("M166 240V366", 8, 0.35)
    )


def _flame(x: float, y: float, size: float = 1) -> str:
    tip = f"M{x:g} {y - 40 * size:g}C{x + 15 * size:g} {y - 18 * size:g} {x + 10 * size:g} {y:g} {x:g} {y:g}S{x - 15 * size:g} {y - 18 * size:g} {x:g} {y - 40 * size:g}Z"
    core = f"M{x:g} {y - 24 * size:g}C{x + 7 * size:g} {y - 10 * size:g} {x + 5 * size:g} {y:g} {x:g} {y:g}S{x - 7 * size:g} {y - 10 * size:g} {x:g} {y - 24 * size:g}Z"
    return (
        oval(x, y - 16 * size, 84 * size, 92 * size, "url(#glow)")
        + f'<path d="{tip}" fill="#f6b24a"/><path d="{core}" fill="#fff6dc"/>'
    )


def pillars(c: Ink, surface: str) -> str:
    """Three pillar candles of three heights."""
    parts = [ground(200, 220)]
    for x, top, half in ((128, 290, 38), (272, 326, 36), (198, 238, 44)):
        shape = f"M{x - half} {top}V386C{x - half} 400 {x + half} 400 {x + half} 386V{top}Z"
        parts.append(body(shape, Box(x - half, top, x + half, 396), c, surface))
        parts.append(oval(x, top, half, half * 0.26, c.pale))
        parts.append(oval(x, top + 2, half * 0.7, half * 0.15, mix(c.base, "#f7b55a", 0.45)))
        parts.append(stroke(f"M{x} {top}V{top - 12}", "#4b3a30", 3) + _flame(x, top - 9, 0.8))
    return "".join(parts)


def taper(c: Ink, surface: str) -> str:
    """A taper in a turned holder."""
    wax = "M188 128H212L215 306H185Z"
    foot = "M132 396C132 378 166 376 184 366C192 350 190 338 178 326H222C210 338 208 350 216 366C234 376 268 378 268 396Z"
    return (
        ground(200, 150)
        + solid(wax, "#f1e8d6")
        + stroke("M200 130V116", "#4b3a30", 3)
        + _flame(200, 119, 0.95)
        + solid("M172 304H228L222 330H178Z", c.base)
        + body(foot, Box(132, 326, 268, 396), c, surface)
        + oval(200, 304, 28, 7, c.pale)
        + tube("M228 314C268 308 270 352 222 350", c.deep, 7)
        + shine("M180 384C166 386 152 388 146 390", 4, 0.45)
    )


def jar(c: Ink, surface: str) -> str:
    """A candle in a lidded jar, with a paper label."""
    del surface  # a jar always wears its label
    shape = "M122 254H278V372C278 390 266 396 252 396H148C134 396 122 390 122 372Z"
    return (
        ground(200, 165)
        + body(shape, Box(122, 254, 278, 396), c, "plain")
        + oval(200, 254, 78, 18, c.pale)
        + oval(200, 256, 68, 13.5, mix(c.pale, "#fff4dc", 0.75))
        + stroke("M200 258V238", "#4b3a30", 3)
        + _flame(200, 242, 0.95)
        + solid("M146 294H254V364H146Z", "#f5efe2", "down")
        + stroke("M162 312H238M174 326H226", mix(c.deep, "#2b2524", 0.4), 3.4)
        + stroke("M182 344H218", c.base, 3.4)
        + shine("M134 286V364", 6, 0.4)
    )
