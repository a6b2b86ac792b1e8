"""The verified sender of a batch of events, from one HTTP request."""

from hemline.model.events.agent import is_program
from hemline.model.events.batch_signature import HEADER, check_batch
from hemline.runtime.http import HttpRequest
from hemline.runtime.identity import asker_of, opts_out
from hemline.runtime.origins import check_origin
from hemline.runtime.settings import Settings
from hemline.runtime.traits import traits_of
from hemline.usecases.ingest.collect import Caller


def caller_of(request: HttpRequest, body: bytes, settings: Settings, now: int) -> Caller:
    """A server when the batch is signed, else the user of a bearer token, else the visitor.

    Raises NotAllowed on a bad signature, CrossSite when a page of another site made the call, and
    BadToken: with an expired token, a user's events must not be recorded as a visitor's.
    """
    signature = request.header(HEADER.lower())
    if signature:
        check_batch(signature, body, settings.keys, now)
        return Caller(signed=True, opted_out=opts_out(request))
    check_origin(request, settings.origins)
    asker = asker_of(request, settings, now)
    return Caller(
        asker.subject,
        asker.opted_out,
        asker.capsule,
        traits=traits_of(request),
        program=is_program(request.header("user-agent")),
        device=asker.visitor or "",
    )
