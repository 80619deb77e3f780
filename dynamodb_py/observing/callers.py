"""The lines of user code that led to a request.

The stack is read outwards from the request. Frames of this package, of installed packages and of the standard
library are skipped up to the first frame of user code. From there on, frames of user code are callers and
frames of this package are skipped. The first frame of an installed package or of the standard library ends
the search, so that the handlers of a web server, or the tests of a test runner, have no caller in common.
"""

from __future__ import annotations

import linecache
import sys
import sysconfig
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from msgspec import Struct

_MOST_CALLERS = 100

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_FOLDERS = {
    str(Path(path).resolve())
    for name, path in sysconfig.get_paths().items()
    if name in {"stdlib", "platstdlib", "purelib", "platlib"}
}


class Activation:
    """One activation of a frame: a call of a function, or one iteration of a generator.

    It is kept in the frame's own attribute ``f_trace``, which Python ignores while nothing traces. So it
    lives as long as the frame, and keeps no local variable alive. While a debugger or coverage traces, they
    use that attribute; then the frame is kept in a dict, until the last observer that finds callers ends.
    """

    __slots__ = ("notes",)

    def __init__(self) -> None:
        self.notes: dict[Any, Any] = {}
        """Data that observers attach to this activation."""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Trace nothing."""


class Caller(Struct, frozen=True, eq=False):
    """A line of user code that a request comes from."""

    filename: str
    line: int
    function: str
    module: str
    activation: Activation

    @property
    def source(self) -> str:
        """The text of the line; empty if the file cannot be read."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        return f"{self.filename}:{self.line} in {self.function}"

    def show(self, margin: str = "  ") -> str:
        """Return the place, and below it the line of code, indented by *margin* and two spaces."""
        return f"{self}\n{margin}  {self.source}" if self.source else str(self)


class CallSite(Struct, frozen=True, eq=False):
    """The place in the code that a request comes from."""

    callers: tuple[Caller, ...] = ()
    """The lines of user code, the innermost first."""
    verb: Activation | None = None
    """The activation of the verb that user code called: the same for all requests of one call."""


WORKERS: ContextVar[CallSite | None] = ContextVar("dynamodb_py.call_site", default=None)
"""The call site of requests that are sent by threads and tasks of this package."""


def find_call_site() -> CallSite:
    """Return the call site of the running code."""
    given = WORKERS.get()
    return _read_stack(sys._getframe(1)) if given is None else given


def _read_stack(frame: FrameType | None) -> CallSite:
    verb: FrameType | None = None
    while frame is not None and (kind := _classify(frame.f_code.co_filename)) != "user":
        verb = frame if kind == "own" else verb
        frame = frame.f_back
    callers: list[Caller] = []
    while frame is not None and len(callers) < _MOST_CALLERS:
        kind = _classify(frame.f_code.co_filename)
        if kind == "library":
            break
        if kind == "user":
            callers.append(_make_caller(frame))
        frame = frame.f_back
    return CallSite(tuple(callers), None if verb is None else _mark(verb))


def _make_caller(frame: FrameType) -> Caller:
    code = frame.f_code
    module = str(frame.f_globals.get("__name__", ""))
    return Caller(code.co_filename, frame.f_lineno, code.co_name, module, _mark(frame))


_traced: dict[FrameType, Activation] = {}
_MOST_TRACED = 1000


def _mark(frame: FrameType) -> Activation:
    """Return the activation of *frame*; the first call creates it."""
    known: Any = frame.f_trace
    if isinstance(known, Activation):
        return known
    if known is None and sys.gettrace() is None:
        frame.f_trace = made = Activation()
        return made
    if frame not in _traced:
        _traced[frame] = Activation()
        if len(_traced) > _MOST_TRACED:
            del _traced[next(iter(_traced))]
    return _traced[frame]


def release_frames() -> None:
    """Forget the frames that were kept while a debugger or coverage traced."""
    _traced.clear()


@cache
def _classify(filename: str) -> str:
    """Return the owner of the code in a file: "own" (this package), "library" or "user"."""
    if filename.startswith("<frozen "):
        return "library"
    if filename.startswith("<"):  # from an interactive session or exec()
        return "user"
    path = Path(filename).resolve()
    folders = {str(each) for each in path.parents}
    if _PACKAGE in folders:
        return "own"
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return "library" if installed or folders & _FOLDERS else "user"
