"""A file with thirty different mistakes gives thirty findings, each with its line, and changes nothing."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from tests.builders.editions import catalogue
from workbench import cli

FILE = Path(__file__).resolve().parents[2] / "cases/site/thirty.yaml"
MISTAKES = {
    int(number): text
    for number, text in re.findall(r"^\s*# (\d+): (.+)$", FILE.read_text(), re.MULTILINE)
}


def lines_of_mistakes() -> dict[int, int]:
    """Number of the mistake → the first line after its comment."""
    found = {}
    for at, line in enumerate(FILE.read_text().splitlines(), start=1):
        number = re.match(r"\s*# (\d+): ", line)
        if number:
            found[int(number[1])] = at + 1
    return found


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(item) for item in catalogue(12)))
    return path


def test_thirty_mistakes_are_thirty_findings_with_their_lines(items: Path) -> None:
    arguments = ["site", "check", str(FILE), "--items", str(items), "--json"]
    result = CliRunner().invoke(cli.build(), arguments)
    assert result.exit_code == 1, result.output
    found = [f for f in json.loads(result.stdout)["findings"] if f["severity"] != "note"]
    starts = lines_of_mistakes()
    assert sorted(starts) == list(range(1, 31))
    ends = [*sorted(starts.values())[1:], 10**6]
    blocks = dict(zip(sorted(starts, key=starts.__getitem__), ends, strict=True))
    hits = {n: [f for f in found if start <= f["line"] < blocks[n]] for n, start in starts.items()}
    assert {n: len(fs) for n, fs in hits.items()} == dict.fromkeys(range(1, 31), 1), [
        (n, MISTAKES[n], [f["problem"] for f in fs]) for n, fs in hits.items() if len(fs) != 1
    ]
    assert len(found) == 30
    assert all(f["problem"] and f["field"] for f in found)
    assert len({(f["problem"], f["way_out"]) for f in found}) == 30


def test_the_guide_tells_every_kind_of_finding() -> None:
    root = Path(__file__).resolve().parents[3]
    said = "".join(f.read_text() for f in root.glob("layers/hemline/hemline/sitefile/review/*.py"))
    codes = set(re.findall(r'"(?:error|warning|note)",\s+"([a-z-]+)"', said))
    codes -= {"warning", "note"}  # the list of severities itself
    codes |= {f"missing-{kind}" for kind in ("item", "category", "attribute")} | {"schema"}
    guide = (root / "docs/checking-a-site-file.md").read_text()
    rows = re.findall(r"^\| ([a-z, -]+) \| (?:error|warning|note) \|", guide, re.MULTILINE)
    assert {code for row in rows for code in row.split(", ")} == codes
