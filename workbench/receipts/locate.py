"""From a token on the command line to the scene of its decision, in the stores of the stack here."""

import time
from pathlib import Path

import msgspec

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.page import PageRequest
from hemline.decide.token import Token, decode
from hemline.model.decision import Traits
from hemline.model.errors import BadInput, NotAllowed
from hemline.runtime.fragments.request import PageBody, asked_in
from hemline.usecases.receipts.receipts import DecisionInputs, decision_inputs, sources_of
from workbench import laptop, stores


class RequestFile(PageBody, frozen=True, forbid_unknown_fields=True):
    """A request that was too long for its token: the body of POST /v1/fragments, and its traits."""

    traits: Traits = Traits()

    def ask(self) -> PageRequest:
        """As the function would read it."""
        return asked_in(self, self.traits)


def scene(
    text: str, visitor: str = "", request: Path | None = None, *, expired: bool = False
) -> DecisionInputs:
    """Raises NotRunning, NotAllowed for a token that is none of ours, Refused, BadInput.

    With `expired` a token is not too old: what it was made from may still be there.
    """
    stack = laptop.running()
    keys = stores.secrets(stack)
    token = _read(text.strip(), keys, stack.site)
    if not expired:
        decode(text.strip(), keys, site=stack.site, now=time.time_ns() // 1_000_000)
    subject = visitor if visitor[:2] in {"v:", "u:", ""} else f"v:{visitor}"
    sources = sources_of(stack.site, stores.objects(stack), keys, OnnxRanker, subject)
    return decision_inputs(token, sources, asked(request) if request else None)


def _read(text: str, keys: tuple[bytes, ...], site: str) -> Token:
    try:
        return decode(text, keys, site=site)
    except NotAllowed as why:
        way_out = f"copy all of it, from an answer of the site {site} that runs here"
        raise NotAllowed(f"{why}: {way_out}") from None


def asked(file: Path) -> PageRequest:
    """The request of a file. Raises BadInput when it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=RequestFile).ask()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            "request", f"{file} is no request: {error}.", "Give the body of POST /v1/fragments."
        ) from None
