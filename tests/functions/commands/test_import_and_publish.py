"""`hemline import` and `hemline publish` against a stack that runs, here its stores alone."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hemline.model.errors import BadInput
from tests.builders.rankers import linear
from tests.harness.commands import SITE_FILE, figures, hemline
from workbench import laptop, stores
from workbench.publish.reading import edition_items

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stack")]

DAY = 1_767_225_600_000  # 2026-01-01


def test_what_is_rejected_is_counted_shown_and_makes_the_status_one(catalogue: Path) -> None:
    result = hemline("import", "items", catalogue, "--direct")
    assert result.exit_code == 1
    assert "1 of 3 events accepted" in result.stdout
    assert (
        "1 rejected: price: 'free' is no price such as 12.50 or 12.50 EUR (line 3)" in result.stdout
    )
    report = figures("import", "items", catalogue, "--direct")
    assert (report["read"], report["accepted"], report["rejected"]) == (3, 1, 2)


def test_an_import_that_cannot_be_read_to_its_end_says_how_far_it_came(tmp_path: Path) -> None:
    rows = b"id,title\n" + b"".join(b"r-%d,Bowl %d\n" % (n, n * n) for n in range(5000))
    cut = tmp_path / "items.csv.gz"
    cut.write_bytes(gzip.compress(rows)[:-2000])
    report = figures("import", "items", cut, "--direct")
    assert "cannot be read to its end" in str(report["stopped"])
    shown = hemline("import", "items", cut, "--direct")
    assert shown.exit_code == 1
    assert "stopped before the end" in shown.stdout
    assert "of" in shown.stdout.splitlines()[0]


def test_a_table_without_columns_is_a_bad_call_with_a_report(tmp_path: Path) -> None:
    empty = tmp_path / "items.csv"
    empty.write_text("price,price\n1,2\n")
    result = hemline("import", "items", empty, "--direct", "--json")
    assert result.exit_code == 2
    assert "columns 1 and 2" in json.loads(result.stdout)["stopped"]


def test_the_same_file_with_a_corrected_map_counts_whole(site_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,a,b\n" + "".join(f"m-{n},Cup,Bowl\n" for n in range(30)))
    for ours in ("a", "b", "a"):
        hemline("import", "items", path, "--direct", "--map", f"{ours}=title")
    report = figures("import", "items", path, "--direct", "--map", "b=title")
    assert (report["accepted"], report["replaced"]) == (30, 0), "no edition has them yet"
    hemline("publish", "--site-file", site_file)
    edition = stores.live_edition(laptop.running())
    assert edition is not None
    assert {item.title for item in edition_items(edition)} == {"Bowl"}
    report = figures("import", "items", path, "--direct")
    assert report["replaced"] == 30


def test_a_catalogue_that_cannot_be_read_ends_the_check_in_one_line(
    site_file: Path, tmp_path: Path
) -> None:
    items = tmp_path / "items.CSV"
    items.write_text('id,title\na,"6" bowl"\nb,Cup,1\nc,Jug\n')
    with pytest.raises(BadInput, match=r"line 2: has a quote .* 1 more rows cannot be read"):
        hemline("site", "check", site_file, "--items", items)


def test_publish_list_and_rollback(site_file: Path, catalogue: Path) -> None:
    first = figures("publish", "--site-file", site_file)
    assert (first["swapped"], first["items"]) == (True, 0)
    hemline("import", "items", catalogue, "--direct")
    second = figures("publish")
    assert (second["swapped"], second["items"]) == (True, 1)
    assert figures("publish")["swapped"] is False
    assert "nothing new" in hemline("publish").stdout
    listed = hemline("publish", "--list").stdout.splitlines()
    assert [text[0] for text in listed] == [" ", "*"]
    assert "live again" in hemline("publish", "--rollback").stdout
    found = figures("publish", "--list")
    assert found["live"] == first["edition"]
    with pytest.raises(BadInput, match="no edition before the live one"):
        hemline("publish", "--rollback")


def test_a_site_file_with_mistakes_is_not_kept(site_file: Path) -> None:
    good = figures("publish", "--site-file", site_file)
    site_file.write_text(SITE_FILE.replace("limit", "limt"))
    result = hemline("publish", "--site-file", site_file)
    assert result.exit_code == 1
    assert f"{site_file}:5: slot row: limt: there is no such field here" in result.stderr
    assert figures("publish")["edition"] == good["edition"]


def test_a_file_with_thirty_mistakes_leaves_what_is_live_untouched(site_file: Path) -> None:
    good = figures("publish", "--site-file", site_file)
    thirty = Path(__file__).resolve().parents[2] / "cases/site/thirty.yaml"
    result = hemline("publish", "--site-file", thirty)
    assert result.exit_code == 1
    assert result.stderr.count("thirty.yaml:") >= 25
    stack = laptop.running()
    pointer = stores.table(stack).read_pointer(stack.site)
    assert pointer is not None
    assert pointer.digest == good["edition"]
    assert len(figures("publish", "--list")["editions"]) == 1
    assert figures("publish")["edition"] == good["edition"]


def test_a_rule_that_can_never_hold_is_not_published(site_file: Path) -> None:
    good = figures("publish", "--site-file", site_file)
    rule = "{name: r, action: block, item: a, when: [{fact: clock.hour, op: gt, value: 23}]}"
    site_file.write_text(f"{SITE_FILE}rules:\n  - {rule}\n")
    result = hemline("publish", "--site-file", site_file)
    assert result.exit_code == 1
    assert f"{site_file}:7: rule r: it can never hold" in result.stderr
    assert figures("publish")["edition"] == good["edition"]


def test_a_site_file_is_held_against_the_catalogue_that_is_live(
    site_file: Path, catalogue: Path
) -> None:
    hemline("import", "items", catalogue, "--direct")
    figures("publish", "--site-file", site_file)
    rules = "[{name: r, action: block, item: a}, {name: s, action: block, item: z}]"
    site_file.write_text(f"{SITE_FILE}rules: {rules}\n")
    found = figures("site", "check", site_file)
    assert found["items"] == 1
    told = [f for f in found["findings"] if f["code"] == "missing-item"]
    assert [f["problem"] for f in told] == ["item z is not in the catalogue."]
    changed = figures("site", "diff", "live", site_file)
    assert [c["change"]["name"] for c in changed["changes"]] == ["r", "s"]
    assert changed["sample"]["visitors"] == 0


def test_a_ranker_is_brought_from_a_folder(site_file: Path, tmp_path: Path) -> None:
    assert hemline("publish", "--ranker", tmp_path, "--site-file", site_file).exit_code == 2
    for name, data in zip(("ranker.onnx", "ranker.json"), linear(price=1.0), strict=True):
        (tmp_path / name).write_bytes(data)
    found = figures("publish", "--ranker", tmp_path, "--site-file", site_file)
    assert found["ranker"] == "given"
    assert figures("publish")["ranker"] == "kept"


def test_the_edition_may_be_of_another_moment_when_that_is_said(site_file: Path) -> None:
    past = ("publish", "--site-file", site_file, "--as-of", "2020-06-01T12:00:00")
    with pytest.raises(BadInput, match=r"2020-06-01 12:00Z is 2,\d+ days ago.*--live-anyway"):
        hemline(*past)
    with pytest.raises(BadInput, match=r"9020-06-01 12:00Z is still to come.*site show --at"):
        hemline("publish", "--as-of", "9020-06-01T12:00:00", "--live-anyway")
    found = figures(*past, "--live-anyway")
    assert found["built"] == 1_591_012_800_000
    lately = datetime.now(UTC) - timedelta(hours=3)
    assert figures("publish", "--as-of", lately.isoformat())["swapped"] is False


def test_half_a_site_file_is_refused_unless_that_is_said(site_file: Path) -> None:
    site_file.write_text(SITE_FILE + "end: true\n")
    good = figures("publish", "--site-file", site_file)
    site_file.write_text(SITE_FILE)
    with pytest.raises(BadInput, match="--allow-removals"):
        hemline("publish", "--site-file", site_file)
    assert figures("publish")["edition"] == good["edition"]
    assert figures("publish", "--site-file", site_file, "--allow-removals")["swapped"] is True


def test_a_site_file_with_mistakes_gives_json_to_who_asks_for_it(site_file: Path) -> None:
    site_file.write_text(SITE_FILE.replace("limit", "limt"))
    for command in (("publish", "--site-file"), ("site", "show"), ("site", "diff", site_file)):
        result = hemline(*command, site_file, "--json")
        assert result.exit_code == 1
        found = json.loads(result.stdout)
        assert [one["line"] for one in found["findings"]] == [5]


def test_a_site_file_that_takes_silence_for_something_else_than_the_stack_is_refused(
    site_file: Path,
) -> None:
    asks_first = site_file.read_text().replace("consent_default: true", "consent_default: false")
    site_file.write_text(asks_first)
    with pytest.raises(BadInput, match="hemline run --ask-first"):
        hemline("publish", "--site-file", site_file)


@pytest.mark.parametrize(
    "command", [("site", "check", "x", "--at"), ("publish", "--as-of"), ("report", "cold", "--at")]
)
def test_a_moment_that_is_none_is_refused_with_an_example(command: tuple[str, ...]) -> None:
    result = hemline(*command, "foo")
    assert result.exit_code == 2
    assert "'2026-12-24 18:00' (UTC)" in result.stderr


def test_an_empty_catalogue_is_no_success(site_file: Path, tmp_path: Path) -> None:
    for name, text in (("items.csv", "sku,name,price\n"), ("items.jsonl", "")):
        empty = tmp_path / name
        empty.write_text(text)
        result = hemline("import", "items", empty, "--direct")
        assert result.exit_code == 1
        assert "has nothing to import in it" in result.stderr
        with pytest.raises(BadInput, match="has no item"):
            hemline("site", "check", site_file, "--items", empty)
