"""Training and export: exact, repeatable, refused when ONNX and LightGBM disagree; metrics by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model.errors import BadInput, Refused
from hemline.model.events.event import Event, Record
from hemline.model.keys import ranker_object
from hemline.usecases.ingest.archive import append, line
from models import commands, fitting, sources
from models import export as exporting
from models.demo import examples, log_of
from models.examples import Example, answers, every, rows, shown_lists, turns
from models.export import TOLERANCE, disagreement, export
from models.logs import of_wire
from models.metrics import ndcg, paired, summary
from models.replay import ReplayWorld, Rows
from models.training import TrainingShape, floor32, floored, predict, train
from workbench import laptop, stores
from workbench.laptop import Running

NAMES = tuple(f"f{n}" for n in range(6))
SMALL = TrainingShape(trees=8, leaves=6, least=5)
RNG = np.random.default_rng(0)


def made_up(lists: int = 150, size: int = 12) -> Rows:
    features = RNG.normal(size=(lists * size, len(NAMES))).astype(np.float32)
    liked = features[:, 0] + features[:, 1] * features[:, 2] > 1
    return Rows(features, liked.astype(np.int32), np.full(lists, size, np.int32))


ROWS = made_up()


def test_onnx_and_lightgbm_agree_on_every_row() -> None:
    booster = train(ROWS, SMALL, NAMES)
    files = export(booster, NAMES, ROWS.features, {"metrics": {}})
    assert disagreement(booster, files, ROWS.features) <= TOLERANCE
    assert OnnxRanker(*files).feature_names == NAMES
    assert json.loads(files.card)["metrics"] == {}


def on_the_threshold() -> tuple[lgb.Booster, np.ndarray]:
    """Trees whose thresholds are no float32, and rows that lie right beside them."""
    values = np.repeat(np.arange(1, 41, dtype=np.float64) / 3, 10)[:, None]
    labels = (np.arange(400) // 10 % 2).astype(np.int32)
    data = lgb.Dataset(values, labels, params={"min_data_in_bin": 1, "verbose": -1})
    quick = {"objective": "regression", "min_data_in_leaf": 1, "verbose": -1, "num_threads": 1}
    booster = lgb.train(quick, data, 5)
    text = booster.model_to_string()
    cuts = [
        float(value)
        for line in text.splitlines()
        if line.startswith("threshold=")
        for value in line.removeprefix("threshold=").split()
    ]
    near = np.array(cuts, np.float32)
    beside = [near, np.nextafter(near, np.float32(-1)), np.nextafter(near, np.float32(99))]
    return booster, np.concatenate(beside)[:, None]


def test_rows_on_a_threshold_are_why_thresholds_are_floored() -> None:
    booster, beside = on_the_threshold()
    exact = floored(booster)
    assert np.array_equal(predict(exact, beside), predict(booster, beside))
    export(exact, ("x",), beside, {})
    with pytest.raises(Refused, match="differ"):
        export(booster, ("x",), beside, {})


def test_a_ranker_that_disagrees_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    booster = train(ROWS, SMALL, NAMES)
    monkeypatch.setattr(exporting, "predict", lambda of, x: predict(of, x) + 1e-3)
    with pytest.raises(Refused, match="differ"):
        export(booster, NAMES, ROWS.features, {})


@pytest.mark.parametrize("value", [0.1, -0.1, 1 / 3, 1e-35, 16777217.0, 0.5])
def test_a_floored_number_is_the_greatest_float32_not_above(value: float) -> None:
    low = floor32(value)
    assert low <= value < float(np.nextafter(np.float32(low), np.float32(np.inf)))


def test_training_is_repeatable() -> None:
    first, second = (export(train(ROWS, SMALL, NAMES), NAMES, ROWS.features, {}) for _ in "ab")
    assert first == second


def test_ndcg_by_hand() -> None:
    rng = np.random.default_rng(0)
    assert ndcg([3, 2, 1], [0, 1, 0], rng) == pytest.approx(1 / np.log2(3))
    assert ndcg([3, 2, 1], [1, 0, 0], rng) == 1.0
    # One of two relevant items was never a candidate.
    assert ndcg([3, 2], [1, 0], rng, wanted=2) == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert ndcg([3, 2], [0, 0], rng) == 0.0
    ties = [ndcg([0, 0, 0], [1, 0, 0], rng) for _ in range(600)]
    assert np.mean(ties) == pytest.approx((1 + 1 / np.log2(3) + 0.5) / 3, abs=0.03)


def test_the_standard_error_and_the_paired_interval() -> None:
    values = RNG.random(400)
    assert summary(values).se == pytest.approx(values.std(ddof=1) / 20)
    low, high = paired(values + 0.1, values)
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)


def wire(event_id: str, kind: str, time: int, **members: object) -> bytes:
    return json.dumps(
        {"id": event_id, "type": kind, "time": time, "visitor": "1", **members}
    ).encode()


DAY = 86_400_000
LOG = of_wire(
    [
        wire("i-a", "item", 1, item="a", properties={"title": "A"}),
        wire("i-b", "item", 1, item="b", properties={"title": "B"}),
        wire("x", "exposure", DAY, token="t", slot="s", lines=[{"item": "a"}, {"item": "b"}]),
        wire("c", "click", DAY + 1, item="b", token="t", slot="s"),
        wire("p", "purchase", DAY + 9, lines=[{"item": "b"}]),
        wire("y", "exposure", 2 * DAY, token="u", slot="s", lines=[{"item": "a"}, {"item": "b"}]),
        wire("d", "click", 2 * DAY + 1, item="a", token="u", slot="s"),
    ],
    "demo",
)


def lists() -> list[Example]:
    world = ReplayWorld("demo")
    world.stock(LOG.items)
    return list(shown_lists(world, LOG.records, turns(LOG.records)))


def test_a_list_is_labelled_by_the_deepest_thing_that_followed() -> None:
    first, second = lists()
    assert first.gains.tolist() == [0, 3]
    assert second.gains.tolist() == [1, 0]
    assert first.slot == "s"
    assert answers(LOG.records)["t", "b"] == [(DAY + 1, 1)]


def test_features_hold_only_what_came_before_the_list() -> None:
    first, second = lists()
    engaged, bought = FEATURES.index("own_engaged"), FEATURES.index("own_bought")
    assert not first.known
    assert first.features[:, [engaged, bought]].max() == 0
    assert second.known
    assert second.features[1, [engaged, bought]] == pytest.approx([np.log(2)] * 2)
    assert second.features[0, [engaged, bought]].max() == 0


def test_an_edition_is_due_at_each_turn_of_the_clock_or_after_so_many_lists() -> None:
    turn = every(10)
    assert [turn(n, time) for n, time in enumerate((3, 7, 12, 19, 40))] == [1, 0, 1, 0, 1]
    assert [turns(LOG.records[:2])(n, 0) for n in (0, 1, 20)] == [1, 0, 1]


@pytest.fixture(scope="module")
def simulated() -> list[Example]:
    return list(examples(seeds=(3,), visitors=400))


def test_a_ranker_learns_from_simulated_visitors_and_its_card_says_how_well(
    simulated: list[Example], tmp_path: Path
) -> None:
    fitted = fitting.fit(simulated, "test", shape=SMALL, more=lambda _score: {"more": 1})
    sources.folder(tmp_path / "new")(fitted.files)
    onnx = (tmp_path / "new/ranker.onnx").read_bytes()
    card = (tmp_path / "new/ranker.json").read_bytes()
    ranker = OnnxRanker(onnx, card)
    assert ranker.feature_names == FEATURES
    assert json.loads(card)["more"] == 1
    assert {row["model"] for row in json.loads(card)["metrics"]["rows"]} == {
        "hemline",
        "popularity",
    }
    assert np.isfinite(ranker.score(rows(simulated).features)).all()


def test_too_little_to_learn_from_is_said(simulated: list[Example]) -> None:
    with pytest.raises(BadInput, match="lists to train on"):
        fitting.fit(simulated[:9], "test")


def test_a_log_without_lists_teaches_by_what_was_bought_next() -> None:
    events: Iterator[bytes] = (
        wire(f"p{n}-{who}", "purchase", n * DAY, visitor=str(who), lines=[{"item": f"i{who % 5}"}])
        for n in range(1, 6)
        for who in range(20)
    )
    items = [wire(f"i-{n}", "item", 1, item=f"i{n}", properties={"title": "x"}) for n in range(5)]
    found = sources.learnt(of_wire([*items, *events], "demo"), "", lambda: None)
    assert len(found) >= 60
    assert all(one.known and one.gains.any() for one in found)


def test_the_archive_teaches_and_the_next_edition_finds_the_ranker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects, stack = MemoryObjects(), Running(1, "", "", "", "demo", "", "", "", "")
    log = log_of(seed=3, visitors=300)
    items = [
        Record("demo", "v:1", 1, Event(f"i-{i.id}", "item", 1, i.id, properties={"title": i.title}))
        for i in log.items
    ]
    numbered = enumerate([*items, *log.records], start=1)
    append(objects, [line("shard-0", str(n), record) for n, record in numbered])
    monkeypatch.setattr(stores, "objects", lambda _stack: objects)
    monkeypatch.setattr(stores, "table", lambda _stack: MemoryTable())
    monkeypatch.setattr(laptop, "running", lambda: stack)
    app = Typer()
    commands.register(app)
    app.command("other")(lambda: None)
    answer = CliRunner().invoke(app, ["train", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["protocol"] == "held-out visitors"
    files = [objects.get(ranker_object("demo", name)) for name in ("ranker.onnx", "ranker.json")]
    assert OnnxRanker(*(data or b"" for data in files)).feature_names == FEATURES


def test_the_shipped_ranker_loads_and_takes_the_features_that_are_made() -> None:
    onnx = (sources.SHIPPED / "ranker.onnx").read_bytes()
    card = (sources.SHIPPED / "ranker.json").read_bytes()
    assert OnnxRanker(onnx, card).feature_names == FEATURES
