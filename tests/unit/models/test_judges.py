"""The two measurements beside the protocols, on a file of a few lines: what varies, what is hidden."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from hemline.decide.ranking.features.matrix import FEATURES
from models import commands, diversity, newcomers, ranklens
from models.training import TrainingShape
from tests.unit.models.test_protocols import ranklens_file

SMALL = TrainingShape(trees=3, leaves=4, least=1)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (diversity, newcomers):
        monkeypatch.setattr(module, "TRAIN", 12)
    monkeypatch.setattr(newcomers, "EDITION_EVERY", 1)


def test_no_strength_costs_nothing_and_every_strength_is_judged(tmp_path: Path) -> None:
    log = ranklens.read(ranklens_file(tmp_path))
    found = diversity.evaluate(ranklens.examples(log), log.items, SMALL)
    assert [row.strength for row in found] == [*diversity.STRENGTHS] * 3
    plain = [row for row in found if row.strength == 0]
    assert {row.ndcg for row in plain} == {plain[0].ndcg}
    assert all(row.loss == (0.0, 0.0) for row in plain)
    assert all(0 <= row.distance <= 1 for row in found)


def test_hidden_films_have_no_past_where_they_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "_ONE_IN", 2)
    log = ranklens.read(ranklens_file(tmp_path))
    judged = list(newcomers.lists(log))
    assert [bool(one.features) for one in judged] == [False] * 12 + [True] * 8
    ever = FEATURES.index("shown_ever")
    hidden_ones = 0
    for one in judged[12:]:
        known = dict(one.features)
        assert (known["everything"][:, ever] > 0).all()
        assert not known["nothing"][one.hidden, ever].any()
        assert (known["nothing"][~one.hidden, ever] > 0).all()
        hidden_ones += int(one.hidden.sum())
    assert hidden_ones


def test_its_rows_compare_with_nothing_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "_ONE_IN", 2)
    app = Typer()
    commands.register(app)
    monkeypatch.setattr(newcomers, "SHAPE", SMALL)
    path = str(ranklens_file(tmp_path))
    rows = json.loads(CliRunner().invoke(app, ["evaluate", "newcomers", path, "--json"]).stdout)[
        "rows"
    ]
    assert len(rows) == 9
    nothing = [row for row in rows if row["knows"] == "nothing"]
    assert all(np.allclose(row["gain"], 0) for row in nothing)
    assert "strength" in CliRunner().invoke(app, ["evaluate", "diversity", path]).stdout
