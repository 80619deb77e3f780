"""``transaction.execute()``: many PartiQL statements in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...exceptions import CancellationReason, ServiceError, TransactionCanceled
from ...flows import Flow, arun, run
from ...operations.statements import ExecuteTransaction
from ..statements import Prepared, Statement, explain_failure, prepare_together
from ..unit_of_work.cancellation import make_failure
from ..unit_of_work.commit import make_token, retry_conflicts


def execute(statements: Iterable[Statement[Any]], /, *, token: str | None = None) -> list[Any]:
    """Execute up to 100 PartiQL statements of any models in one transaction: all or none.

    ::

        transaction.execute(
            [
                Account.objects.raw(
                    "UPDATE {table} SET balance = balance - 10 WHERE name = ?", "ann"
                ),
                Account.objects.raw(
                    "UPDATE {table} SET balance = balance + 10 WHERE name = ?", "bob"
                ),
                Limit.objects.raw(
                    "EXISTS(SELECT * FROM {table} WHERE id = ? AND open = ?)", 1, True
                ),
            ]
        )

    All must be SELECTs of a whole key, which read a snapshot, or all must be writes and ``EXISTS``. A
    transaction costs twice as much as its statements alone. Writes bypass validation, hooks and versions,
    and return nothing.

    >>> from dynamodb_py import transaction
    >>> update = "UPDATE {table} SET points = ? WHERE player = ? AND game = ?"
    >>> done = transaction.execute([Score.objects.raw(update, 9, "ann", n) for n in (1, 2)])
    >>> Score.get("ann", 2).points
    9

    :param statements: ``Model.objects.raw(...)``, on one connection. DynamoDB rejects two statements
        about the same item.
    :param token: the idempotency token of writes, 1 to 36 characters; by default a new one. DynamoDB
        executes the same statements with the same token once within ten minutes.
    :return: for each SELECT, in order, its row as ``raw()`` returns it, or None if it found no item; for
        each write None.
    :raises QueryError: there are more than 100 statements, reads and writes are mixed, a statement has
        ``limit=`` or ``page_size=``, or writes are inside of ``transaction.atomic()``; nothing was sent.
    :raises TransactionCanceled: a condition did not hold, or conflicts with other writes did not end
        (they get twice as many attempts as ``connect(retries=)`` has): ``reasons`` has one for each
        statement, in order.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    """
    prepared = prepare_together(statements, "transaction.execute()", "a transaction")
    return [] if prepared is None else run(_execute(prepared, token), prepared.link, execute)


async def aexecute(
    statements: Iterable[Statement[Any]], /, *, token: str | None = None
) -> list[Any]:
    """Like :func:`execute`, awaited."""
    prepared = prepare_together(statements, "transaction.aexecute()", "a transaction")
    if prepared is None:
        return []
    return await arun(_execute(prepared, token), prepared.link, aexecute)


def _execute(prepared: Prepared, token: str | None) -> Flow[list[Any]]:
    operation = ExecuteTransaction(prepared.operations, make_token() if token is None else token)
    try:
        items = yield from retry_conflicts(operation, prepared.link.retries)
    except TransactionCanceled as error:
        if len(error.reasons) == len(prepared.statements):
            for at, reason in enumerate(error.reasons):
                _complete_reason(prepared, at, reason, error)
        raise
    except ServiceError as error:
        raise explain_failure(prepared.statements[0], error) from error.__cause__
    return [prepared.load(at, item) for at, item in enumerate(items)]


_CONDITIONS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})


def _complete_reason(
    prepared: Prepared, at: int, reason: CancellationReason, error: TransactionCanceled
) -> None:
    """Set the verb, the model and the error of *reason*: the error that its statement would raise alone."""
    reason.verb = f"{prepared.operations[at].verb} of {prepared.statements[at].model.__name__}"
    if reason.code in _CONDITIONS:
        failed = explain_failure(prepared.statements[at], make_failure(reason, error))
        reason.error, reason.current = failed, getattr(failed, "current", None)
