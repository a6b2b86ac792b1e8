"""Tables: explanations, differences and changes of receipts as text for people. Knows no stores."""

import time
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table

from hemline.decide.explain.choices import ChoiceTrace
from hemline.decide.explain.items import CandidateTrace, SlotTrace
from hemline.usecases.ingest.quarantine import safe
from hemline.usecases.receipts.explain import Explained, WhyNot
from hemline.usecases.receipts.replay import ReplayDifference
from hemline.usecases.receipts.what_if import WhatIf, shown

_MOST = 40
_FEATURES = 6
_WIDE = 60
_ENDLESS = 10_000
"""Width when output is no terminal: ids are not wrapped, so that they can be copied or cut."""


def console() -> Console:
    """Standard output, as wide as the terminal; elsewhere lines are not wrapped."""
    out = Console()
    return out if out.is_terminal else Console(width=_ENDLESS)


def explained(found: Explained, out: Console, *, everything: bool) -> None:
    """Print an explanation, with the first candidates only unless `everything`."""
    out.print(
        f"slot [b]{found.slot}[/b] ({found.kind}), rung [b]{found.rung}[/b], scope {found.scope},"
        f" edition {found.edition[:12]}, minute {_minute(found.minute)}"
    )
    for reason in found.left:
        out.print(safe(f"left: {reason}"), markup=False)
    rows = [
        (fact.name, fact.scope, _short(fact.value) if fact.had else "(not there)")
        for fact in found.facts
    ]
    out.print(_table("facts read, in order", ("fact", "scope", "value"), rows))
    if found.variant:
        likely = "" if found.likely is None else f", likely by {found.likely:.4f}"
        out.print(safe(f"variant: {found.variant}{likely}"), markup=False)
    for line in estimates(found):
        out.print(safe(line), markup=False)
    if found.choice:
        _choice(found.choice, out)
    if found.items:
        _items(found.items, out, everything=everything)
    times = ", ".join(f"{name} {ms:.2f} ms" for name, ms in found.timings.items())
    out.print(f"made again in: {times}")


def estimates(found: Explained) -> list[str]:
    """One line for each variant with its estimate."""
    return [
        f"  {one.variant}: estimate {one.estimate:.4f} of {found.goal} ({one.own:.4f} own category),"
        f" {one.exposures:,.0f} exposures"
        for one in found.known
    ]


def _choice(found: ChoiceTrace, out: Console) -> None:
    if found.rules:
        rules = [(one.rule, one.action, one.did) for one in found.rules]
        out.print(_table("rules that held", ("rule", "action", "what came of it"), rules))
    rows = [(one.place or "", one.name, one.usual or "", one.why) for one in found.options]
    out.print(_table("to choose from", ("place", "name", "in the file", "why"), rows))


def _items(found: SlotTrace, out: Console, *, everything: bool) -> None:
    if found.rules:
        effects = [(one.rule, one.action, one.kept_out) for one in found.rules]
        out.print(_table("rules that held", ("rule", "action", "kept out"), effects))
    if found.explored:
        item, propensity = found.explored
        out.print(f"chance decided a place: {item}, likely by {propensity:.4f}", markup=False)
    shown = found.candidates if everything else found.candidates[:_MOST]
    rows = [_row(one) for one in shown]
    titles = ("place", "item", "from", "rank", "score", "why", "largest inputs")
    out.print(_table(f"{len(found.candidates)} candidates", titles, rows))
    if len(shown) < len(found.candidates):
        out.print(f"{len(found.candidates) - len(shown)} more: --all")


def _row(one: CandidateTrace) -> tuple[object, ...]:
    largest = sorted(one.features.items(), key=lambda pair: -abs(pair[1]))[:_FEATURES]
    inputs = ", ".join(f"{name} {value:.3g}" for name, value in largest if value)
    score = "" if one.score is None else f"{one.score:.4f}"
    return one.place or "", one.item, one.source, one.rank or "", score, one.why, inputs


def differences(found: tuple[ReplayDifference, ...], out: Console) -> None:
    """Print the differences of a replay."""
    rows = [(one.field, _short(one.then), _short(one.now)) for one in found]
    out.print(_table("differs", ("field", "then", "now"), rows))


def why_not(found: WhyNot) -> str:
    """The reason, with rank and score gap where there are any."""
    lines = [f"{found.item}: {found.why}"]
    if found.rank is not None:
        lines.append(f"rank {found.rank} of {found.of}")
    if found.behind is not None:
        lines.append(f"score {found.score:.4f}, {found.behind:+.4f} short of the last one shown")
    return "\n".join(map(safe, lines))


def what_if(found: WhatIf, out: Console) -> None:
    """Print both results side by side, how far each item or section moved, and what else differs."""
    then, now = shown(found.then), shown(found.now)
    out.print(f"rung {then.rung} → {now.rung}", markup=False)
    for name in ("scope", "variant"):
        sides = getattr(then, name), getattr(now, name)
        if sides[0] != sides[1]:
            out.print(safe(f"{name} {sides[0] or 'none'} → {sides[1] or 'none'}"), markup=False)
    rows = _moves(then.items, now.items) or _moves(then.sections, now.sections)
    if rows:
        out.print(_table("", ("place", "then", "now", "moved"), rows))
    for name in found.unread:
        out.print(safe(f"{name} was not read: this slot does not depend on it"), markup=False)
    last = f"differs: {', '.join(found.differs)}" if found.differs else "nothing changes"
    out.print(last, markup=False)


def _moves(then: tuple[str, ...], now: tuple[str, ...]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for at in range(max(len(then), len(now))):
        one = now[at] if at < len(now) else ""
        rows.append((at + 1, then[at] if at < len(then) else "", one, moved(then, one, at)))
    return rows


def moved(then: tuple[str, ...], item: str, at: int) -> str:
    """`new`, the number of places up (+) or down (-), or empty if it did not move."""
    if not item:
        return ""
    if item not in then:
        return "new"
    return f"{then.index(item) - at:+d}" if then.index(item) != at else ""


def _minute(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(milliseconds / 1000))


def _table(
    title: str, titles: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> RenderableType:
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in titles:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    return table


def _plain(cell: object) -> str:
    # Texts of a site may hold square brackets, which rich would read as markup, and a URL of a request
    # may hold control characters, which would move the cursor.
    return safe(str(cell)).replace("[", "\\[")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"
