"""The benchmark of the worst request is of the worst request, and compares like with like."""

import json

import pytest

from hemline.runtime.fragments.page_input import MOST_TEXT
from hemline.runtime.fragments.request import MOST_BODY_BYTES, page_request_of
from tests.unit.runtime.fragments.test_fragments_http import asked
from workbench.bench import worst
from workbench.bench.decide import AnswersDiffer


def test_the_body_is_as_long_as_the_door_takes_and_is_taken() -> None:
    body = worst.worst_body()
    assert MOST_BODY_BYTES - 3 <= len(body) <= MOST_BODY_BYTES
    question = page_request_of(asked("POST", body.decode()))
    assert (len(question.slots), len(question.page.url)) == (len(worst.SLOTS), MOST_TEXT)


def test_ours_chooses_the_variants_without_walking_the_whole_address() -> None:
    ours = worst._variants(worst.worst_body())["hemline"]
    assert ours() == [worst.REST] * len(worst.SLOTS)


def test_it_says_so_when_the_two_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    short = json.dumps({"page": {"url": "/"}, "slots": [{"name": n} for n in worst.SLOTS]})
    monkeypatch.setattr(worst, "worst_body", short.encode)
    assert {one.name for one in worst.rows(repeats=1)} == {"hemline", "naive"}
    monkeypatch.setattr(worst, "_theirs", lambda *_: [])
    with pytest.raises(AnswersDiffer, match="variants"):
        worst.rows(repeats=1)
