"""Ada, her devices and Bob in stores of their own, and what is left of a person there, byte by byte."""

from collections.abc import Iterator

from hemline.usecases.people.forget_person import ForgetDeps, Forgotten, forget
from hemline.usecases.people.forget_register import Forgetting
from hemline.usecases.people.link import link, unlink
from hemline.usecases.ports import PersonItem, Stored
from tests.builders.people import NOW, SITE, World
from tests.builders.versions import VersionedObjects

PHONE, TABLET, OFFICE = "phone-9Zk3", "tablet-7Qw1", "office-4Tz8"
"""Devices: the first two are Ada's, the third was hers once and is cut off."""
ADA, BOB = "ada-uS3r", "bob-uS3r"
ALL = (f"v:{PHONE}", f"v:{TABLET}", f"v:{OFFICE}", f"u:{ADA}", f"u:{BOB}")
HOURS = 48
LATER = NOW + 10_000
"""When somebody is forgotten: after all that was said until then."""


class People(World):
    """A world in which everybody has done something already."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket = VersionedObjects()
        self.ingest = self.ingest._replace(objects=self.bucket)
        self.forgetting = ForgetDeps(self.table, self.bucket, HOURS)
        for device in (PHONE, TABLET, OFFICE):
            link(device, ADA, self.deps)
        for subject in ALL * 2:
            self.act(subject)
        self.catch_up()
        unlink(OFFICE, ADA, self.deps)

    def catch_up(self) -> None:
        """Deliver the whole stream, what was delivered before included."""
        self.deliver(self.stream)

    def forget(self, subject: str, at: int = LATER) -> Forgotten:
        """As the account function and the operator do."""
        return forget(SITE, subject, self.forgetting, at)

    def parts(self) -> Iterator[tuple[str, PersonItem, Stored]]:
        """All that the table holds."""
        for (_, subject, part), stored in sorted(self.table._parts.items()):
            yield subject, part, stored

    def left_of(self, *subjects: str) -> list[str]:
        """Where in the table something of them is: parts of theirs with bytes, parts that name them."""
        names = [subject[2:].encode() for subject in subjects]
        return [
            f"{subject} {part}"
            for subject, part, stored in self.parts()
            if (subject in subjects and stored.blob) or any(n in stored.blob for n in names)
        ]

    def buried(self, subject: str) -> bool:
        """Whether there is a tombstone, and an entry on the register."""
        entered = Forgetting(self.bucket, SITE).forgets(subject, LATER)
        return entered and self.part(subject).standing.forgotten >= LATER
