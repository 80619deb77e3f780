"""What the type checkers know of what is unique."""

import datetime as dt
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    BinaryField,
    CharField,
    DateTimeField,
    IntegerField,
    Model,
    Table,
    UniqueConstraint,
    UUIDField,
)
from dynamodb_py.models.maintenance.unique import (
    acheck_unique,
    arepair_unique,
    check_unique,
    repair_unique,
)
from dynamodb_py.models.maintenance.unique_report import Finding, UniqueReport


class User(Model):
    class Meta:
        constraints = [UniqueConstraint("tenant", "number", name="numbers")]

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    nick = CharField(unique=True, default="")
    number = IntegerField(required=True, unique=True)
    tenant = UUIDField(unique=True, null=True)
    badge = BinaryField(unique=True)
    born = DateTimeField(unique=True)
    wrong = CharField(unique="yes")  # type: ignore[call-overload]  # pyright: ignore


def reading(user: User) -> None:
    assert_type(user.email, str | None)
    assert_type(user.nick, str)
    assert_type(user.number, int)
    assert_type(user.badge, bytes | None)
    assert_type(user.born, dt.datetime | None)


def taken(user: User) -> None:
    try:
        user.save()
    except User.AlreadyExists as error:
        assert_type(list(error.fields), list[str])
        assert_type(error.owner, Any)


def told(finding: Finding) -> None:
    assert_type(finding.values, dict[str, Any])


def repairing() -> None:
    assert_type(check_unique(User), UniqueReport)
    assert_type(repair_unique(User, workers=2, on_finding=told).duplicates, list[Finding])
    check_unique(CharField)  # type: ignore[arg-type]  # pyright: ignore
    repair_unique(User, on_finding=7)  # type: ignore[arg-type]  # pyright: ignore
    UniqueConstraint(7)  # type: ignore[arg-type]  # pyright: ignore


async def awaited() -> None:
    assert_type(await acheck_unique(User), UniqueReport)
    assert_type((await arepair_unique(User)).is_right, bool)
    assert_type(await Table(User).adiff(), list[str])
