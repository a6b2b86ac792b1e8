"""Finds the inputs of a decision by its token, in the stores of the running stack."""

import time
from pathlib import Path

import msgspec

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.page import PageRequest
from hemline.decide.token import Token, decode
from hemline.model.decision import Traits
from hemline.model.errors import BadInput, NotAllowed
from hemline.runtime.fragments.request import PageBody, page_request_in
from hemline.usecases.receipts.receipts import DecisionInputs, sources_of
from hemline.usecases.receipts.receipts import decision_inputs as inputs_of
from workbench import laptop, stores


class RequestFile(PageBody, frozen=True, forbid_unknown_fields=True):
    """The request file of `--request`: the body of POST /v1/fragments, and the traits."""

    traits: Traits = Traits()

    def page_request(self) -> PageRequest:
        """The request as the fragments function reads it."""
        return page_request_in(self, self.traits)


def decision_inputs(
    text: str, visitor: str = "", request: Path | None = None, *, expired: bool = False
) -> DecisionInputs:
    """The inputs of the decision that `text` is the token of.

    `expired` accepts a token past its lifetime: its data may still be stored. Raises NotRunning,
    NotAllowed for a token that this site did not sign, Refused, BadInput.
    """
    stack = laptop.running()
    keys = stores.secrets(stack)
    token = _read(text.strip(), keys, stack.site)
    if not expired:
        decode(text.strip(), keys, site=stack.site, now=time.time_ns() // 1_000_000)
    subject = visitor if visitor[:2] in {"v:", "u:", ""} else f"v:{visitor}"
    sources = sources_of(stack.site, stores.objects(stack), keys, OnnxRanker, subject)
    return inputs_of(token, sources, request_from_file(request) if request else None)


def _read(text: str, keys: tuple[bytes, ...], site: str) -> Token:
    try:
        return decode(text, keys, site=site)
    except NotAllowed as why:
        way_out = f"copy all of it, from an answer of the site {site} that runs here"
        raise NotAllowed(f"{why}: {way_out}") from None


def request_from_file(file: Path) -> PageRequest:
    """Read a request file. Raises BadInput when it does not hold a request."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=RequestFile).page_request()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            "request", f"{file} is no request: {error}.", "Give the body of POST /v1/fragments."
        ) from None
