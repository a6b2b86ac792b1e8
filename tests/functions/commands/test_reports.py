"""`hemline report cold` and `report variants` against the stores of a stack that runs."""

import json
from pathlib import Path

import msgspec
import pytest

from hemline.model.errors import BadInput
from hemline.usecases.ingest.archive import append, line
from tests.builders.choosing import crowd, seen, token
from tests.harness.commands import SITE_FILE, figures, hemline
from tests.harness.streams import record
from workbench import laptop, stores

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stack")]

DAY = 1_767_225_600_000  # 2026-01-01


def test_the_report_of_new_items_says_who_missed_what_and_ends_so(
    site_file: Path, tmp_path: Path
) -> None:
    figures("publish", "--site-file", site_file)
    with pytest.raises(BadInput, match="states no budget"):
        hemline("report", "cold")
    site_file.write_text(SITE_FILE + "cold_start: {impressions: 2, hours: 10}\n")
    figures("publish", "--site-file", site_file)
    assert "no new items" in hemline("report", "cold").stdout
    lines = [
        {"id": f"item-{name}", "type": "item", "item": name, "time": DAY,
         "properties": {"title": name, "published_at": DAY + hour * 3_600_000}}
        for name, hour in (("late", 10), ("fresh", 20))
    ]  # fmt: skip
    shop = tmp_path / "shop.jsonl"
    shop.write_text("\n".join(map(json.dumps, lines)))
    hemline("import", "events", shop, "--direct")
    result = hemline("report", "cold", "--at", "2026-01-02T01:00:00", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    states = {one["item"]: (one["state"], one["owed"]) for one in found["items"]}
    assert states == {"late": ("missed", 2), "fresh": ("behind", 2)}
    text = hemline("report", "cold", "--at", "2026-01-01T21:00:00")
    assert text.exit_code == 1
    assert "1 missed" in text.stdout


def test_what_a_program_saw_gives_new_items_no_chance(site_file: Path) -> None:
    exploring = "slots:\n  - {name: row, limit: 3, explore: 0.5}\n"
    head = SITE_FILE.partition("slots:")[0]
    site_file.write_text(f"{head}{exploring}cold_start: {{impressions: 2, hours: 10}}\n")
    figures("publish", "--site-file", site_file)
    objects, hour = stores.objects(laptop.running()), 3_600_000

    def told(flags: tuple[str, ...]) -> object:
        seen = [
            msgspec.structs.replace(
                record(f"v:{n}", f"e{n}{flags}", type="exposure", slot="row", time=hour),
                flags=flags,
            )
            for n in range(48)
        ]
        append(objects, [line("s" + "".join(flags), str(n + 1), one) for n, one in enumerate(seen)])
        return figures("report", "cold", "--at", "1970-01-01T02:00:00")["chance_per_hour"]

    assert told(("bot",)) == 0.0
    assert told(()) == 1.0


def test_the_variants_of_a_slot_are_told_with_what_was_seen_of_them(site_file: Path) -> None:
    hero = "  - {name: hero, kind: content, explore: 0.1, variants: [{name: a}, {name: b}]}\n"
    site_file.write_text(SITE_FILE.replace("slots:\n", f"slots:\n{hero}"))
    figures("publish", "--site-file", site_file)
    told = crowd("a", 30, 12) + crowd("b", 30, 3)
    told += [msgspec.structs.replace(seen("v:robot", token("a")), flags=("bot",))]
    mine = [msgspec.structs.replace(one, site=laptop.running().site) for one in told]
    append(
        stores.objects(laptop.running()), [line("s", str(n), one) for n, one in enumerate(mine, 1)]
    )
    (slot,) = figures("report", "variants")["slots"]
    assert (slot["slot"], slot["goal"], slot["exposures"], slot["chosen"]) == (
        "hero",
        "click",
        60,
        60,
    )
    first, second = slot["variants"]
    assert (first["goals"], second["goals"]) == (12, 3)
    assert first["low"] < 12 / 30 < first["high"]
    assert first["estimate"] > second["estimate"] > 0
    assert "hero: 60 exposures" in hemline("report", "variants").stdout
    assert figures("report", "variants", "--at", "1970-01-02")["slots"][0]["exposures"] == 0
