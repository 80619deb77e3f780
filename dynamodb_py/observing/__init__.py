"""The observers of requests, and the tracers of verbs, of this process.

The drivers (:mod:`dynamodb_py.flows`) look at :data:`OBSERVERS` before each request and at :data:`TRACERS`
before each verb; without observers there is no other cost. The first observer loads the rest of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from weakref import ref

from ..operations.base import Step

if TYPE_CHECKING:
    from . import callers
else:
    from ..lazy import callers

T = TypeVar("T")

Report: TypeAlias = "Callable[[Any], Iterable[Step] | None]"
"""Takes a finished request; returns None, or steps for the driver to call and, if need be, await."""


class Observer:
    """A function that is called after each request, in the thread or task that sent it, and its options.

    :param report: the function; it takes a :class:`~dynamodb_py.observing.requests.SentRequest`.
    :param link: the connection whose requests are observed; None for all connections. It is held by a weak
        reference, and the observation ends with it.
    :param asks_units: whether requests ask for the capacity units that they consume.
    :param finds_caller: whether requests record the lines of user code that led to them.
    """

    def __init__(
        self,
        report: Report,
        *,
        link: object = None,
        asks_units: bool = False,
        finds_caller: bool = False,
    ) -> None:
        self.report = report
        self.asks_units, self.finds_caller = asks_units, finds_caller
        self._link = None if link is None else ref(link, lambda _: self.end())

    def begin(self) -> Observer:
        """Observe from now on, and return this observer."""
        OBSERVERS.append(self)
        return self

    def end(self) -> None:
        """Observe no more."""
        if self in OBSERVERS:
            OBSERVERS.remove(self)
            if self.finds_caller and not any(each.finds_caller for each in OBSERVERS):
                callers.release_frames()

    def observes(self, link: object) -> bool:
        """Tell whether requests over *link* are observed."""
        return self._link is None or self._link() is getattr(link, "origin", link)


OBSERVERS: list[Observer] = []
"""The observers of this process, in the order in which they began; nearly always empty."""


class Trace(Protocol):
    """The trace of one verb."""

    def follow(
        self, flow: Generator[Step, Any, T], /, *, ends: bool = False
    ) -> Generator[Step, Any, T]:
        """Run *flow*, whose requests belong to the verb.

        :param ends: whether the verb ends with this flow.
        """
        ...

    def end(self, error: BaseException | None = None, /) -> None:
        """End the trace, with the *error* that the verb raised, if any."""
        ...


TRACERS: list[Callable[[str], Trace]] = []
"""At most one function, which takes the name of a verb and returns its trace; nearly always empty."""
