"""The benchmarks compare like with like, and say so when they do not."""

import json

import pytest
import typer
from typer.testing import CliRunner

from workbench.bench import commands, decide, ingest
from workbench.bench.decide import Different
from workbench.bench.measure import Row, Sample, row
from workbench.bench.naive_ingest import NaiveRecord


@pytest.mark.parametrize("size", decide.SIZES)
def test_both_variants_show_the_same_items(size: int) -> None:
    variants = decide._variants(size)
    ours = variants["hemline"]()
    decide.check(ours, variants["naive"]())
    shown = json.loads(ours)
    assert shown["rung"] == "model"
    assert len(shown["items"]) == 10


def test_another_order_is_noticed() -> None:
    ours = decide._variants(100)["hemline"]()
    other = json.loads(ours)
    other["items"].reverse()
    with pytest.raises(Different, match="items"):
        decide.check(ours, json.dumps(other).encode())


def test_a_batch_is_what_both_variants_can_read() -> None:
    records = [NaiveRecord.model_validate_json(data) for data in ingest.batch(3, 219)]
    assert len(records) == 500
    assert len({record.subject for record in records}) == 219
    assert len({record.event.id for record in records}) == 500


def test_a_row_is_for_one_unit_of_work() -> None:
    samples = [Sample(1000.0, [900.0, 1100.0]), Sample(3000.0, [5000.0]), Sample(2000.0, [1000.0])]
    assert row("x", 7, samples, units=10) == Row("x", 7, 200.0, 1050.0, 5000.0, 5000.0)


def test_json_is_one_object_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "rows", lambda **_: [Row("hemline", 100, 1.0, 2.0, 3.0, 4.0)])
    app = typer.Typer()
    commands.register(app)
    result = CliRunner().invoke(app, ["bench", "decide", "--json"])
    assert result.exit_code == 0
    expected = {"name": "hemline", "candidates": 100}
    expected |= {"cpu_us": 1.0, "p50_us": 2.0, "p99_us": 3.0, "per_s": 4.0}
    assert json.loads(result.stdout) == {"rows": [expected]}


def test_variants_that_differ_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(**_: object) -> list[Row]:
        raise Different("items")

    monkeypatch.setattr(decide, "rows", differ)
    app = typer.Typer()
    commands.register(app)
    assert CliRunner().invoke(app, ["bench", "decide"]).exit_code == 1
