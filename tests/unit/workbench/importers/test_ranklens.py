"""RankLens becomes events of the wire: films are items, rankings are exposures, interactions are clicks."""

import json
from collections import Counter

import pytest

from tests.builders.importing import DATA, wire
from workbench.importers import ranklens
from workbench.importers.reading import opened
from workbench.importers.wire import ReadEvent, Unreadable

# ── RankLens ────────────────────────────────────────────────────────────────────────────────


FILM = {
    "event": "item", "id": "e1", "item": "3", "timestamp": "1636907100000",
    "fields": [
        {"name": "title", "value": "Grumpier Old Men"},
        {"name": "vote_cnt", "value": 269.0},
        {"name": "release_date", "value": 8.195904e8},
        {"name": "genres", "value": ["romance", "comedy"]},
        {"name": "tags", "value": ["fishing"] * 90},
        {"name": "director", "value": "howard deutch"},
    ],
}  # fmt: skip
RANKING = {
    "event": "ranking", "id": "r1", "user": "ann", "session": "s", "timestamp": "1636993834000",
    "fields": [], "items": [{"id": "7", "fields": []}, {"id": "3", "fields": []}],
}  # fmt: skip
CLICK = {
    "event": "interaction", "id": "c1", "item": "3", "ranking": "r1", "type": "click",
    "user": "ann", "session": "s", "timestamp": "1636993839000", "fields": [],
}  # fmt: skip


def lens(*lines: object, who: str = "visitor") -> list[ReadEvent]:
    return list(ranklens.events((json.dumps(line).encode() for line in lines), who=who))


def test_a_film_of_the_first_weeks_of_1970_keeps_its_day() -> None:
    (made,) = lens(json.loads(json.dumps(FILM).replace("819590400.0", "345600.0")))
    assert wire(made)["properties"]["published_at"] == "1970-01-05T00:00:00+00:00"


def test_a_film_becomes_an_item_with_its_main_genre_first() -> None:
    event = wire(lens(FILM)[0])
    assert (event["id"], event["item"], event["time"]) == ("e1", "3", 1636907100000)
    assert event["properties"]["categories"] == ["romance", "comedy"]
    assert event["properties"]["published_at"] == 819590400000
    assert event["properties"]["attributes"] == {"director": "howard deutch", "vote_cnt": 269.0}


def test_a_ranking_is_an_exposure_in_shown_order_and_its_click_carries_its_token() -> None:
    shown, click = map(wire, lens(RANKING, CLICK))
    assert shown["type"] == "exposure"
    assert [line["item"] for line in shown["lines"]] == ["7", "3"]
    assert shown["token"] == click["token"] == "r1"
    assert shown["visitor"] == click["visitor"] == "ann"


def test_people_may_become_users_instead() -> None:
    assert wire(lens(CLICK, who="user")[0])["user"] == "ann"


def test_lines_that_are_no_ranklens_are_named() -> None:
    made = lens({"event": "rating", "id": "x", "timestamp": "1"}, CLICK | {"timestamp": "soon"}, 5)
    assert [one.where for one in made if isinstance(one, Unreadable)] == [
        "line 1",
        "line 2",
        "line 3",
    ]


# ── Events, files, batches ──────────────────────────────────────────────────────────────────


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "ranklens").exists(), reason="RankLens is not beside the project")
def test_the_real_ranklens_passes_the_door_whole() -> None:
    with opened(DATA / "ranklens/events.jsonl.gz") as source:
        counts = Counter(wire(made)["type"] for made in ranklens.events(source.lines()))
    assert counts == {"item": 2512, "exposure": 9800, "click": 46125}
