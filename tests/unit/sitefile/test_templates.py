"""Mistakes in a site file's templates: each one finding, at the line of its mark."""

import json
import re
from pathlib import Path

import msgspec
from typer.testing import CliRunner

from hemline.adapters.memory import MemoryTable
from hemline.decide.templates.render import SECTION, programs
from hemline.learn.statistics.counts import Statistics
from hemline.model.edition import pack, unpack
from hemline.model.site.site import decode_site, encode_site
from hemline.sitefile.reader import check, read
from hemline.sitefile.review.compare import changes
from hemline.usecases.publishing.build import ArchiveCounts, Made, edition_parts
from tests.builders.editions import NOW, SITE, catalogue
from tests.harness.deciding import ask, decide_for
from workbench import cli

FILE = Path(__file__).resolve().parents[2] / "cases/site/templates.yaml"
GOOD = """
title: T
currency: EUR
consent_default: true
slots:
  - {name: row, template: cards}
templates:
  - name: cards
    html: |
      <ul>{{#items}}<li>{{title}}</li>{{/items}}</ul>
"""


def mistakes() -> dict[int, int]:
    """Number of the mistake → the line after its comment."""
    lines = enumerate(FILE.read_text().splitlines(), start=1)
    found = ((re.match(r"\s*(?:#|\{\{!) (\d+): ", line), at) for at, line in lines)
    return {int(number[1]): at + 1 for number, at in found if number}


def test_each_mistake_is_a_finding_at_its_line() -> None:
    result = CliRunner().invoke(cli.build(), ["site", "check", str(FILE), "--json"])
    assert result.exit_code == 1, result.output
    found = [f for f in json.loads(result.stdout)["findings"] if f["severity"] != "note"]
    told = {number: [f for f in found if f["line"] == line] for number, line in mistakes().items()}
    assert sorted(told) == list(range(1, 17))
    assert {number for number, findings in told.items() if not findings} == set()
    at = set(mistakes().values())
    assert [f for f in found if f["line"] not in at] == []
    assert all(f["problem"] and f["way_out"] and f["field"] for f in found)
    assert len({f["problem"] for f in found}) == len(found)


def test_a_site_with_templates_is_kept_as_it_was_read() -> None:
    checked = check(GOOD)
    assert checked.site is not None, checked.findings
    assert decode_site(encode_site(checked.site)) == checked.site
    assert checked.site.templates[0].html.startswith("<ul>")


def test_publishing_puts_what_slots_use_into_the_edition() -> None:
    site = check(GOOD + "  - {name: spare, html: <b>x</b>}\n").site
    assert site is not None
    counted = ArchiveCounts(catalogue(3), Statistics(), 0, ())
    header, payloads = edition_parts(SITE, site, counted, None, Made(NOW, {}))
    edition = unpack(pack(header, payloads), site=SITE)
    assert list(programs(edition.raw(SECTION))) == ["cards"]
    shown = decide_for(None, ask("row", form="html"), edition, MemoryTable()).fragments["row"].html
    assert shown.startswith(b"<ul><li>Item ")
    assert shown.count(b"<li>") == 3


def test_templates_of_several_files_join() -> None:
    more = "templates:\n  - {name: other, html: '<b>{{titel}}</b>'}\n"
    found = read([("a.yaml", GOOD), ("b.yaml", more)])
    (finding,) = found.findings
    assert (finding.file, finding.line, finding.field) == ("b.yaml", 2, "templates[1].html")


def test_a_difference_of_templates_is_told_by_name() -> None:
    one, two = check(GOOD).site, check(GOOD.replace("<li>", "<li class='c'>")).site
    assert one is not None
    assert two is not None
    (change,) = changes(one, two)
    assert (change.kind, change.name, change.what) == ("template", "cards", "changed")
    assert [field.field for field in change.fields] == ["html"]


def test_a_site_without_templates_has_the_bytes_it_had() -> None:
    plain = check(GOOD.partition("templates:")[0].replace(", template: cards", "")).site
    assert plain is not None
    assert b"template" not in encode_site(plain)
    assert b"template" not in msgspec.json.encode(plain.slots)


def test_a_visitors_local_time_that_only_a_template_shows_is_there() -> None:
    shown = "<p data-h='{{fact.trait.hour}}'>{{fact.trait.season}}</p>"
    site = check(GOOD.replace("<ul>", f"{shown}\n      <ul>")).site
    assert site is not None
    assert site.time.of("Europe/London") is not None
    unasked = check(GOOD).site
    assert unasked is not None
    assert unasked.time.of("Europe/London") is None
