"""The README tells what there is: every command and route and no other, and no link leads nowhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from workbench import cli

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
ROUTE = re.compile(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)`", re.MULTILINE)


def commands(one: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Of a click group, which typer brings in a module of its own."""
    if not hasattr(one, "commands"):
        yield " ".join(path), one
        return
    for name, below in one.commands.items():
        yield from commands(below, (*path, name))


THERE = dict(commands(typer.main.get_command(cli.build())))


def rows(text: str) -> dict[tuple[str, ...], str]:
    """The command table: which commands a row is about, and the row."""
    found = {}
    for row in re.findall(r"^\| `hemline .*$", text, re.MULTILINE):
        cell = row.replace(r"\|", "¦").split("|")[1]
        found[tuple(name for code in re.findall(r"`([^`]+)`", cell) for name in _named(code))] = row
    return found


def _named(code: str) -> Iterator[str]:
    """`hemline brake set¦clear KIND` is `brake set` and `brake clear`."""
    first, *rest = code.removeprefix("hemline ").split()
    for name in first.split("¦"):
        below = {one.partition(" ")[2] for one in THERE if one.startswith(f"{name} ")}
        yield from (f"{name} {one}" for one in rest[0].split("¦")) if below else [name]


def test_every_command_is_told_and_no_other() -> None:
    told = [name for names in rows(README) for name in names]
    assert set(told) == THERE.keys()


def test_every_option_that_a_row_names_is_one_of_its_commands() -> None:
    for names, row in rows(README).items():
        known = {text for name in names for param in THERE[name].params for text in param.opts}
        assert set(re.findall(r"`(--[a-z-]+)", row)) <= known, row


def test_every_command_that_prints_figures_takes_json() -> None:
    for name in ("publish", "train", "report cold", "bench decide", "soak ingest", "site diff"):
        assert "--json" in {text for param in THERE[name].params for text in param.opts}


def test_every_route_is_told_and_no_other() -> None:
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    there = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(ROUTE.findall(README)) == there


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *(
    f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))
)])  # fmt: skip
def test_no_link_leads_nowhere(document: str) -> None:
    place = ROOT / document
    for target, at in re.findall(r"\]\(([^)#:]*)(?:#([^):]*))?\)", place.read_text()):
        there = place.parent / target if target else place
        assert there.exists(), f"{document} links to {target}"
        assert not at or at in anchors(there.read_text()), f"{document} links to {target}#{at}"


def anchors(text: str) -> set[str]:
    """What GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_every_make_target_that_the_readme_runs_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|\d )make ([a-z-]+)", README, re.MULTILINE)) <= targets


@pytest.mark.parametrize(
    ("good", "bad"),
    [("`hemline train`", "`hemline teach`"), (r"set\|clear\|show`", r"set\|show`")],
)
def test_a_command_that_is_missing_or_none_would_be_noticed(good: str, bad: str) -> None:
    assert good in README
    told = [name for names in rows(README.replace(good, bad)) for name in names]
    assert set(told) != THERE.keys()
