"""Simulated people: they sign in on devices, refuse and consent, unlink devices, ask to be forgotten.

A story is a few users and devices whose acts are drawn from the seed and run through the real use cases.
Stores fail and calls are killed; the person then repeats the call. Some acts happen between two calls of
clients, while earlier events are still on the stream; some race with ingest. The acts of one story follow
one another; acts of different stories may overlap.
"""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from hemline.model.consent import DEFAULTS, Policy, Purpose
from hemline.model.errors import NotDurable, Unavailable
from hemline.model.events.event import decode_record
from hemline.usecases.people import account, forget_person
from hemline.usecases.people.account import AccountCaller, AccountDeps
from hemline.usecases.people.forget_person import ForgetDeps
from hemline.usecases.ports import EventStream, ObjectStore, PersonStore, StreamEntry
from workbench.soak.books.consent_history import EVER, Span
from workbench.soak.books.ledger import Ledger
from workbench.soak.faulty import Killed
from workbench.soak.poison import SITE
from workbench.soak.visitors import SPAN, START, EventCall, traits_of, visitors_of

T = TypeVar("T")
STREAM_HOURS = 48
_USERS, _DEVICES = 2, 3
"""Per story: enough for shared devices and for a user with several."""
_EACH = 16
"""Visitors for each story."""
_ACTS = 9
_TRIES = 60
"""How often a call is repeated; each time another fault may hit it."""
_BETWEEN_CALLS = 0.5
"""Share of acts that happen between two calls of clients; the rest races with ingest."""
_STALE = 0.3
"""Share of a device's calls that still carry its former visitor id."""
_TELLING = 0.5
"""Share of calls after a refusal that carry it in a capsule; for the others ingest must enforce it."""
_WORDS: tuple[dict[str, bool], ...] = (
    {Purpose.PERSONALISATION: False},
    dict.fromkeys(DEFAULTS, False),
    dict.fromkeys(DEFAULTS, True),
)
"""The consent choices that are drawn."""
_POISONED = "n1"
"""Bad records name this visitor, who has no story: forgetting them would empty the quarantine."""


class StoryStores(NamedTuple):
    """The stores as one call sees them, with its own kill and faults."""

    people: PersonStore
    objects: ObjectStore


class SoakWorld(NamedTuple):
    """What account calls need of the soak."""

    stores: Callable[[], StoryStores]
    """A new pair for each call."""
    stream: EventStream
    yield_turn: Callable[[], None] = lambda: None
    """Gives the turn to other actors, between two tries."""


class Story:
    """The users and devices of one story. `devices`: name of a device → its present visitor id."""

    def __init__(self, names: Sequence[str], times: Sequence[int]) -> None:
        self.users = [*names[:_USERS]]
        self.devices = {name: name for name in names[_USERS:]}
        self.times = sorted(times, reverse=True)
        self.busy = False

    def subjects(self) -> list[str]:
        """All users and visitors that it starts with."""
        return [*(f"u:{one}" for one in self.users), *(f"v:{one}" for one in self.devices)]


Act = Callable[[], None]


