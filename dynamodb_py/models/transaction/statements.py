"""``transaction.execute()``: many PartiQL statements, all or none."""

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
    """Carry out up to 100 PartiQL statements, of any models, all or none of them.

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

    All are SELECTs of a whole key, which read as of one moment, or all are writes and ``EXISTS``. A
    transaction costs twice as much as its statements alone. Writes know nothing of validation, hooks and
    versions, and cannot return anything.

    >>> from dynamodb_py import transaction
    >>> update = "UPDATE {table} SET points = ? WHERE player = ? AND game = ?"
    >>> done = transaction.execute([Score.objects.raw(update, 9, "ann", n) for n in (1, 2)])
    >>> Score.get("ann", 2).points
    9

    :param statements: ``Model.objects.raw(...)``, on one connection. No two may be about one item:
        DynamoDB refuses it.
    :param token: the idempotency token of writes, 1 to 36 characters; by default a new one. DynamoDB
        executes the same statements with the same token once within ten minutes.
    :return: the row of each SELECT as ``raw()`` gives it, in order, None for one that found nothing; of
        writes, None for each.
    :raises QueryError: over 100 statements, reads beside writes, ``limit=`` or ``page_size=``, writes inside
        of ``transaction.atomic()``; nothing was sent.
    :raises TransactionCanceled: a condition did not hold, or conflicts with other writes did not end
        (there are twice as many attempts as ``connect(retries=)`` has): ``reasons`` has one for each
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
    """Let *reason* name its statement's verb and model, and have the error that it would raise alone."""
    reason.verb = f"{prepared.operations[at].verb} of {prepared.statements[at].model.__name__}"
    if reason.code in _CONDITIONS:
        failed = explain_failure(prepared.statements[at], make_failure(reason, error))
        reason.error, reason.current = failed, getattr(failed, "current", None)
