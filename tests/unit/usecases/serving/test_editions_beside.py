"""An edition is loaded beside the requests: none waits for a store in trouble, and what came is kept."""

from collections.abc import Callable

import pytest

from hemline.adapters.background import Background
from hemline.adapters.memory import MemoryObjects
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.engine import Engine
from hemline.model.decision import Visit
from hemline.model.edition import Pointer
from hemline.model.errors import Unavailable
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from hemline.usecases.serving.decide_page import Deps, decide
from hemline.usecases.serving.edition_load import Here
from hemline.usecases.serving.editions import FOLLOW_SECONDS, LiveEdition
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.faults.waiting import until
from tests.harness.deciding import ask, table_with

SLOTS = [Slot("for-you", limit=4, deadline_ms=1000)]


class Later:
    """Work that goes on when the test says so, as in a thread that is frozen between requests."""

    def __init__(self, work: Callable[[], Engine]) -> None:
        self._work, self._here = work, list[Here]()
        self.waits: list[float] = []
        started.append(self)

    @property
    def done(self) -> bool:
        return bool(self._here)

    def go_on(self) -> None:
        self._here.append(Here(self._work))

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.done

    def result(self) -> Engine:
        return self._here[0].result()


started: list[Later] = []


class Pieces:
    """A store that gives so many bytes a try, and fails until all are there."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.piece, self.tries = 1 << 30, 0

    def fetch(self, key: str, held: bytearray) -> bool:
        self.tries += 1
        data = self.data.get(key)
        if data is None:
            return False
        held += data[len(held) : len(held) + self.piece]
        if len(held) < len(data):
            raise Unavailable("s3", "broke off")
        return True


class Warm:
    """A warm function with a good edition, and a store in which a newer one lies."""

    def __init__(self) -> None:
        started.clear()
        self.now = 0.0
        self.objects = Pieces()
        self.live = LiveEdition(
            SITE, self.objects, OnnxRanker, KEYS, lambda: self.now, Later, lambda: 0.0
        )
        self.old, self.new = self.put(5), self.put(6)
        self.live.follow(self.pointer(self.old))
        started[0].go_on()
        self.live.settle()
        assert self.digest == self.old

    def put(self, items: int) -> str:
        data, edition = build_file(catalogue(items), SLOTS)
        self.objects.data[edition_object(SITE, edition.digest)] = data
        return edition.digest

    @staticmethod
    def pointer(digest: str) -> Pointer:
        return Pointer(digest, NOW).signed(SITE, KEYS[0])

    @property
    def digest(self) -> str:
        return self.live.engine.snapshot.digest if self.live.engine else ""

    def look(self) -> str:
        return self.live.follow(self.pointer(self.new)).refused


def test_requests_go_on_with_the_last_good_edition_until_the_new_one_is_there() -> None:
    warm = Warm()
    warm.look()
    for _ in range(3):
        assert warm.live.settle() == ""
        assert warm.digest == warm.old
    started[1].go_on()
    warm.live.settle()
    assert warm.digest == warm.new
    assert not warm.live.loading


def test_looks_at_the_same_pointer_begin_no_second_load() -> None:
    warm = Warm()
    for _ in range(4):
        warm.look()
    assert len(started) == 2


def test_a_load_that_breaks_off_goes_on_at_the_next_request_with_what_had_come() -> None:
    warm = Warm()
    warm.objects.piece = len(warm.objects.data[edition_object(SITE, warm.new)]) // 3 + 1
    warm.objects.tries = 0
    warm.look()
    said = []
    for _ in range(10):
        started[-1].go_on()
        said.append(warm.live.settle())
        warm.live.settle()
        if warm.digest == warm.new:
            break
    assert (warm.digest, warm.objects.tries) == (warm.new, 3)
    assert [bool(text) for text in said] == [True, True, False]


def test_a_store_that_gives_nothing_is_asked_again_at_the_next_look_and_no_sooner() -> None:
    warm = Warm()
    warm.objects.piece = 0
    warm.look()
    started[-1].go_on()
    assert "broke off" in warm.live.settle()
    for _ in range(5):
        assert warm.live.settle() == ""
    assert len(started) == 2
    warm.look()
    assert len(started) == 3
    assert warm.digest == warm.old


def test_a_corrupt_edition_that_came_beside_is_refused_for_good() -> None:
    warm = Warm()
    key = edition_object(SITE, warm.new)
    warm.objects.data[key] = warm.objects.data[key][:-1]
    warm.look()
    started[-1].go_on()
    assert warm.live.settle()
    assert (warm.digest, warm.live.loading) == (warm.old, False)
    warm.look()
    assert len(started) == 2, "known to be unfit: not read again"


def test_pieces_that_do_not_belong_together_are_fetched_once_more_from_the_start() -> None:
    warm = Warm()
    key = edition_object(SITE, warm.new)
    whole = warm.objects.data[key]
    warm.objects.piece = len(whole) // 2 + 1
    warm.look()
    started[-1].go_on()
    warm.objects.data[key] = bytes(len(whole))  # the second half comes from something else
    warm.live.settle()
    warm.live.settle()
    started[-1].go_on()
    assert "in pieces" in warm.live.settle()
    warm.objects.data[key], warm.objects.piece = whole, len(whole)
    warm.look()
    started[-1].go_on()
    warm.live.settle()
    assert warm.digest == warm.new


def test_when_the_pointer_goes_back_the_load_is_given_up() -> None:
    warm = Warm()
    warm.look()
    warm.live.follow(warm.pointer(warm.old))
    started[-1].go_on()
    warm.live.settle()
    assert (warm.digest, warm.live.loading) == (warm.old, False)


def test_a_forged_pointer_begins_nothing_and_its_digest_can_still_be_signed_later() -> None:
    warm = Warm()
    forged = Pointer(warm.new, NOW).signed(SITE, b"somebody else's key, long enough")
    assert warm.live.follow(forged).refused
    assert len(started) == 1
    warm.look()
    assert len(started) == 2


def test_a_request_waits_for_a_load_only_while_it_moves_and_within_its_deadline() -> None:
    warm = Warm()
    deps = Deps(SITE, table_with(), warm.live, KEYS, 0.5, lambda: warm.now)
    warm.look()
    (load,) = started[1:]
    for _ in range(4):
        decided = decide(ask("for-you"), Visit("v:ann", consent=True), deps, NOW)
        assert decided.edition == warm.old
    assert load.waits == [0.25], "half of what is left, once: then nothing had come"


def test_functions_that_started_together_do_not_look_together() -> None:
    draws = iter([0.0, 0.5, 1.0])
    now = [0.0]
    pauses = []
    live = LiveEdition(
        SITE, MemoryObjects(), OnnxRanker, KEYS, lambda: now[0], Here, lambda: next(draws)
    )
    for _ in range(3):
        live.follow(None)
        since = now[0]
        while not live.stale:
            now[0] += 0.25
        pauses.append(now[0] - since)
    assert pauses == [FOLLOW_SECONDS, 3.5, 3.0]


def test_in_a_thread_it_is_the_same() -> None:
    warm = Warm()
    live = LiveEdition(SITE, warm.objects, OnnxRanker, KEYS, begin=Background)
    assert live.follow(warm.pointer(warm.old), patience=10).digest == warm.old
    live.follow(warm.pointer(warm.new))
    until(lambda: (live.settle(), live.engine and live.engine.snapshot.digest)[1] == warm.new)


def test_no_thread_to_be_had_is_a_load_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    warm = Warm()
    live = LiveEdition(SITE, warm.objects, OnnxRanker, KEYS, begin=Background)
    monkeypatch.setattr("hemline.adapters.background.Thread", none_left)
    assert "thread" in live.follow(warm.pointer(warm.old)).refused
    monkeypatch.undo()
    assert live.follow(warm.pointer(warm.old), patience=10).digest == warm.old


def test_a_load_on_the_path_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: every request waits for the load until it is there."""
    monkeypatch.setattr(Later, "done", property(lambda self: self._here or self.go_on() or True))
    with pytest.raises(AssertionError):
        test_requests_go_on_with_the_last_good_edition_until_the_new_one_is_there()
