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
    """Carry out many PartiQL statements, of any models, each on its own, 25 to a request.

    ::

        ann, order = execute_all(
            [
                Player.objects.raw("SELECT * FROM {table} WHERE name = ?", "ann"),
                Order.objects.raw(
                    "SELECT number, total FROM {table} WHERE owner = ? AND number = ?", "ann", 7
                ),
            ]
        )

    All are reads, or all are writes. A SELECT names a whole key; it gives the row that ``raw()`` does,
    or None. Of writes, each gives the dict that ``RETURNING`` asks for, or None. All are tried, also after
    one has failed; those that DynamoDB throttles are sent again, as often as ``connect(retries=)`` says.
    Writes know nothing of validation, hooks and versions.

    :param statements: ``Model.objects.raw(...)``, any number, on one connection. No two of a request may
        be about one item: DynamoDB refuses it.
    :param return_exceptions: the error of a statement is in its place in the list, and nothing is raised.
    :param workers: the largest number of requests at a time.
    :param progress: called with how many requests are done and how many there are, or True for a bar.
    :return: what each statement gives, in order.
    :raises ServiceError: statements failed: the first of their errors, ``AlreadyExists`` of an INSERT,
        ``ConditionFailed`` of an UPDATE or a DELETE; ``done`` has what each gave, or its error, and
        ``unprocessed`` those that failed.
    :raises QueryError: reads beside writes, ``limit=`` or ``page_size=``, writes inside of
        ``transaction.atomic()``; nothing was sent.

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
    """Return the row, or the error, that the statement at *at* gives."""
    if isinstance(outcome, ServiceError):
        return explain_failure(prepared.statements[at], outcome)
    return outcome if isinstance(outcome, Exception) else prepared.load(at, outcome)


def _execute_chunk(operations: Sequence[ExecuteStatement], retries: Retries) -> Flow[list[Any]]:
    """Send up to 25 statements, and again those that were throttled; return the item or the error of each."""
    outcomes: list[Any] = [None] * len(operations)
    waiting, attempts, seconds = list(range(len(operations))), 1, 0.0
    while True:
        batch = BatchExecuteStatement([operations[at] for at in waiting])
        try:
            if seconds:
                yield from Pause(seconds)
            answers = yield from batch
        except RequestError as error:  # those that were answered before keep their outcomes
            for at in waiting:
                outcomes[at] = error
            return outcomes
        for at, answer in zip(waiting, answers, strict=True):
            outcomes[at] = answer
            if isinstance(answer, ServiceError):
                answer.attempts = attempts
        again = [at for at in waiting if _is_retryable(operations[at], outcomes[at])]
        if not again or attempts >= retries.attempts:
            return outcomes
        seconds = retries.pause(outcomes[again[0]], attempts)
        log.warn_of_unprocessed(batch, len(again), seconds)
        waiting, attempts = again, attempts + 1


def _is_retryable(operation: ExecuteStatement, outcome: Any) -> bool:
    return isinstance(outcome, Exception) and is_retryable(outcome, repeatable=operation.repeatable)
