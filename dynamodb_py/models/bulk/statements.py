"""Many PartiQL statements in one call, each on its own: ``execute_all()``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...batching import ProgressOption, as_callback, run_together
from ...exceptions import RequestError, ServiceError
from ...flows import Flow, arun, run
from ...limits import MAX_BATCH_STATEMENTS
from ...operations.base import Pause
from ...operations.statements import BatchExecuteStatement, ExecuteStatement
from ...retries import Retries, is_retryable
from ..statements import Prepared, Statement, explain_failure, prepare_together

if TYPE_CHECKING:
    from ...observing import log
else:
    from ...lazy import log


def execute_all(
    statements: Iterable[Statement[Any]],
    /,
    *,
    return_exceptions: bool = False,
    workers: int = 1,
    progress: ProgressOption = None,
) -> list[Any]:
    """Execute many PartiQL statements, of any models, independently of each other, 25 to a request.

    Either all statements read, or all write. All are sent, also after one has failed; throttled statements
    are sent again, as often as ``connect(retries=)`` allows. Writes skip validation, hooks and versions.

    >>> from dynamodb_py import execute_all
    >>> select = "SELECT * FROM {table} WHERE player = ? AND game = ?"
    >>> keys = [("ann", 1), ("bob", 1), ("cat", 1)]
    >>> ann, bob, cat = execute_all([Score.objects.raw(select, *key) for key in keys])
    >>> ann.points, bob.points, cat
    (50, 70, None)

    :param statements: any number of ``Model.objects.raw(...)``, on one connection. The WHERE of each names a
        whole key. DynamoDB rejects a request with two statements for one item.
    :param return_exceptions: True raises nothing: the result has the error of a statement in its place.
    :param workers: the largest number of requests at a time; by default, 1.
    :param progress: called with the number of requests done and the total; or True for a progress bar.
    :return: the row of each statement, in order: of a SELECT that of ``raw()``, or None if no item has the
        key; of a write the dict of its ``RETURNING`` clause, or None without one.
    :raises ServiceError: statements failed; this is the error of the first, such as ``AlreadyExists`` for an
        INSERT, or ``ConditionFailed`` for an UPDATE or a DELETE. ``done`` has the row or the error of each
        statement, ``unprocessed`` the statements that failed.
    :raises QueryError: some statements read and others write, one has ``limit=`` or ``page_size=``, or
        writes are inside of ``transaction.atomic()``; nothing was sent.
    :raises ConfigurationError: the statements are on several connections; nothing was sent.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    """
    prepared = prepare_together(statements, "execute_all()", "a batch")
    if prepared is None:
        return []
    flow = _execute_all(prepared, return_exceptions, workers, progress)
    return run(flow, prepared.link, execute_all)


async def aexecute_all(
    statements: Iterable[Statement[Any]],
    /,
    *,
    return_exceptions: bool = False,
    workers: int = 1,
    progress: ProgressOption = None,
) -> list[Any]:
    """Like :func:`execute_all`, awaited."""
    prepared = prepare_together(statements, "aexecute_all()", "a batch")
    if prepared is None:
        return []
    flow = _execute_all(prepared, return_exceptions, workers, progress)
    return await arun(flow, prepared.link, aexecute_all)


def _execute_all(
    prepared: Prepared, return_exceptions: bool, workers: int, progress: ProgressOption
) -> Flow[list[Any]]:
    size, operations = MAX_BATCH_STATEMENTS, prepared.operations
    chunks = [operations[first : first + size] for first in range(0, len(operations), size)]
    flows = [_execute_chunk(each, prepared.link.retries) for each in chunks]
    found = yield from run_together(flows, workers, as_callback(progress))
    outcomes: list[Any] = []
    for chunk, outcome in zip(chunks, found, strict=True):
        outcomes += [outcome] * len(chunk) if isinstance(outcome, Exception) else outcome
    results = [_finish(prepared, at, outcome) for at, outcome in enumerate(outcomes)]
    failed = {at: each for at, each in enumerate(results) if isinstance(each, Exception)}
    if failed and not return_exceptions:
        error = next(iter(failed.values()))
        vars(error)["done"] = results
        if isinstance(error, RequestError):
            error.unprocessed = [prepared.statements[at] for at in failed]
        raise error
    return results


def _finish(prepared: Prepared, at: int, outcome: Any) -> Any:
    """Return the row, or the error, of the statement at *at*."""
    if isinstance(outcome, ServiceError):
        return explain_failure(prepared.statements[at], outcome)
    return outcome if isinstance(outcome, Exception) else prepared.load(at, outcome)


def _execute_chunk(operations: Sequence[ExecuteStatement], retries: Retries) -> Flow[list[Any]]:
    """Send up to 25 statements, and throttled ones again; return the item or the error of each."""
    outcomes: list[Any] = [None] * len(operations)
    waiting, attempts, seconds = list(range(len(operations))), 1, 0.0
    while True:
        batch = BatchExecuteStatement([operations[at] for at in waiting])
        try:
            if seconds:
                yield from Pause(seconds)
            results = yield from batch
        except RequestError as error:  # statements with an earlier response keep their outcomes
            for at in waiting:
                outcomes[at] = error
            return outcomes
        for at, result in zip(waiting, results, strict=True):
            outcomes[at] = result
            if isinstance(result, ServiceError):
                result.attempts = attempts
        again = [at for at in waiting if _is_retryable(operations[at], outcomes[at])]
        if not again or attempts >= retries.attempts:
            return outcomes
        seconds = retries.pause(outcomes[again[0]], attempts)
        log.warn_of_unprocessed(batch, len(again), seconds)
        waiting, attempts = again, attempts + 1


def _is_retryable(operation: ExecuteStatement, outcome: Any) -> bool:
    return isinstance(outcome, Exception) and is_retryable(outcome, repeatable=operation.repeatable)
