"""The outcome of each item of a bulk write."""

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
"""The statuses of the items that a result lists: with deletes (True), and without."""


class Outcome(Struct, Generic[M], frozen=True):
    """The outcome of one item of a bulk write.

    ``status`` is one of

    * ``"created"``: the item was written; there was none with its key;
    * ``"written"``: the item was put, and replaced any item with its key;
    * ``"updated"``: the stored item has new values;
    * ``"unchanged"``: there was nothing to write, and nothing was sent;
    * ``"deleted"``: there is no such item now;
    * ``"ignored"``: its key, or a unique value, was taken, and nothing was written, because of
      ``ignore_conflicts=True``; ``error`` has the stored item as ``current``;
    * ``"superseded"``: a later item with the same key was written, or deleted, in its place;
    * ``"failed"``: the write was not executed;
    * ``"unknown"``: the response was lost, and the write may have been executed;
    * ``"not tried"``: the write was not sent, or DynamoDB returned it unprocessed.
    """

    instance: M
    """The instance (made from a dict, if you passed one); of a delete by key, the key."""
    status: Status
    error: Exception | None = None
    """The error of a write that failed or was ignored.

    Of an item that ``save_all()`` has written, the error that a hook or a receiver raised afterwards.
    """

    @property
    def is_done(self) -> bool:
        """Whether the table is as the write should leave it: every status but the last three."""
        return self.status not in _LEFT


class BulkResult(list[M], Generic[M]):
    """The result of a bulk write: a list of the items that were written or deleted, in the order given.

    ``outcomes`` has an entry for each item that was given, in that order. The list leaves out items that
    were superseded or ignored, and the deletes of a call that also writes.

    >>> scores = [Score(player="cat", game=1), Score(player="ann", game=1)]
    >>> result = Score.objects.bulk_create(scores, ignore_conflicts=True)
    >>> len(result), [outcome.status for outcome in result.outcomes]
    (1, ['created', 'ignored'])
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
        """The outcomes of all items that were given, in that order; made when they are first read."""
        errors = self._errors
        return [
            Outcome(each, status, errors.get(at))
            for at, (each, status) in enumerate(zip(self._given, self._statuses, strict=True))
        ]

    @property
    def left(self) -> list[Outcome[M]]:
        """The outcomes with the status "failed", "unknown" or "not tried"."""
        return [each for each in self.outcomes if not each.is_done]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _restore, (type(self), self.outcomes, self._deletes)


def _make_result(
    given: list[M], statuses: list[Status], errors: dict[int, Exception], *, deletes: bool
) -> BulkResult[M]:
    """Return the result for *given*, with a status for each, and the errors by index."""
    result: BulkResult[M] = BulkResult(deletes=deletes)
    del result.outcomes  # made from the three lists when they are first read
    result._given, result._statuses, result._errors = given, statuses, errors
    listed = _LISTED[deletes]
    result.extend([e for e, status in zip(given, statuses, strict=True) if status in listed])
    return result


def _restore(kind: type[Any], outcomes: list[Outcome[Any]], deletes: bool) -> Any:
    return kind(outcomes, deletes=deletes)


def status_of(error: Exception) -> Status:
    """Return the status of a write that raised *error*: "failed" or "unknown"."""
    return "unknown" if is_in_doubt(error) else "failed"


class Tally(Generic[M]):
    """Collects the outcome of each item of *given*; items may be added.

    It keeps a status and an error for the place of each item: its index among all that were given.

    :param deletes: the result lists deleted items too.
    :param ignores: an item that exists already is not an error.
    """

    def __init__(
        self, given: Iterable[M] = (), *, deletes: bool = False, ignores: bool = False
    ) -> None:
        self._given, self._deletes, self._ignores = dict(enumerate(given)), deletes, ignores
        self._count = len(self._given)
        self._statuses: dict[int, Status] = {}
        self._errors: dict[int, Exception] = {}

    def __len__(self) -> int:
        """Return the number of items that were given, including those that were forgotten."""
        return self._count

    def add(self, given: M) -> int:
        """Add an item; return its place."""
        at = self._count
        self._given[at], self._count = given, at + 1
        return at

    def forget_done(self, places: Iterable[int]) -> None:
        """Forget the items at *places* that were written, deleted or superseded without an error."""
        for at in places:
            if at not in self._errors and self._statuses.get(at, "not tried") not in _LEFT:
                del self._given[at], self._statuses[at]

    def note(self, at: int, outcome: Status | Exception) -> None:
        """Note the status of the item at *at*, or the exception that its write raised."""
        if isinstance(outcome, Exception):
            status = status_of(outcome)
            if self._ignores and status == "failed" and isinstance(outcome, AlreadyExists):
                status = "ignored"
            self._statuses[at], self._errors[at] = status, outcome
        else:
            self._statuses[at] = outcome
            self._errors.pop(at, None)

    def blame(self, at: int, error: Exception) -> None:
        """Note an exception that was raised after the item at *at* was written."""
        self._errors[at] = error

    def is_noted(self, at: int) -> bool:
        """Tell whether the item at *at* has a status, or had one before it was forgotten."""
        return at in self._statuses or at not in self._given

    def is_done(self, at: int) -> bool:
        """Tell whether the item at *at* was written or deleted, and not superseded or ignored."""
        return self._statuses.get(at) in _DONE

    def errors(self, places: Iterable[int] | None = None) -> list[Exception]:
        """Return the errors of the items at *places*, by default of all, in order; not of ignored items."""
        if not self._errors:
            return []
        found = [at for at in (self._given if places is None else places) if at in self._errors]
        return [self._errors[at] for at in found if self._statuses[at] != "ignored"]

    def result(self) -> BulkResult[M]:
        """Return the result so far; items without a status are "not tried"."""
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
        """Raise the most serious error of the items at *places*, by default of all.

        Its ``done`` is the result.
        """
        errors = self.errors(places)
        if not errors:
            return
        # AlreadyExists is the least serious error.
        error = min(errors, key=lambda each: isinstance(each, AlreadyExists))
        vars(error)["done"] = result = self.result()
        left = result.left
        if isinstance(error, (BatchIncomplete, RequestError)):
            error.unprocessed = [each.instance for each in left]
        elif isinstance(error, DoesNotExist):
            error.missing = [each.instance for each in left if isinstance(each.error, DoesNotExist)]
        raise error
