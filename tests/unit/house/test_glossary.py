"""The glossary names modules that exist, and every word of it once."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GLOSSARY = ROOT / "docs/glossary.md"
PACKAGE = ROOT / "layers/hemline/hemline"


def rows() -> list[list[str]]:
    lines = GLOSSARY.read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return [row for row in cells if row[0] != "word" and not row[0].startswith("-")]


def test_each_word_stands_once() -> None:
    words = [row[0] for row in rows()]
    assert len(words) > 40
    assert sorted(set(words)) == sorted(words)


def test_each_place_in_the_code_is_there() -> None:
    places = [place for row in rows() for place in re.findall(r"`([\w/]+(?:\.py|/))`", row[-1])]
    assert len(places) > 40
    gone = [p for p in places if not (PACKAGE / p).exists() and not (ROOT / p).exists()]
    assert gone == []
