"""The composition root of the publish function, and the commands that it accepts."""

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
    """What an operator may send. A schedule's event is not a command; it means: publish."""

    site: str
    site_file: str | None = None
    """The text of a site file (YAML) to check and publish; it applies once its edition is live."""
    allow_removals: bool = False
    """Accept a site file that lacks much of the live one; without it, that is refused as truncated."""
    rollback: bool | str = False
    """True: go back to the edition before the live one. A text: the first hex digits of an edition."""
    built: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Epoch ms to publish as of, instead of now."""
    live_anyway: bool = False
    """Publish even when `built` is more than a day ago."""

    @property
    def wanted(self) -> str:
        """The first hex digits of the edition to go back to; empty: the one before the live one."""
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
    """Tries the ranker in a child process. Raises Refused when it is not safe to serve with."""
    answer = try_ranker(onnx, card)
    return Tried(answer.features, answer.notes)


def command_of(event: dict[str, object], site: str) -> Command | None:
    """The command, or None for a schedule's event. Raises BadInput, also for another site's command."""
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
    """Compiles the text of a site file. Raises BadInput with all errors, one a line."""
    found = reviewed([("", text)], now=0)  # only warnings depend on the time; errors do not
    if found.site is None:
        lines = "\n".join(finding.text("site file") for finding in found.errors)
        reason = f"{len(found.errors)} mistakes:\n{lines}"
        raise BadInput("site_file", reason, "\nMend them: hemline site check FILE tells the same.")
    check_consent(found.site, stack_says=settings.policy)
    return found.site


def given_by(command: Command, settings: Settings) -> Given:
    """The command's site file, checked; NOTHING_GIVEN without one. Raises BadInput."""
    if command.site_file is None:
        return NOTHING_GIVEN
    site = compile_site(command.site_file, settings)
    return Given(site, allow_removals=command.allow_removals)


def build_time_of(command: Command, now: int) -> int:
    """The time that the edition is built for (epoch ms). Raises BadInput when it is not close to now."""
    if command.built is not None:
        check_build_time(command.built, now, "built", anyway=command.live_anyway)
    return command.built or now


def check_build_time(built: int, now: int, field: str, *, anyway: bool) -> None:
    """Raises BadInput for a build time that would show another day's rules, prices and dates.

    `anyway` permits the past, never the future: the schedule stops while the live edition is older than
    the newest one ever built, so a future edition could stop it until that time.
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
    """Raises BadInput unless site file and stack have the same consent policy.

    Collect reads the policy from its environment, not from the site file. If only the file asked first,
    visitors would be recorded before they were asked.
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
