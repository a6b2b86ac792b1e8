"""The composition root of the publish function, and what a caller may ask of it."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.adapters.onnx.bounded import try_ranker
from hemline.model.consent import Policy
from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.model.errors import BadInput
from hemline.model.input.refusals import Refusals
from hemline.model.site.site import Site
from hemline.runtime.limits import Clients
from hemline.runtime.settings import Settings
from hemline.sitefile.accept import reviewed
from hemline.usecases.publishing.publish import NOTHING_GIVEN, Given, PublishDeps
from hemline.usecases.publishing.ranker import Tried
from hemline.usecases.sites.live_site import read_site

_SKEW_MS = 5 * MINUTE_MS
"""Tolerated clock difference."""
_OLD_MS = DAY_MS


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may send; a schedule's event is none of this and means: publish."""

    site: str
    site_file: str | None = None
    """The text of a site file (YAML) to check and publish; in force once that edition is live."""
    allow_removals: bool = False
    """The site file may lack much of what the live one has; otherwise that is taken for half a file."""
    rollback: bool | str = False
    """True: to the edition before the live one; or the first digits of an edition."""
    built: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Epoch ms to publish as of, instead of now."""
    live_anyway: bool = False
    """Also when `built` is long ago."""

    @property
    def wanted(self) -> str:
        """The first digits of the edition to go back to; empty: the one before the live one."""
        return self.rollback if isinstance(self.rollback, str) else ""


def wire(settings: Settings, clients: Clients) -> PublishDeps:
    """Stores on AWS, or on the laptop's emulator."""
    return PublishDeps(
        S3Objects(clients("s3"), settings.bucket),
        DynamoTable(clients("dynamodb"), settings.table),
        settings.keys,
        check_ranker,
    )


def check_ranker(onnx: bytes, card: bytes) -> Tried:
    """Tries it out in a process of its own. Raises Refused when the fragments function must not ask it."""
    answer = try_ranker(onnx, card)
    return Tried(answer.features, answer.notes)


def command_of(event: dict[str, object], site: str) -> Command | None:
    """What is asked, or None for a schedule. Raises BadInput, also when it is for another site."""
    if "detail-type" in event or event.get("source") in ("aws.events", "aws.scheduler"):
        return None
    try:
        command = msgspec.convert(event, Command)
    except msgspec.ValidationError as error:
        raise _REFUSALS.of(error) from None
    if command.site != site:
        raise BadInput("site", f"{command.site} is not served here.", f"This stack serves {site}.")
    return command


_REFUSALS = Refusals(
    "event",
    {
        "": 'Send {"site": NAME}.',
        "site": "Send the name of the site that this stack serves.",
        "site_file": "Send the text of a site file, YAML.",
        "rollback": "Send true, or the first digits of an edition.",
        "allow_removals": "Send true when the site file is meant to lose what it loses, or leave it out.",
        "live_anyway": "Send true when an old `built` is meant to go live, or leave it out.",
        "built": "Send whole epoch milliseconds, 1 or more.",
    },
    {"": "A command has site, site_file, allow_removals, rollback, built and live_anyway."},
)


def compile_site(text: str, settings: Settings) -> Site:
    """A site file's text. Raises BadInput with every error, a line each."""
    found = reviewed([("", text)], now=0)  # errors are what no time changes
    if found.site is None:
        lines = "\n".join(finding.text("site file") for finding in found.errors)
        reason = f"{len(found.errors)} mistakes:\n{lines}"
        raise BadInput("site_file", reason, "\nMend them: hemline site check FILE tells the same.")
    check_consent(found.site, stack_says=settings.policy)
    return found.site


def given_by(command: Command, settings: Settings) -> Given:
    """The site file of a command, checked; nothing without one. Raises BadInput."""
    if command.site_file is None:
        return NOTHING_GIVEN
    site = compile_site(command.site_file, settings)
    return Given(site, allow_removals=command.allow_removals)


def build_time_of(command: Command, now: int) -> int:
    """What the edition is to be as of (epoch ms). Raises BadInput for one that is not of about now."""
    if command.built is not None:
        check_build_time(command.built, now, "built", anyway=command.live_anyway)
    return command.built or now


def check_build_time(built: int, now: int, field: str, *, anyway: bool) -> None:
    """Raises BadInput for an edition that would show another day's rules, prices and dates.

    None of the future, whatever is asked: the schedule leaves everything alone that is older than the newest.
    """
    what = _spelled(built)
    if built > now + _SKEW_MS:
        way_out = "To see what will hold then: hemline site show --at, hemline preview."
        raise BadInput(
            field, f"{what} is still to come, and an edition goes live at once.", way_out
        )
    if built < now - _OLD_MS and not anyway:
        raise BadInput(
            field,
            f"{what} is {(now - built) // _OLD_MS:,} days ago, and an edition goes live at once.",
            "The schedule would leave it so until the next publish. When that is meant:"
            " --live-anyway (a command: live_anyway).",
        )


def _spelled(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"


def check_live(places: PublishDeps, settings: Settings) -> None:
    """Raises BadInput when there is no site file yet, or when this stack must not serve the live one."""
    site = read_site(settings.site, places.objects, places.pointers)
    check_consent(site, stack_says=settings.policy)


def check_consent(site: Site, *, stack_says: Policy) -> None:
    """Raises BadInput unless site file and stack have the same default consent.

    Collect does not read the site file. If only the file asked first, visitors would be recorded before
    they were asked.
    """
    said = site.consent.policy(default=site.consent_default)
    option = "--no-ask-first" if said.default else "--ask-first"
    for field, parameter, in_file, in_stack in (
        ("consent_default", "ConsentDefault", _word(said.default), _word(stack_says.default)),
        (
            "consent.exceptions",
            "ConsentExceptions",
            ",".join(sorted(said.exceptions)),
            ",".join(sorted(stack_says.exceptions)),
        ),
        ("consent.honour_dnt", "HonourDnt", _word(said.honours_dnt), _word(stack_says.honours_dnt)),
    ):
        if in_file != in_stack:
            how = f" (hemline run {option})" if field == "consent_default" else ""
            raise BadInput(
                field,
                f"is {in_file or 'none'} in the site file and {in_stack or 'none'} in this stack.",
                f"Deploy with {parameter}={in_file}{how}, or change the site file.",
            )


def _word(yes: bool) -> str:  # noqa: FBT001 - as a parameter spells it
    return str(yes).lower()
