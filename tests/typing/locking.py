"""What the type checkers know of versions, and of writes that are checked."""

from __future__ import annotations

from typing_extensions import assert_type

from dynamodb_py import CharField, IntegerField, Model, StaleItem, VersionField, options


class Account(Model):
    name = CharField(hash_key=True)
    balance = IntegerField(default=0)
    version = VersionField()


def writing(account: Account) -> None:
    assert_type(account.version, int)
    assert_type(account.save(atomic=True), Account)
    assert_type(account.save(atomic=None), Account)
    assert_type(account.update(balance=1, atomic=True), Account)
    account.delete(atomic=False)
    with options(atomic=True):
        account.save()
    account.save(atomic="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VersionField(default=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    VersionField(name="v")


async def awaiting(account: Account) -> None:
    assert_type(await account.asave(atomic=True), Account)
    assert_type(await account.aupdate(balance=1, atomic=True), Account)
    await account.adelete(atomic=True)


def racing(account: Account) -> None:
    try:
        account.save()
    except StaleItem as stale:
        assert_type(stale.in_doubt, bool)


rows = Account.objects.filter(Account.version > 3)
