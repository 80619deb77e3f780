"""Who observes the requests of this process, and whether anybody does.

The drivers (:mod:`dynamodb_py.flows`) look at :data:`OBSERVERS` before each request, which is all that
requests cost while nobody observes. The rest of this room is loaded with the first observer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import ref

from ..operations.base import Step

if TYPE_CHECKING:
    from . import callers
else:
    from ..lazy import callers

Report: TypeAlias = "Callable[[Any], Iterable[Step] | None]"
"""Takes a finished request, and returns what is to be called and perhaps awaited because of it."""


class Observer:
    """Something that is called after each request, in the thread or task that sent it.

    :param report: takes a :class:`~dynamodb_py.observing.requests.SentRequest`.
    :param link: the connection whose requests are meant, None for those of all; it is held weakly, and
        its end ends the observation.
    :param asks_units: whether requests ask for the capacity units that they consume.
    :param finds_caller: whether the lines of user code that led to a request are wanted.
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
        """Tell whether requests over *link* are meant."""
        return self._link is None or self._link() is getattr(link, "origin", link)


OBSERVERS: list[Observer] = []
"""The observers of this process, in the order of their beginning; nearly always none."""
