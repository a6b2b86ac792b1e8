"""Who sends a batch of events, from one HTTP request."""

from hemline.model.agent import is_program
from hemline.model.batch_signature import HEADER, check_batch
from hemline.runtime.http import Request
from hemline.runtime.identity import capsule_of, visitor_of
from hemline.runtime.settings import Settings
from hemline.runtime.traits import traits_of
from hemline.usecases.collect_events import Caller


def caller_of(request: Request, body: bytes, settings: Settings, now: int) -> Caller:
    """A server when the batch is signed, else the visitor. Raises NotAllowed on a bad signature."""
    visitor = visitor_of(request, settings.keys)
    signature = request.header(HEADER.lower())
    if signature:
        check_batch(signature, body, settings.keys, now)
        return Caller(opted_out=visitor.opted_out, signed=True)
    return Caller(
        visitor.subject,
        visitor.opted_out,
        capsule_of(request, settings.keys),
        traits=traits_of(request),
        program=is_program(request.header("user-agent")),
    )
