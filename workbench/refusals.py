"""Maps errors to what a command prints: one sentence and an exit status; with `--json` an object too.

Knows the errors, not the commands. A traceback means a bug in Hemline: mistakes of the caller, bad files and
failing stores never end in one.
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
    """What `--json` prints in place of the result."""

    error: str
    """The whole sentence."""
    status: int
    """The exit status."""
    field: str = ""
    """The option, file or place in a file that is wrong; empty when there is no single one."""
    way_out: str = ""
    """What to do about it; empty when the sentence says it."""


def refusal_of(error: Exception) -> Refusal | None:
    """What to print for `error`, or None for a bug in Hemline, which deserves its traceback."""
    if isinstance(error, _store_errors()):
        return Refusal(f"the stack's stores: {error}", CHECK_FAILED)
    return next((make(error) for kind, make in _KINDS if isinstance(error, kind)), None)


def _of_system(error: Any) -> Refusal | None:  # noqa: ANN401 - an OSError, as the table has them
    if isinstance(error, ConnectionError | TimeoutError):
        return None
    # An error in the middle of a read or write carries no file name.
    name = str(error.filename or "FILE")
    return Refusal(f"{name}: {error.strerror or error}.", BAD_CALL, name)


_KINDS: tuple[tuple[type[Exception], Callable[[Any], Refusal | None]], ...] = (
    (BadInput, lambda error: Refusal(str(error), BAD_CALL, error.field, error.way_out)),
    (HemlineError, lambda error: Refusal(str(error), CHECK_FAILED)),
    (NotRunning, lambda error: Refusal(str(error), BAD_CALL)),
    (typer.TyperException, lambda error: Refusal(error.format_message(), error.exit_code)),
    (OSError, _of_system),
)
"""Kind of error → its refusal; the first match counts."""


def _store_errors() -> tuple[type[Exception], ...]:
    """The errors of boto3, if the command has loaded it: the stack is announced but does not answer."""
    loaded = sys.modules.get("botocore.exceptions")
    return (loaded.BotoCoreError, loaded.ClientError) if loaded else ()


def as_json(arguments: Sequence[str]) -> bool:
    """Whether the call asks for JSON; words after `--` are arguments, not options."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def say(error: Exception, refusal: Refusal, *, to_machine: bool) -> None:
    """Print the sentence to standard error and, for a machine, the JSON object to standard output."""
    if to_machine:
        print(msgspec.json.encode(refusal).decode())
    if isinstance(error, typer.TyperException) and hasattr(error, "show"):
        error.show()  # with the usage of the command
    else:
        from hemline.usecases.ingest.quarantine import safe  # noqa: PLC0415 - only a refusal needs it

        print(f"hemline: {safe(refusal.error)}", file=sys.stderr)
