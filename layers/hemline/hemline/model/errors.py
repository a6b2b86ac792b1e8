"""Every error that Hemline raises on purpose. Knows nothing of HTTP statuses.

HemlineError
├── BadInput               the caller can fix it: names the field and the way out
│   ├── UnknownSlot        the edition has no slot of that name
│   ├── UnknownRoute       no route for this path and method
│   ├── Encoded            a compressed body
│   └── TooLarge           more than one call may carry
├── NotAllowed             a signature or a key does not verify
│   ├── BadToken           a user token does not verify
│   └── CrossSite          a page of another site made the request
├── NotDurable             the stream does not hold the events: try again
├── Conflict               another writer changed this item since it was read
├── Unavailable            a dependency was late or failed
└── Refused                an edition, ranker or stored value that must not load
"""


class HemlineError(Exception):
    """Base class, so that one handler catches what we raise and nothing else."""


class BadInput(HemlineError):  # noqa: N818 - the tree names outcomes: BadInput, not BadInputError
    """Input that the caller can fix: `field` is a path such as `lines[0].item` or a parameter's name."""

    def __init__(self, field: str, reason: str, way_out: str = "") -> None:
        super().__init__(f"{field}: {reason}" + (f" {way_out}" if way_out else ""))
        self.field, self.reason, self.way_out = field, reason, way_out


class UnknownSlot(BadInput):
    """The edition has no slot of that name."""


class UnknownRoute(BadInput):
    """No route has this path and method."""


class Encoded(BadInput):
    """A body with a content encoding such as gzip, which is not supported."""


class TooLarge(BadInput):
    """More than one call may carry: send it in several."""


class NotAllowed(HemlineError):  # noqa: N818 - see BadInput
    """A signature, token or key does not verify; does not say which part."""


class BadToken(NotAllowed):
    """The bearer is no user token of this site: the call is refused, not treated as the visitor's."""

    field = "Authorization"
    way_out = "Sign the user in again, or leave the header out."


class CrossSite(NotAllowed):
    """A page of another site made this request, or may have."""

    field = "Origin"
    way_out = (
        "Call from a page of the API's own origin, or name the page's origin in AllowedOrigins."
        " What is no browser sends application/json."
    )


class NotDurable(HemlineError):  # noqa: N818 - see BadInput
    """The stream does not hold all of the events; `retry_after` in seconds."""

    def __init__(self, reason: str, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Conflict(HemlineError):  # noqa: N818 - see BadInput
    """A conditional write failed: read again, fold again, write again."""


class Unavailable(HemlineError):  # noqa: N818 - see BadInput
    """A dependency was too slow, throttled, broken or missing; `dependency` names it."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency, self.reason = dependency, reason


class Refused(HemlineError):  # noqa: N818 - see BadInput
    """An edition, ranker or stored value is unsigned, corrupt or of another schema: it is not used."""
