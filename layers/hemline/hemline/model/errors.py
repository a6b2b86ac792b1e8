"""Every error that Hemline raises on purpose, and nothing about how HTTP spells it.

HemlineError
├── BadInput               the caller can mend it: names the field and the way out
│   ├── UnknownSlot        no slot of that name in the edition
│   ├── UnknownRoute       nothing answers to this path with this method
│   ├── Encoded            a compressed body
│   └── TooLarge           more than one call may carry
├── NotAllowed             a signature or a key does not verify
│   ├── BadToken           a user token does not verify: whoever sends it is nobody
│   └── CrossSite          a page of another site asks in the visitor's name
├── NotDurable             the stream does not hold the events: try again
├── Conflict               somebody else wrote this item since it was read
├── Unavailable            a dependency did not answer in time, or not at all
└── Refused                an edition or a ranker that must not load
"""


class HemlineError(Exception):
    """Base of all of them, so that one handler can catch what we raise and nothing else."""


class BadInput(HemlineError):  # noqa: N818 - named for what the caller reads, as are its siblings
    """Input that the caller can mend: `field` is a JSON pointer or a parameter's name."""

    def __init__(self, field: str, reason: str, way_out: str = "") -> None:
        super().__init__(f"{field}: {reason}" + (f" {way_out}" if way_out else ""))
        self.field, self.reason, self.way_out = field, reason, way_out


class UnknownSlot(BadInput):
    """The edition has no slot of that name."""


class UnknownRoute(BadInput):
    """Nothing answers to this path with this method."""


class Encoded(BadInput):
    """A body in an encoding such as gzip, which nothing here takes off."""


class TooLarge(BadInput):
    """More than one call may carry: send it in several."""


class NotAllowed(HemlineError):  # noqa: N818
    """A signature, token or key does not verify; says nothing about which part."""


class BadToken(NotAllowed):
    """The bearer is no user token of this site; the call is refused rather than taken for a visitor's."""

    field = "Authorization"
    way_out = "Sign the user in again, or leave the header out."


class CrossSite(NotAllowed):
    """A browser made this request for a page of another site, or may have."""

    field = "Origin"
    way_out = (
        "Call from a page of the API's own origin, or name the page's origin in AllowedOrigins."
        " What is no browser sends application/json."
    )


class NotDurable(HemlineError):  # noqa: N818
    """The stream does not hold (all of) the events; `retry_after` in seconds."""

    def __init__(self, reason: str, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Conflict(HemlineError):  # noqa: N818
    """A conditional write lost: read again, fold again, write again."""


class Unavailable(HemlineError):  # noqa: N818
    """A dependency was too slow, throttled, broken or is not there; `dependency` names it."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency, self.reason = dependency, reason


class Refused(HemlineError):  # noqa: N818
    """An edition or ranker that is unsigned, corrupt or of another schema: the last good one stays."""
