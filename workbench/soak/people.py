"""People with a story: they sign in on devices, say no and yes again, part, ask to be forgotten.

Each story is drawn from the seed and told through the real use cases, with stores that fail and calls
that are cut short, which whoever asked then repeats. Some of it happens between two calls of others, while
what they did is on the stream, and some while ingest is at work. The acts of one story follow one
another; those of different stories, and ingest, do as they like.
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
"""Of one story: enough for shared devices and for somebody with several."""
_EACH = 16
"""Visitors for each story."""
_ACTS = 9
_TRIES = 60
"""A person who asks again and again; each time something else may go wrong."""
_QUIETLY = 0.5
"""Share of what people do between two calls of others; the rest races with ingest."""
_STALE = 0.3
"""Share of a device's calls that still come with the id it had before."""
_TELLING = 0.5
"""Share of the calls after a no that say so themselves; the others leave it to ingest."""
_WORDS: tuple[dict[str, bool], ...] = (
    {Purpose.PERSONALISATION: False},
    dict.fromkeys(DEFAULTS, False),
    dict.fromkeys(DEFAULTS, True),
)
"""What people say."""
_POISONED = "n1"
"""Junk names this one: whoever is forgotten takes it out of quarantine."""


class StoryReach(NamedTuple):
    """How one call reaches the stores."""

    people: PersonStore
    objects: ObjectStore


class SoakWorld(NamedTuple):
    """Where people live; `breathe` lets others go on."""

    reach: Callable[[], StoryReach]
    door: EventStream
    breathe: Callable[[], None] = lambda: None


class Story:
    """Who is in it; `devices`: what a device is called here → the visitor that it is now."""

    def __init__(self, names: Sequence[str], times: Sequence[int]) -> None:
        self.users = [*names[:_USERS]]
        self.devices = {name: name for name in names[_USERS:]}
        self.times = sorted(times, reverse=True)
        self.busy = False

    def subjects(self) -> list[str]:
        """All that have a part in it from the beginning."""
        return [*(f"u:{one}" for one in self.users), *(f"v:{one}" for one in self.devices)]


Act = Callable[[], None]


