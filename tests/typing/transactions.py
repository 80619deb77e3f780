"""What the type checkers know of transactions."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from dynamodb_py import CharField, F, IntegerField, Model, transaction
from dynamodb_py.exceptions import CancellationReason, TransactionCanceled
from dynamodb_py.models.transaction.atomic import State, atomic
from dynamodb_py.operations.transactions import TransactWriteItems


class Account(Model):
    name = CharField(hash_key=True)
    balance = IntegerField(default=0)


def writing(account: Account) -> None:
    with transaction.atomic(token="t") as tx:
        assert_type(tx, atomic)
        assert_type(tx.token, str)
        assert_type(account.update(balance=F("balance") - 1), Account)
        transaction.check(account, Account.balance > 1)
        transaction.check((Account, "a"), Account.balance > 1)
        tx.check((Account, {"name": "a"}), Account.balance > 1)
        assert_type(tx.operation(), TransactWriteItems | None)
        assert_type(len(tx), int)
        transaction.on_commit(lambda: account.balance)
        tx.on_commit(account.save)
    assert_type(tx.state, State)
    transaction.check(account)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    transaction.check(3, Account.balance > 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    transaction.on_commit(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    transaction.atomic("t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaiting(account: Account) -> None:
    async with transaction.atomic() as tx:
        assert_type(tx, atomic)
        assert_type(await account.asave(), Account)
        tx.on_commit(account.asave)
    async with transaction.aatomic() as other:
        assert_type(other, atomic)


def told(error: TransactionCanceled) -> None:
    for reason in error.reasons:
        assert_type(reason, CancellationReason)
        assert_type(reason.code, str)
        assert_type(reason.error, Exception | None)
        assert_type(reason.instance, Any)


def after() -> bool:
    with transaction.atomic():
        raise LookupError
    return True  # type: ignore[unreachable]
