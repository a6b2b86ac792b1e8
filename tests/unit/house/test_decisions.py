"""The index of decisions names every record once, with a date and a status."""

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "docs/decisions"
ROW = re.compile(
    r"^\| (\d{4}-\d\d-\d\d) \| \[([^\]]+)\]\(([^)]+)\) \| (.+) \| (in force|replaced by .+) \|$",
    re.MULTILINE,
)


def test_every_record_stands_in_the_index_under_its_own_title() -> None:
    listed = {
        name: title for _, title, name, _, _ in ROW.findall((FOLDER / "README.md").read_text())
    }
    records = {
        path.name: path.read_text().splitlines()[0].removeprefix("# ")
        for path in FOLDER.glob("*.md")
        if path.name != "README.md"
    }
    assert listed == records


def test_the_index_is_in_order_of_date() -> None:
    dates = [row[0] for row in ROW.findall((FOLDER / "README.md").read_text())]
    assert dates
    assert dates == sorted(dates)
