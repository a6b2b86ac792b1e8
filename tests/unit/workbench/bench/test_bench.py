"""The benchmarks compare like with like, and say so when they do not."""

import json

import pytest
import typer
from typer.testing import CliRunner

from hemline.adapters.aws.connections import drop_connections
from hemline.model.errors import Conflict
from hemline.usecases.ports import Stored
from workbench.bench import commands, decide, ingest, instant, page, templates
from workbench.bench.decide import AnswersDiffer
from workbench.bench.measure import BenchRow, Timing, row
from workbench.bench.naive import ingest as naive_ingest
from workbench.bench.naive.ingest import NaiveRecord
from workbench.bench.stores import BenchStores
from workbench.bench.world import world


@pytest.mark.parametrize("size", decide.SIZES)
def test_both_variants_show_the_same_items(size: int) -> None:
    variants = decide._variants(size)
    ours = variants["hemline"]()
    decide.check(ours, variants["naive"]())
    shown = json.loads(ours)
    assert shown["rung"] == "model"
    assert len(shown["items"]) == 10


def test_both_variants_show_the_same_page_and_no_item_twice() -> None:
    variants = page.variants_of(world())
    ours = variants["hemline"]()
    page.compare(ours, variants["naive"]())
    shown = [item["id"] for body in ours.values() for item in json.loads(body)["items"]]
    assert len(shown) == len(set(shown)) == 80


def test_a_template_and_jinja_make_the_same_markup() -> None:
    variants = templates.variants_of(world(), 10)
    ours = variants["template"]()
    templates.compare(ours, variants["jinja2"]())
    assert ours.count(b"<li") == variants["default"]().count(b"<li") == 10
    with pytest.raises(AnswersDiffer):
        templates.compare(ours, ours.replace(b"<b>", b"<i>"))


def test_another_order_is_noticed() -> None:
    ours = decide._variants(100)["hemline"]()
    other = json.loads(ours)
    other["items"].reverse()
    with pytest.raises(AnswersDiffer, match="items"):
        decide.check(ours, json.dumps(other).encode())


def test_a_batch_is_what_both_variants_can_read() -> None:
    records = [NaiveRecord.model_validate_json(data) for data in ingest.batch(3, 219)]
    assert len(records) == 500
    assert len({record.subject for record in records}) == 219
    assert len({record.event.id for record in records}) == 500


def test_a_row_is_for_one_unit_of_work() -> None:
    samples = [Timing(1000.0, [900.0, 1100.0]), Timing(3000.0, [5000.0]), Timing(2000.0, [1000.0])]
    assert row("x", 7, samples, units=10) == BenchRow("x", 7, 200.0, 1050.0, 5000.0, 5000.0)


def test_json_is_one_object_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "rows", lambda **_: [BenchRow("hemline", 100, 1.0, 2.0, 3.0, 4.0)])
    app = typer.Typer()
    commands.register(app)
    result = CliRunner().invoke(app, ["bench", "decide", "--json", "--here"])
    assert result.exit_code == 0
    expected = {"name": "hemline", "candidates": 100}
    expected |= {"cpu_us": 1.0, "p50_us": 2.0, "p99_us": 3.0, "per_s": 4.0}
    assert json.loads(result.stdout) == {"rows": [expected]}


def test_variants_that_differ_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(**_: object) -> list[BenchRow]:
        raise AnswersDiffer("items")

    monkeypatch.setattr(decide, "rows", differ)
    app = typer.Typer()
    commands.register(app)
    assert CliRunner().invoke(app, ["bench", "decide", "--here"]).exit_code == 1


def test_the_instant_store_keeps_both_variants_events() -> None:
    with instant.running() as endpoint:
        made = BenchStores(endpoint)
        table = made.table("t")
        table.write_profile("bench", "v:a", b"1", expected=0)
        with pytest.raises(Conflict):
            table.write_profile("bench", "v:a", b"2", expected=0)
        assert table.read_profiles("bench", ["v:a", "v:b"]) == {"v:a": Stored(b"1", 1)}
        records = ingest.batch(0, 60)[:3]
        resource = made.resource("dynamodb")
        naive_ingest.ingest(records, resource.Table("n"), made.resource("s3").Bucket("bbb"), "0")
        kept = naive_ingest.events(resource.Table("n"), "bench", "v:visitor-000")
        assert kept == [(ingest.NOW, "exposure", "item-000")]
        resource.meta.client.close()
    drop_connections()
