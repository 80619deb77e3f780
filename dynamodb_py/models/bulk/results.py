"""What became of each item of a bulk write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from msgspec import Struct

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
_LISTED = {True: _DONE, False: _DONE - {"deleted"}}
"""What a result lists: with deletes, and without."""


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

    _given: list[M]
    _statuses: list[Status]
    _errors: dict[int, Exception]

    def __init__(self, outcomes: Iterable[Outcome[M]] = (), *, deletes: bool = False) -> None:
        self.outcomes, self._deletes = list(outcomes), deletes
        listed = _LISTED[deletes]
        super().__init__(each.instance for each in self.outcomes if each.status in listed)

    @cached_property
    def outcomes(self) -> list[Outcome[M]]:
        """The outcomes of all that was given, in that order; made when they are first read."""
        errors = self._errors
        return [
            Outcome(each, status, errors.get(at))
            for at, (each, status) in enumerate(zip(self._given, self._statuses, strict=True))
        ]

    @property
    def left(self) -> list[Outcome[M]]:
        """The outcomes of what was not carried out, or may not have been."""
        return [each for each in self.outcomes if not each.is_done]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _restore, (type(self), self.outcomes, self._deletes)


def _make_result(
    given: list[M], statuses: list[Status], errors: dict[int, Exception], *, deletes: bool
) -> BulkResult[M]:
    """Return the result of these statuses in the order of *given*, and the errors by place."""
    result: BulkResult[M] = BulkResult(deletes=deletes)
    del result.outcomes  # they are made of these
    result._given, result._statuses, result._errors = given, statuses, errors
    listed = _LISTED[deletes]
    result.extend([e for e, status in zip(given, statuses, strict=True) if status in listed])
    return result


def _restore(kind: type[Any], outcomes: list[Outcome[Any]], deletes: bool) -> Any:
    return kind(outcomes, deletes=deletes)


def status_of(error: Exception) -> Status:
    """Return the status of a write that ended with *error*: "failed", or "unknown"."""
    return "unknown" if is_in_doubt(error) else "failed"


class Tally(Generic[M]):
    """Collects what becomes of each of *given*, to which more may be added.

    A status is noted for each, and an :class:`Outcome` made where one is read.

    :param ignores: that something was there already is no error.
    """

    def __init__(
        self, given: Iterable[M] = (), *, deletes: bool = False, ignores: bool = False
    ) -> None:
        self._given, self._deletes, self._ignores = dict(enumerate(given)), deletes, ignores
        self._count = len(self._given)
        self._statuses: dict[int, Status] = {}
        self._errors: dict[int, Exception] = {}

    def __len__(self) -> int:
        """Return how many were given, forgotten ones among them."""
        return self._count

    def add(self, given: M) -> int:
        """Take one more; return its place."""
        at = self._count
        self._given[at], self._count = given, at + 1
        return at

    def forget_done(self, places: Iterable[int]) -> None:
        """Forget those at *places* that were carried out, or superseded, without an error."""
        for at in places:
            if at not in self._errors and self._statuses.get(at, "not tried") not in _LEFT:
                del self._given[at], self._statuses[at]

    def note(self, at: int, outcome: Status | Exception) -> None:
        """Note the status of the one at *at*, or the exception that it ended with."""
        if isinstance(outcome, Exception):
            status = status_of(outcome)
            if self._ignores and status == "failed" and isinstance(outcome, AlreadyExists):
                status = "ignored"
            self._statuses[at], self._errors[at] = status, outcome
        else:
            self._statuses[at] = outcome
            self._errors.pop(at, None)

    def blame(self, at: int, error: Exception) -> None:
        """Note what was raised after the one at *at* was carried out."""
        self._errors[at] = error

    def is_noted(self, at: int) -> bool:
        """Tell whether it is known what became of the one at *at*."""
        return at in self._statuses or at not in self._given

    def is_done(self, at: int) -> bool:
        """Tell whether the one at *at* itself was carried out."""
        return self._statuses.get(at) in _DONE

    def errors(self, places: Iterable[int] | None = None) -> list[Exception]:
        """Return the errors of those at *places*, in order; of all by default."""
        if not self._errors:
            return []
        found = [at for at in (self._given if places is None else places) if at in self._errors]
        return [self._errors[at] for at in found if self._statuses[at] != "ignored"]

    def result(self) -> BulkResult[M]:
        """Return what is known now."""
        known, errors = self._statuses, self._errors
        statuses: list[Status] = [known.get(at, "not tried") for at in self._given]
        if errors:
            errors = {n: errors[at] for n, at in enumerate(self._given) if at in errors}
        given = list(self._given.values())
        return _make_result(given, statuses, dict(errors), deletes=self._deletes)

    def check(self) -> BulkResult[M]:
        """Return the result; raise the most serious error with the result in ``done``."""
        self.check_errors()
        return self.result()

    def check_errors(self, places: Iterable[int] | None = None) -> None:
        """Raise the most serious error of those at *places*, by default of all, with the result in ``done``."""
        errors = self.errors(places)
        if not errors:
            return
        # That an item was there already is the least serious error.
        error = min(errors, key=lambda each: isinstance(each, AlreadyExists))
        vars(error)["done"] = result = self.result()
        left = result.left
        if isinstance(error, (BatchIncomplete, RequestError)):
            error.unprocessed = [each.instance for each in left]
        elif isinstance(error, DoesNotExist):
            error.missing = [each.instance for each in left if isinstance(each.error, DoesNotExist)]
        raise error
