"""The composition root of the publish function, and what a caller may ask of it."""

from typing import Annotated

import msgspec

from hemline.adapters.aws import connect
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.onnx import OnnxRanker
from hemline.adapters.s3 import S3Objects
from hemline.model.consent import Policy
from hemline.model.errors import BadInput
from hemline.model.refusals import Refusals
from hemline.model.site import Site
from hemline.runtime.settings import Settings
from hemline.runtime.site_in import reviewed
from hemline.usecases.publish_edition import Places, read_site

_STORE_SECONDS = 10.0
"""An edition of a large catalogue takes longer to read than one profile."""


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may send; a schedule's event is none of this and means: publish."""

    site: str
    site_file: str | None = None
    """The text of a site file (YAML) to check, keep and publish."""
    rollback: bool | str = False
    """True: to the edition before the live one; or the first digits of an edition."""
    built: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Epoch ms to publish as of, instead of now."""

    @property
    def wanted(self) -> str:
        """The first digits of the edition to go back to; empty: the one before the live one."""
        return self.rollback if isinstance(self.rollback, str) else ""


def wire(settings: Settings) -> Places:
    """Stores on AWS, or on the laptop's emulator."""
    region, endpoint = settings.region, settings.endpoint
    table = connect("dynamodb", region=region, endpoint=endpoint, timeout=_STORE_SECONDS)
    bucket = connect("s3", region=region, endpoint=endpoint, timeout=_STORE_SECONDS)
    return Places(
        S3Objects(bucket, settings.bucket),
        DynamoTable(table, settings.table),
        settings.keys,
        check_ranker,
    )


def check_ranker(onnx: bytes, card: bytes) -> tuple[str, ...]:
    """Its feature names. Raises Refused when the fragments function would not load it either."""
    return OnnxRanker(onnx, card).feature_names


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
        "built": "Send whole epoch milliseconds, 1 or more.",
    },
    {"": "A command has site, site_file, rollback and built."},
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


def check_stored(places: Places, settings: Settings) -> None:
    """Raises BadInput when there is no site file yet, or one that this stack must not serve."""
    site = read_site(settings.site, places.objects)
    check_consent(site, stack_says=settings.policy)


def check_consent(site: Site, *, stack_says: Policy) -> None:
    """Raises BadInput unless site file and stack take a visitor's silence for the same.

    Collect never sees the site file: were that the only one to say no, visitors would be recorded
    who were not asked.
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
