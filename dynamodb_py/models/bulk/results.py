"""What became of each item of a bulk write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import (
    AlreadyExists,
    BatchIncomplete,
    ConditionFailed,
    ConnectionFailed,
    ConnectTimeout,
    DoesNotExist,
    RequestError,
    ServiceUnavailable,
)

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
    * ``"superseded"``: a later one with the same key was written, or deleted, in its place;
    * ``"failed"``: it was not carried out;
    * ``"unknown"``: an answer was lost, and it may have been carried out;
    * ``"not tried"``: it was not sent, or DynamoDB handed it back.
    """

    instance: M
    """What was given: the instance (made of a dict, if need be); of a delete by key, that key."""
    status: Status
    error: Exception | None = None
    """Why, where it failed; of what ``save_all()`` has written, what was raised by who heard of it."""

    @property
    def is_done(self) -> bool:
        """Whether what is in the table is as it was meant to be."""
        return self.status not in _LEFT


class BulkResult(list[M], Generic[M]):
    """What a bulk write did: a list of what was carried out, in the order given.

    ``outcomes`` tells of everything that was given what became of it, in that order too. What was
    superseded is there, and not in the list; so is what was deleted beside writes.
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
        return _restored, (type(self), self.outcomes, self._deletes)


def _restored(kind: type[Any], outcomes: list[Outcome[Any]], deletes: bool) -> Any:
    return kind(outcomes, deletes=deletes)


def status_of(error: Exception) -> Status:
    """Return what *error* says of a write: that it failed, or that nobody knows."""
    if isinstance(error, ServiceUnavailable):
        return "unknown"
    if isinstance(error, ConditionFailed) and error.in_doubt:
        return "unknown"  # what is in the way may be what an earlier attempt has written
    if not isinstance(error, ConnectionFailed) or isinstance(error, ConnectTimeout):
        return "failed"
    return "failed" if isinstance(error.__cause__, ConnectionRefusedError) else "unknown"


class Tally(Generic[M]):
    """Collects what becomes of each of *given*, which may still grow."""

    def __init__(self, given: Sequence[M], *, deletes: bool = False) -> None:
        self._given, self._deletes = given, deletes
        self._outcomes: dict[int, Outcome[M]] = {}

    def note(self, at: int, came: Status | Exception) -> None:
        """Note what became of the one at *at*, or the exception that it ended with."""
        error = came if isinstance(came, Exception) else None
        status = status_of(came) if isinstance(came, Exception) else came
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

    def errors(self, places: Iterable[int] | None = None) -> list[Exception]:
        """Return what went wrong, in order; with *places*, with those alone."""
        wanted = range(len(self._given)) if places is None else places
        found = (self._outcomes[at].error for at in wanted if at in self._outcomes)
        return [error for error in found if error is not None]

    def result(self) -> BulkResult[M]:
        """Return what is known now."""
        outcomes = (
            self._outcomes.get(at) or Outcome(each, "not tried")
            for at, each in enumerate(self._given)
        )
        return BulkResult(outcomes, deletes=self._deletes)

    def checked(self) -> BulkResult[M]:
        """Return the result; raise the most serious of the errors with the result in ``done``."""
        found = self.errors()
        result = self.result()
        if not found:
            return result
        raise with_result(self.first_serious(found), result)

    @staticmethod
    def first_serious(errors: Sequence[Exception]) -> Exception:
        """Return the first of *errors*; that some were there already is the least of them."""
        return min(errors, key=lambda error: isinstance(error, AlreadyExists))


def with_result(error: Exception, result: BulkResult[Any]) -> Exception:
    """Return *error* with what became of all, and what is left to do."""
    vars(error)["done"] = result
    left = result.left
    if isinstance(error, (BatchIncomplete, RequestError)):
        error.unprocessed = [each.instance for each in left]
    elif isinstance(error, DoesNotExist):
        error.missing = [each.instance for each in left if isinstance(each.error, DoesNotExist)]
    return error
