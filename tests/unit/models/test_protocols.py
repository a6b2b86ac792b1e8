"""The two protocols on files of a few lines: what counts, what is known when, what is judged."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from hemline.decide.ranking.features.matrix import FEATURES
from models import commands, online_retail, ranklens
from models.examples import Example
from models.online_retail import START, TEST, VALID, Catalogue
from models.results import OURS, compare
from models.training import TrainingShape

SMALL = TrainingShape(trees=3, leaves=4, least=1)


def ranklens_file(folder: Path, rankings: int = 30) -> Path:
    lines: list[dict[str, object]] = [
        {
            "event": "item",
            "id": f"e{n}",
            "item": str(n),
            "timestamp": "1000",
            "fields": [{"name": "title", "value": f"Film {n}"}, {"name": "genres", "value": ["x"]}],
        }
        for n in range(5)
    ]
    for n in range(rankings):
        when, user = str(2000 + n), f"u{n % 6}"
        shown = [{"id": str(item)} for item in (n % 5, (n + 1) % 5, 77)]
        head = {"timestamp": when, "user": user, "session": user, "fields": []}
        lines.append({"event": "ranking", "id": f"r{n}", "items": shown, **head})
        if n % 3:
            click = {"event": "interaction", "type": "click", "ranking": f"r{n}", "id": f"c{n}"}
            lines.append({**click, "item": str(n % 5), **head})
    path = folder / "events.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    return path


def test_p1_judges_rankings_with_a_click_and_keeps_films_without_a_record(tmp_path: Path) -> None:
    log = ranklens.read(ranklens_file(tmp_path))
    assert [item.id for item in log.items] == ["0", "1", "2", "3", "4", "77"]
    found = ranklens.examples(log)
    assert len(found) == 20
    assert all(one.gains.tolist() == [1, 0, 0] for one in found)
    assert not found[0].known
    assert found[-1].known


def test_p1_trains_on_the_first_lists_and_judges_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranklens, "TRAIN", 12)
    found = ranklens.examples(ranklens.read(ranklens_file(tmp_path)))
    result = ranklens.evaluate(found, SMALL)
    assert result.lists == 8
    figures: Any = result.as_json()
    rows = {row["model"]: row for row in figures["rows"]}
    assert set(rows[OURS]) == {"model", "ndcg@10", "se"}
    assert rows["shown order"]["ndcg@10"] == 1.0


def test_evaluate_prints_one_json_object_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranklens, "TRAIN", 12)
    app = Typer()
    commands.register(app)
    path = str(ranklens_file(tmp_path))
    answer = CliRunner().invoke(app, ["evaluate", "ranklens", path, "--json"])
    assert answer.exit_code == 0
    assert set(json.loads(answer.stdout)) == {"protocol", "rows"}
    table = CliRunner().invoke(app, ["evaluate", "ranklens", path])
    assert "hemline" in table.stdout


HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def retail_file(folder: Path) -> Path:
    days = ["2011-08-01", "2011-08-30", "2011-09-10", "2011-10-20", "2011-11-05", "2011-11-20"]
    lines = [HEADER]
    for n, day in enumerate(days):
        for customer in range(8):
            number = 1000 + n * 10 + customer
            for item in (customer, 90 + n):
                row = f"{number},{10000 + item},THING {item},2,{day} 10:0{customer}:00,{n + 1}.5"
                lines.append(f"{row},{customer + 1}.0,United Kingdom")
    lines.append("C9,10001,RETURNED,-1,2011-11-21 09:00:00,1,1.0,United Kingdom")
    lines.append("3000,10001,THING 1,1,2011-11-22 09:00:00,1,99.0,France")
    path = folder / "retail.csv"
    path.write_text("\n".join(lines))
    return path


def test_p3_knows_no_item_name_or_price_before_its_day(tmp_path: Path) -> None:
    catalogue = Catalogue(online_retail.read(retail_file(tmp_path)).rows)
    early = {item.id: item for item in catalogue.before("2011-08-15")}
    assert "10090" in early
    assert "10091" not in early
    assert early["10001"].price == 1.5
    later = catalogue.before("2011-11-30")
    assert [item.id for item in later[: len(early)]] == list(early)
    assert {item.id: item.price for item in later}["10002"] == 6.5


def test_p3_foretells_each_invoice_from_what_came_before_it(tmp_path: Path) -> None:
    found = online_retail.examples(online_retail.read(retail_file(tmp_path)))
    assert [one.time >= START for one in found] == [True] * 33
    assert sum(START <= one.time < VALID for one in found) == 16
    first, last = found[0], found[-1]
    assert first.wanted == 2
    # The customer's own item is a candidate; what nobody had bought before that day is not.
    assert first.gains.sum() == 1
    assert first.features[first.gains > 0, FEATURES.index("own_bought")] == pytest.approx(np.log(3))
    assert not last.known
    assert last.wanted == 1


def test_p3_serves_customers_without_history_by_popularity(tmp_path: Path) -> None:
    found = online_retail.examples(online_retail.read(retail_file(tmp_path)))
    result = online_retail.evaluate(found, SMALL)
    assert result.lists == sum(one.time >= TEST for one in found)
    assert {row.model for row in result.rows} >= {OURS, "popularity", "own frequency", "random"}


def test_all_rankers_are_judged_on_the_same_lists_and_misses_count() -> None:
    features = np.zeros((2, len(FEATURES)), np.float32)
    lists = [
        Example(
            "v:1", 0, np.arange(2, dtype=np.int32), features, np.array([0, 1], np.int32), w, True
        )
        for w in (1, 2, 3)
    ]
    result = compare("P", lists, {OURS: lambda _: [0, 1], "other": lambda _: [1, 0]})
    ours, other = result.rows
    assert ours.model == OURS
    assert ours.ndcg > other.ndcg
    assert ours.against is None
    assert other.against is not None
    assert other.against[0] > 0
