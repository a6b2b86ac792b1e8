"""Receipts of users replay: with the logs of the visitors who were linked to them then, and no others."""

import itertools
import time

import pytest

from hemline.adapters.memory import MemoryStream
from hemline.model.consent import Policy
from hemline.model.decision import Fragment, Visit
from hemline.model.errors import Refused
from hemline.model.events.event import decode_record
from hemline.model.site.slot import Slot
from hemline.usecases.people.account import AccountCaller, AccountDeps, identify, unlink_device
from hemline.usecases.receipts import people
from hemline.usecases.receipts.replay import replay
from tests.builders.editions import NOW, SITE, ScoreByPrice, catalogue
from tests.builders.receipts import World
from tests.harness.deciding import acts, ask

FOR_YOU = Slot("for-you", limit=6, explore=0.4, diversity=0.3)
PHONE = acts("v:phone", ["i1", "i5", "i9"])
DESK = acts("v:desk", ["i3", "i7"], "purchase")
ANN = acts("u:ann", ["i2", "i6"], "add_to_cart")


class Site:
    """A world whose people sign in and are taken apart again, the stream drained after each step."""

    def __init__(self) -> None:
        self.world = World(catalogue(24), (FOR_YOU,), history=[*PHONE, *ANN], ranker=ScoreByPrice())
        self.world.arrive(PHONE, "s2")
        self.world.arrive(DESK, "s2")
        self.world.arrive(ANN)
        self.stream, self.drained = MemoryStream(), 0
        self.clock = itertools.count(NOW)
        self.deps = AccountDeps(
            SITE, self.world.table, self.world.objects, self.stream, str, Policy(), time.monotonic
        )

    def sign_in(self, visitor: str) -> None:
        assert identify(AccountCaller(visitor, "ann"), self.deps, next(self.clock)).linked.merged
        self._drain()

    def take_apart(self, visitor: str) -> None:
        unlink_device(visitor, "ann", self.deps, next(self.clock))
        self._drain()

    def _drain(self) -> None:
        left = self.stream.entries[self.drained :]
        self.world.arrive([decode_record(entry.data) for entry in left])
        self.drained += len(left)

    def shown(self, subject: str = "u:ann") -> Fragment:
        return self.world.decide(ask("for-you"), Visit(subject, consent=True)).fragments["for-you"]

    def replays(self, fragment: Fragment, subject: str = "") -> bool:
        again = replay(self.world.scene(fragment, subject))
        return not again.differences and again.fragment.body == fragment.body


def story() -> tuple[Site, list[Fragment]]:
    """What Ann was shown between signing in on two devices, being active, and being taken apart."""
    site = Site()
    found = [site.shown()]
    site.sign_in("phone")
    found.append(site.shown())
    site.world.arrive(acts("v:phone", ["i11"], "click", NOW - 500), "s2")
    site.world.arrive(acts("u:ann", ["i12"], "click", NOW - 400))
    found.append(site.shown())
    site.sign_in("desk")
    found.append(site.shown())
    site.take_apart("phone")
    found.append(site.shown())
    site.world.arrive(acts("v:phone", ["i13"], "click", NOW - 300), "s2")
    site.world.arrive(acts("v:desk", ["i14"], "click", NOW - 200), "s2")
    found.append(site.shown())
    return site, found


def test_each_receipt_of_a_user_replays_after_all_that_came_later() -> None:
    site, found = story()
    assert len({fragment.body for fragment in found}) > 3
    assert [site.replays(fragment) for fragment in found] == [True] * len(found)


def test_a_visitors_own_receipt_replays_without_anybody_s_log() -> None:
    site, _ = story()
    fragment = site.shown("v:phone")
    site.world.arrive(acts("u:ann", ["i15"], "click", NOW - 100))
    assert site.replays(fragment)


def test_without_the_linked_logs_a_users_receipt_does_not_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, found = story()
    monkeypatch.setattr(people, "_over_time", lambda _: [frozenset()])
    with pytest.raises(Refused):
        site.replays(found[1])