class People:
    """Runs the stories, and records every call and its answer in `ledger` and `history`."""

    def __init__(self, seed: int, events: int, ledger: Ledger, world: SoakWorld) -> None:
        self.history, self.minted = ledger.history, list[str]()
        self.done: dict[str, int] = dict.fromkeys(_ACTS_OF, 0)
        """Act → how often it happened."""
        self.touched: set[str] = set()
        """Subjects of every story in which something has happened."""
        self.misled = 0
        """Sign-ins that linked, or did not link, a device against the rules."""
        self._ledger, self._world = ledger, world
        self._rng = random.Random(f"{seed} people")
        self._clock = self._next = 0
        self._racing: list[Story] = []
        self._stories = self._drawn(visitors_of(events))
        self._of = {name: story for story in self._stories for name in story.devices}
        for story in self._stories:
            ledger.watched.update(story.subjects())

    def _drawn(self, visitors: int) -> list[Story]:
        size = _USERS + _DEVICES
        names = [f"n{number}" for number in range(visitors) if f"n{number}" != _POISONED]
        count = min(max(10, visitors // _EACH), len(names) // size)
        cast = self._rng.sample(names, count * size)
        return [Story(cast[at : at + size], self._times()) for at in range(0, len(cast), size)]

    def _times(self) -> list[int]:
        acts = self._rng.randint(2, _ACTS)
        return [START + int(SPAN * self._rng.uniform(0.03, 0.93)) for _ in range(acts)]

    def due(self, now: int, *, between_calls_only: bool = False) -> None:
        """Run the acts due by `now` (epoch ms). A part waits for `race`, unless `between_calls_only`."""
        self._clock = max(self._clock, now)
        if now < self._next:
            return
        for story in self._stories:
            while story.times and story.times[-1] <= now and not story.busy:
                story.times.pop()
                self._begin(story, between_calls_only or self._rng.random() < _BETWEEN_CALLS)
        ahead = (story.times[-1] for story in self._stories if story.times and not story.busy)
        self._next = min(ahead, default=EVER)

    def _begin(self, story: Story, at_once: bool) -> None:  # noqa: FBT001 - drawn by chance
        self.touched.update(story.subjects())
        if at_once:
            self._act(story)()
        else:
            story.busy = True
            self._racing.append(story)

    def race(self) -> list[Act]:
        """Take the acts that are to run while ingest is at work."""
        # Made only now: a real call takes seconds, and does not last while minutes of events go by.
        taken, self._racing = self._racing, []
        return [partial(self._finish, story, self._act(story)) for story in taken]

    def _finish(self, story: Story, act: Act) -> None:
        act()
        story.busy, self._next = False, 0

    def with_current_identity(self, call: EventCall) -> EventCall:
        """A browser's call with its device's present visitor id, and perhaps a capsule with refusals."""
        subject = call.caller.subject
        if subject is None or subject[2:] not in self._of:
            return call
        now = self._of[subject[2:]].devices[subject[2:]]
        if self._rng.random() >= _STALE:
            call = _renamed(call, f"v:{now}")
        refused = self.history.own(f"v:{now}")
        return call.refusing(refused) if refused and self._rng.random() < _TELLING else call

    @property
    def figures(self) -> dict[str, int]:
        """Counts for the report."""
        return {**self.done, "people forgotten": len(self.history.forgotten_at)}

    def _act(self, story: Story) -> Act:
        """A random act of the story. All is drawn here, so that a race does not change the draws."""
        kind = self._rng.choices(list(_ACTS_OF), [chance for chance, _ in _ACTS_OF.values()])[0]
        self._clock += 1  # two statements of one person never have the same time
        return _ACTS_OF[kind][1](self, story, self._clock)

    def sign_in(self, story: Story, now: int) -> Act:
        """A user signs in on a device. Whether both are linked follows from docs/identity.md."""
        name, user = self._rng.choice(list(story.devices)), self._rng.choice(story.users)

        def act() -> None:
            device = story.devices[name]
            free = self.history.may_link(device, user)
            person = AccountCaller(device, user, country=traits_of(f"v:{device}").country)
            found, span = self._retry("signed in", lambda deps: account.identify(person, deps, now))
            visitor = found.linked.visitor
            self.misled += (visitor == device) is not free or found.linked.merged is not free
            self.history.link(visitor, user, span)
            story.devices[name] = visitor

        return act

    def unlink(self, story: Story, now: int) -> Act:
        """A device is unlinked from a user; where nothing is linked, somebody signs in instead."""
        pairs = [(v, u) for u in story.users for v in self.history.visitors(u)]
        if not pairs:
            return self.sign_in(story, now)
        visitor, user = self._rng.choice(pairs)

        def act() -> None:
            _, span = self._retry(
                "parted", lambda deps: account.unlink_device(visitor, user, deps, now)
            )
            self.history.link(visitor, user, span, on=False)

        return act

    def say(self, story: Story, now: int) -> Act:
        """A device or a user consents or refuses."""
        subject, choices = self._rng.choice(self._living(story)), self._rng.choice(_WORDS)
        user = subject.startswith("u:")
        person = AccountCaller(None if user else subject[2:], subject[2:] if user else None)
        wanted = {Purpose(purpose): yes for purpose, yes in choices.items()}

        def act() -> None:
            _, span = self._retry(
                "said yes or no", lambda deps: account.set_consent(person, wanted, deps, now)
            )
            self.history.set_consent(
                subject, {purpose.value: yes for purpose, yes in wanted.items()}, span
            )

        return act

    def forget(self, story: Story, now: int) -> Act:
        """A device or a user asks to be forgotten."""
        subject = self._rng.choice(self._living(story))

        def act() -> None:
            _, span = self._retry(
                "asked to be forgotten",
                lambda deps: forget_person.forget(
                    SITE, subject, ForgetDeps(deps.people, deps.objects, STREAM_HOURS), now
                ),
            )
            self.history.forget(subject, now, span)

        return act

    def _living(self, story: Story) -> list[str]:
        """Who can act. A forgotten user may come back; a forgotten visitor's cookie is gone."""
        devices = {f"v:{one}" for one in story.devices.values()}
        return [
            *(f"u:{one}" for one in story.users),
            *sorted(devices - self.history.forgotten_at.keys()),
        ]

    def _retry(self, what: str, ask: Callable[[AccountDeps], T]) -> tuple[T, Span]:
        """Repeat a call until it is answered. Returns the answer and the ticks that it took."""
        begin = self.history.tick()
        self.done[what] += 1
        for _ in range(_TRIES):
            try:
                found = ask(self._deps())
            except (Unavailable, NotDurable, Killed):
                self._world.yield_turn()
            else:
                return found, Span(begin, self.history.tick())
        raise RuntimeError(f"{what}: no answer after {_TRIES} tries")

    def _deps(self) -> AccountDeps:
        reach = self._world.stores()
        stream = _RecordingStream(self._world.stream, self._ledger)
        return AccountDeps(
            SITE, reach.people, reach.objects, stream, self._mint, Policy(), lambda: 0.0
        )

    def _mint(self) -> str:
        self.minted.append(f"m{len(self.minted)}-{self._rng.getrandbits(32):08x}")
        self._ledger.watched.add(f"v:{self.minted[-1]}")
        self.touched.add(f"v:{self.minted[-1]}")
        return self.minted[-1]


_ACTS_OF: dict[str, tuple[float, Callable[[People, Story, int], Act]]] = {
    "signed in": (0.42, People.sign_in),
    "parted": (0.13, People.unlink),
    "said yes or no": (0.3, People.say),
    "asked to be forgotten": (0.15, People.forget),
}
"""Act → its weight, and the method that makes it. The names are in the report."""


class _RecordingStream:
    """The stream of account calls. Records in the ledger what was put and whether it was acknowledged."""

    def __init__(self, inner: EventStream, ledger: Ledger) -> None:
        self._inner, self._ledger = inner, ledger

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """Put entries, and record each."""
        records = [decode_record(entry.data) for entry in entries]
        try:
            reasons = self._inner.put(entries)
        except Unavailable:
            reasons = ["no answer"] * len(records)
            raise
        finally:
            for record, reason in zip(records, reasons, strict=True):
                self._ledger.account_record(record, sure=reason is None)
        return reasons


def _renamed(call: EventCall, subject: str) -> EventCall:
    caller = call.caller._replace(subject=subject, traits=traits_of(subject))
    return call._replace(
        caller=caller, sent=tuple(one._replace(subject=subject) for one in call.sent)
    )
