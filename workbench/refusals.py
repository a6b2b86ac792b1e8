"""How a command that cannot go on says so: one sentence, an exit status, with `--json` an object too.

Knows the errors, and no command. A traceback is for faults of ours: what a caller, a file or a store
does wrong never ends in one.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import typer

from hemline.model.errors import BadInput, HemlineError
from workbench.laptop import NotRunning

CHECK_FAILED, BAD_CALL = 1, 2
"""Exit statuses; 0 is done."""


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `--json` prints in place of figures."""

    error: str
    """The whole sentence."""
    status: int
    """The exit status."""
    field: str = ""
    """What is wrong: an option, a file, or a place in it; empty where no single one is."""
    way_out: str = ""


def refusal_of(error: Exception) -> Refusal | None:
    """None for a fault of ours."""
    if isinstance(error, _store_errors()):
        return Refusal(f"the stack's stores: {error}", CHECK_FAILED)
    return next((make(error) for kind, make in _KINDS if isinstance(error, kind)), None)


def _of_system(error: Any) -> Refusal | None:  # noqa: ANN401 - an OSError, as the table has them
    if isinstance(error, ConnectionError | TimeoutError):
        return None
    # Of a file that breaks while it is read or written the system names no file.
    name = str(error.filename or "FILE")
    return Refusal(f"{name}: {error.strerror or error}.", BAD_CALL, name)


_KINDS: tuple[tuple[type[Exception], Callable[[Any], Refusal | None]], ...] = (
    (BadInput, lambda error: Refusal(str(error), BAD_CALL, error.field, error.way_out)),
    (HemlineError, lambda error: Refusal(str(error), CHECK_FAILED)),
    (NotRunning, lambda error: Refusal(str(error), BAD_CALL)),
    (typer.TyperException, lambda error: Refusal(error.format_message(), error.exit_code)),
    (OSError, _of_system),
)
"""Kind of error → what it says; the first that fits."""


def _store_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises, if the command has loaded it: a stack that is announced and does not answer."""
    loaded = sys.modules.get("botocore.exceptions")
    return (loaded.BotoCoreError, loaded.ClientError) if loaded else ()


def as_json(arguments: Sequence[str]) -> bool:
    """Whether the call asks for JSON; what stands behind `--` is no option."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def say(error: Exception, refusal: Refusal, *, to_machine: bool) -> None:
    """The sentence to standard error; to a machine the object on standard output too."""
    if to_machine:
        print(msgspec.json.encode(refusal).decode())
    if isinstance(error, typer.TyperException) and hasattr(error, "show"):
        error.show()  # with the usage of the command
    else:
        from hemline.usecases.ingest.quarantine import safe  # noqa: PLC0415 - of refusals alone

        print(f"hemline: {safe(refusal.error)}", file=sys.stderr)