class People:
    """`said` and `ledger` are told of everything that was asked, and how it was answered."""

    def __init__(self, seed: int, events: int, ledger: Ledger, world: SoakWorld) -> None:
        self.said, self.minted = ledger.said, list[str]()
        self.done: dict[str, int] = dict.fromkeys(_ACTS_OF, 0)
        self.touched: set[str] = set()
        """Whoever did anything by now, and all of their story."""
        self.misled = 0
        """Devices that were made somebody's, or not, against the rules."""
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

    def due(self, now: int, *, quietly: bool = False) -> None:
        """Everything that somebody wanted to do by `now`; some wait for ingest unless `quietly`."""
        self._clock = max(self._clock, now)
        if now < self._next:
            return
        for story in self._stories:
            while story.times and story.times[-1] <= now and not story.busy:
                story.times.pop()
                self._begin(story, quietly or self._rng.random() < _QUIETLY)
        ahead = (story.times[-1] for story in self._stories if story.times and not story.busy)
        self._next = min(ahead, default=EVER)

    def _begin(self, story: Story, quietly: bool) -> None:  # noqa: FBT001 - drawn
        self.touched.update(story.subjects())
        if quietly:
            self._act(story)()
        else:
            story.busy = True
            self._racing.append(story)

    def race(self) -> list[Act]:
        """What is to happen while ingest is at work, once.

        It begins now, after all that the door took by now: a call is over within seconds, and nobody's
        lasts while minutes of events go by.
        """
        taken, self._racing = self._racing, []
        return [partial(self._finish, story, self._act(story)) for story in taken]

    def _finish(self, story: Story, act: Act) -> None:
        act()
        story.busy, self._next = False, 0

    def as_they_are(self, call: EventCall) -> EventCall:
        """A browser's call with the id that its device has by now, and what its person said."""
        subject = call.caller.subject
        if subject is None or subject[2:] not in self._of:
            return call
        now = self._of[subject[2:]].devices[subject[2:]]
        if self._rng.random() >= _STALE:
            call = _renamed(call, f"v:{now}")
        refused = self.said.own(f"v:{now}")
        return call.refusing(refused) if refused and self._rng.random() < _TELLING else call

    @property
    def figures(self) -> dict[str, int]:
        """What people did."""
        return {**self.done, "people forgotten": len(self.said.graves)}

    def _act(self, story: Story) -> Act:
        """Something that somebody of the story can do now; drawn before it begins."""
        kind = self._rng.choices(list(_ACTS_OF), [chance for chance, _ in _ACTS_OF.values()])[0]
        self._clock += 1  # two statements of one person never have the same time
        return _ACTS_OF[kind][1](self, story, self._clock)

    def sign_in(self, story: Story, now: int) -> Act:
        """A user on a device; who is who follows from docs/identity.md."""
        name, user = self._rng.choice(list(story.devices)), self._rng.choice(story.users)

        def act() -> None:
            device = story.devices[name]
            free = self.said.free_for(device, user)
            person = AccountCaller(device, user, country=traits_of(f"v:{device}").country)
            found, span = self._told("signed in", lambda deps: account.identify(person, deps, now))
            visitor = found.linked.visitor
            self.misled += (visitor == device) is not free or found.linked.merged is not free
            self.said.tie(visitor, user, span)
            story.devices[name] = visitor

        return act

    def part(self, story: Story, now: int) -> Act:
        """A device is taken back from a user, where there is one; else somebody signs in."""
        pairs = [(v, u) for u in story.users for v in self.said.visitors(u)]
        if not pairs:
            return self.sign_in(story, now)
        visitor, user = self._rng.choice(pairs)

        def act() -> None:
            _, span = self._told(
                "parted", lambda deps: account.unlink_device(visitor, user, deps, now)
            )
            self.said.tie(visitor, user, span, on=False)

        return act

    def say(self, story: Story, now: int) -> Act:
        """A device or a user says what may be done with their data."""
        subject, choices = self._rng.choice(self._living(story)), self._rng.choice(_WORDS)
        user = subject.startswith("u:")
        person = AccountCaller(None if user else subject[2:], subject[2:] if user else None)
        wanted = {Purpose(purpose): yes for purpose, yes in choices.items()}

        def act() -> None:
            _, span = self._told(
                "said yes or no", lambda deps: account.set_consent(person, wanted, deps, now)
            )
            self.said.say(subject, {purpose.value: yes for purpose, yes in wanted.items()}, span)

        return act

    def forget(self, story: Story, now: int) -> Act:
        """A device or a user asks to be forgotten."""
        subject = self._rng.choice(self._living(story))

        def act() -> None:
            _, span = self._told(
                "asked to be forgotten",
                lambda deps: forget_person.forget(
                    SITE, subject, ForgetDeps(deps.people, deps.objects, STREAM_HOURS), now
                ),
            )
            self.said.bury(subject, now, span)

        return act

    def _living(self, story: Story) -> list[str]:
        """Users may come back; a dead visitor's cookie is gone."""
        devices = {f"v:{one}" for one in story.devices.values()}
        return [*(f"u:{one}" for one in story.users), *sorted(devices - self.said.graves.keys())]

    def _told(self, what: str, ask: Callable[[AccountDeps], T]) -> tuple[T, Span]:
        """The answer, however often it takes to ask, and how long that took."""
        begin = self.said.tick()
        self.done[what] += 1
        for _ in range(_TRIES):
            try:
                found = ask(self._deps())
            except (Unavailable, NotDurable, Killed):
                self._world.breathe()
            else:
                return found, Span(begin, self.said.tick())
        raise RuntimeError(f"somebody {what} {_TRIES} times, and nobody ever answered")

    def _deps(self) -> AccountDeps:
        reach = self._world.reach()
        stream = _Heard(self._world.door, self._ledger)
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
    "parted": (0.13, People.part),
    "said yes or no": (0.3, People.say),
    "asked to be forgotten": (0.15, People.forget),
}
"""What people do → how often, and how."""


class _Heard:
    """The stream's end of the account calls: the books are told what they put there, and how it ended."""

    def __init__(self, inner: EventStream, ledger: Ledger) -> None:
        self._inner, self._ledger = inner, ledger

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """As the stream does it."""
        records = [decode_record(entry.data) for entry in entries]
        try:
            reasons = self._inner.put(entries)
        except Unavailable:
            reasons = ["no answer"] * len(records)
            raise
        finally:
            for record, reason in zip(records, reasons, strict=True):
                self._ledger.told(record, sure=reason is None)
        return reasons


def _renamed(call: EventCall, subject: str) -> EventCall:
    caller = call.caller._replace(subject=subject, traits=traits_of(subject))
    return call._replace(
        caller=caller, sent=tuple(one._replace(subject=subject) for one in call.sent)
    )
