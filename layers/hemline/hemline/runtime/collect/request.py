"""Who sends a batch of events, from one HTTP request."""

from hemline.model.events.agent import is_program
from hemline.model.events.batch_signature import HEADER, check_batch
from hemline.runtime.http import HttpRequest
from hemline.runtime.identity import asker_of, opts_out
from hemline.runtime.origins import check_origin
from hemline.runtime.settings import Settings
from hemline.runtime.traits import traits_of
from hemline.usecases.ingest.collect import Caller


def caller_of(request: HttpRequest, body: bytes, settings: Settings, now: int) -> Caller:
    """A server when the batch is signed, else the user of a bearer, else the visitor.

    Raises NotAllowed on a bad signature, CrossSite for what a browser sends for a page of another site,
    and BadToken: what a user did must never be kept as a visitor's because their token had run out.
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
