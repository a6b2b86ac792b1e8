"""Reports unexpected exceptions without their message, which may hold personal data.

The Lambda runtime logs what a handler raises, and the message of a KeyError may be a visitor's id. So
only the exception's class and the innermost code lines leave the function.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from hemline.model.errors import HemlineError

P = ParamSpec("P")
T = TypeVar("T")
_FRAMES = 4
"""Innermost stack frames to report: enough to find the line."""


class UnexpectedError(Exception):
    """A bug: the original exception's class and place, never its message."""


def guarded(handler: Callable[P, T]) -> Callable[P, T]:
    """Wraps `handler` so that unexpected exceptions lose their message. They still fail the invocation."""

    @wraps(handler)
    def guard(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return handler(*args, **kwargs)
        except HemlineError:
            raise  # our own errors hold no personal data
        except Exception as error:  # noqa: BLE001 - whatever it is, it fails the invocation
            safe_error = UnexpectedError(f"{type(error).__name__} at {_places(error)}")
        # Raised outside the except block, so that it carries no reference to the original exception.
        raise safe_error

    return guard


def _places(error: Exception) -> str:
    frames, trace = [], error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        file = code.co_filename.rpartition("/")[2]
        frames.append(f"{file}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join(reversed(frames[-_FRAMES:]))
