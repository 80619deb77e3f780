"""Exit statuses, and the errors that lead to them."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from types import FrameType

from ..exceptions import DynamoDBError

PROGRAM = "dynamodb-py"
EXTRA = 'pip install "dynamodb-py[cli]"'

FOUND, USAGE, FAILED, NO_EXTRA, INTERRUPTED, PIPE_CLOSED = 1, 2, 3, 4, 130, 141

STATUSES = {
    0: "success: the work is done, or the check found nothing",
    FOUND: "work is left: a plan has steps, a check found faults, or you answered no",
    USAGE: "the command line is wrong",
    FAILED: "the command failed: no table, no access, no response",
    NO_EXTRA: f"the command needs click and rich: {EXTRA}",
    INTERRUPTED: "interrupted by Ctrl-C",
    PIPE_CLOSED: "the reader of the output, such as head, ended first",
}
"""The meaning of each exit status."""


class UsageError(Exception):
    """The command line is wrong. If the error has a ``__cause__``, its traceback is printed too."""


def run_guarded(call: Callable[[], object], *, show_traceback: bool = False) -> int:
    """Call *call*, print its error as one line, and return the exit status; a true result means FOUND."""
    before = signal.getsignal(signal.SIGINT)
    try:
        # A background job ignores Ctrl-C, and must continue to ignore it.
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)
        return FOUND if call() else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        with suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nowhere:
            # Otherwise Python reports the error at its exit.
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return PIPE_CLOSED
    except UsageError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print_error(f"error: {error}")
        return USAGE
    except (DynamoDBError, OSError) as error:
        if show_traceback:
            traceback.print_exception(error)
        print_error(f"error: {type(error).__name__}: {error}")
        return FAILED
    except Exception as error:
        if isinstance(error, ImportError) and (error.name or "").split(".")[0] == "rich":
            return refuse("this output")
        traceback.print_exception(error)
        return FAILED
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the command, which then waits for the requests of other threads."""
    signal.signal(signal.SIGINT, _end_at_once)
    os.write(2, b"interrupted; Ctrl-C again does not wait for requests under way\n")
    raise KeyboardInterrupt


def _end_at_once(number: int, frame: FrameType | None) -> None:
    if os.isatty(2):
        os.write(2, b"\x1b[?25h")  # a bar may have hidden the cursor
    os._exit(INTERRUPTED)


def wants_traceback(arguments: Sequence[str]) -> bool:
    """Tell whether ``--traceback`` is before the command."""
    return "--traceback" in takewhile(lambda each: each.startswith("-"), arguments)


def show_version() -> str:
    """Return the text for ``--version``."""
    version: str = sys.modules[__name__.partition(".")[0]].__version__
    return f"{PROGRAM} {version}"


def refuse(what: str) -> int:
    """Print that *what* needs the extra, and return the exit status."""
    print_error(f"error: {what} needs click and rich: {EXTRA}")
    return NO_EXTRA


def print_error(line: str) -> None:
    """Write a line to standard error, after everything that was printed to standard output before."""
    with suppress(OSError):  # the reader may have ended
        sys.stdout.flush()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
