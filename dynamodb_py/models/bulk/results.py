"""What became of each item of a bulk write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import AlreadyExists, BatchIncomplete, DoesNotExist, RequestError
from ...retries import is_in_doubt

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    M = TypeVar("M", default=Any)
else:
    from typing import TypeVar

    M = TypeVar("M")

Status: TypeAlias = Literal[
    "created",
    "written",
    "updated",
    "unchanged",
    "deleted",
    "ignored",
    "superseded",
    "failed",
    "unknown",
    "not tried",
]

_LEFT = frozenset({"failed", "unknown", "not tried"})
_DONE = frozenset({"created", "written", "updated", "unchanged", "deleted"})


class Outcome(Struct, Generic[M], frozen=True):
    """What became of one item of a bulk write.

    ``status`` is one of

    * ``"created"``: there was no item with its key, and now there is;
    * ``"written"``: it was put, in place of what was there, if anything;
    * ``"updated"``: an item that was there has new values of some fields;
    * ``"unchanged"``: there was nothing to write, and nothing was sent;
    * ``"deleted"``: there is no such item now;
    * ``"ignored"``: its key, or a value that is unique, was taken, and nothing was written, as
      ``ignore_conflicts=True`` says; ``error`` has the item that was there as ``current``;
    * ``"superseded"``: a later one with the same key was written, or deleted, in its place;
    * ``"failed"``: it was not carried out;
    * ``"unknown"``: an answer was lost, and it may have been carried out;
    * ``"not tried"``: it was not sent, or DynamoDB handed it back.
    """

    instance: M
    """The instance (made of a dict, if need be); of a delete by key, that key."""
    status: Status
    error: Exception | None = None
    """Why it failed, or was ignored; of an item that ``save_all()`` has written, what a hook or receiver raised."""

    @property
    def is_done(self) -> bool:
        """Whether what is in the table is as it was meant to be."""
        return self.status not in _LEFT


class BulkResult(list[M], Generic[M]):
    """What a bulk write did: a list of what was carried out, in the order given.

    ``outcomes`` has an entry for each item that was given, in that order too: also for those that
    were superseded or ignored, or deleted beside writes, which the list is without.
    """

    outcomes: list[Outcome[M]]

    def __init__(self, outcomes: Iterable[Outcome[M]] = (), *, deletes: bool = False) -> None:
        self.outcomes, self._deletes = list(outcomes), deletes
        listed = _DONE if deletes else _DONE - {"deleted"}
        super().__init__(each.instance for each in self.outcomes if each.status in listed)

    @property
    def left(self) -> list[Outcome[M]]:
        """The outcomes of what was not carried out, or may not have been."""
        return [each for each in self.outcomes if not each.is_done]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _restore, (type(self), self.outcomes, self._deletes)


def _restore(kind: type[Any], outcomes: list[Outcome[Any]], deletes: bool) -> Any:
    return kind(outcomes, deletes=deletes)


def status_of(error: Exception) -> Status:
    """Return the status of a write that ended with *error*: "failed", or "unknown"."""
    return "unknown" if is_in_doubt(error) else "failed"


class Tally(Generic[M]):
    """Collects what becomes of each of *given*, which may still grow.

    :param ignores: that something was there already is no error.
    """

    def __init__(self, given: Sequence[M], *, deletes: bool = False, ignores: bool = False) -> None:
        self._given, self._deletes, self._ignores = given, deletes, ignores
        self._outcomes: dict[int, Outcome[M]] = {}

    def note(self, at: int, outcome: Status | Exception) -> None:
        """Note the status of the one at *at*, or the exception that it ended with."""
        error = outcome if isinstance(outcome, Exception) else None
        status = status_of(outcome) if isinstance(outcome, Exception) else outcome
        if self._ignores and status == "failed" and isinstance(error, AlreadyExists):
            status = "ignored"
        self._outcomes[at] = Outcome(self._given[at], status, error)

    def blame(self, at: int, error: Exception) -> None:
        """Note what was raised after the one at *at* was carried out."""
        self._outcomes[at] = replace(self._outcomes[at], error=error)

    def is_noted(self, at: int) -> bool:
        """Tell whether it is known what became of the one at *at*."""
        return at in self._outcomes

    def is_done(self, at: int) -> bool:
        """Tell whether the one at *at* itself was carried out."""
        return at in self._outcomes and self._outcomes[at].status in _DONE

    def errors(self, places: Iterable[int]) -> list[Exception]:
        """Return the errors of those at *places*, in order."""
        found = [self._outcomes[at] for at in places if at in self._outcomes]
        return [each.error for each in found if each.error and each.status != "ignored"]

    def result(self) -> BulkResult[M]:
        """Return what is known now."""
        outcomes = (
            self._outcomes.get(at) or Outcome(each, "not tried")
            for at, each in enumerate(self._given)
        )
        return BulkResult(outcomes, deletes=self._deletes)

    def check(self, places: Iterable[int] | None = None) -> BulkResult[M]:
        """Return the result; raise the most serious error with the result in ``done``.

        :param places: look for errors at these places alone.
        """
        result = self.result()
        errors = self.errors(range(len(self._given)) if places is None else places)
        if not errors:
            return result
        # That an item was there already is the least serious error.
        error = min(errors, key=lambda each: isinstance(each, AlreadyExists))
        vars(error)["done"] = result
        left = result.left
        if isinstance(error, (BatchIncomplete, RequestError)):
            error.unprocessed = [each.instance for each in left]
        elif isinstance(error, DoesNotExist):
            error.missing = [each.instance for each in left if isinstance(each.error, DoesNotExist)]
        raise error
