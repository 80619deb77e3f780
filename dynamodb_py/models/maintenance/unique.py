"""``check_unique(Model)`` and ``repair_unique(Model)``: the sentinels of unique values."""

from __future__ import annotations

from ...connections import Connection, get_connection
from ...exceptions import QueryError
from ...flows import Flow, arun, run
from ..instance import options_of
from ..model import Model
from ..unit_of_work.collector import check_outside
from .unique_repair import Sentinels
from .unique_report import Finding, FindingCallback, UniqueReport

__all__ = [
    "Finding",
    "UniqueReport",
    "acheck_unique",
    "arepair_unique",
    "check_unique",
    "repair_unique",
]


def check_unique(
    model: type[Model],
    *,
    workers: int = 1,
    using: str | None = None,
    on_finding: FindingCallback | None = None,
) -> UniqueReport:
    """Compare all items of a model's table with the sentinels of unique values; change nothing.

    The function reads both tables whole, with strongly consistent reads. It reads differences again, since
    concurrent writes can cause them.

    >>> from dynamodb_py import CharField, Model, Tables, check_unique
    >>> class User(Model):
    ...     name = CharField(hash_key=True)
    ...     email = CharField(unique=True)
    >>> done = Tables([User]).create()
    >>> ann = User.create(name="ann", email="ann@example.com")
    >>> report = check_unique(User)
    >>> report.is_right, report.items, report.sentinels
    (True, 1, 1)

    :param model: a model with unique values.
    :param workers: the number of segments of the tables that are read at a time; by default, 1.
    :param using: the alias of a connection; by default, the model's ``Meta.using``.
    :param on_finding: called with each finding.
    :raises QueryError: the model has no unique field.
    :raises TableNotFound: the table is missing, or the table of the sentinels; ``Table(Model).update()``
        creates the latter.
    """
    flow, link = _prepare(model, using, on_finding, workers=workers, mend=False)
    return run(flow, link, check_unique)


async def acheck_unique(
    model: type[Model],
    *,
    workers: int = 1,
    using: str | None = None,
    on_finding: FindingCallback | None = None,
) -> UniqueReport:
    """Like :func:`check_unique`, awaited."""
    flow, link = _prepare(model, using, on_finding, workers=workers, mend=False)
    return await arun(flow, link, acheck_unique)


def repair_unique(
    model: type[Model],
    *,
    workers: int = 1,
    using: str | None = None,
    on_finding: FindingCallback | None = None,
) -> UniqueReport:
    """Like :func:`~dynamodb_py.check_unique`, but create and delete sentinels until they match the items.

    Other programs may write at the same time: each repair is a transaction that succeeds only if the items
    and the sentinel have not changed since they were read. Items never change. If several items have the
    same value, one of them keeps or gets the sentinel, which prevents more of them.

    >>> from dynamodb_py import CharField, Model, Tables, repair_unique
    >>> class OldUser(Model):
    ...     class Meta:
    ...         table_name = "users"
    ...
    ...     name = CharField(hash_key=True)
    ...     email = CharField()
    >>> class User(OldUser):
    ...     class Meta:
    ...         table_name = "users"
    ...
    ...     email = CharField(unique=True)
    >>> done = Tables([User]).create()
    >>> ann = OldUser.create(name="ann", email="ann@example.com")  # without a sentinel
    >>> report = repair_unique(User)
    >>> report.missing, report.made
    (1, 1)

    :param model: a model with unique values.
    :param workers: the number of segments of the tables that are read at a time; by default, 1.
    :param using: the alias of a connection; by default, the model's ``Meta.using``.
    :param on_finding: called with each finding, after its repair.
    :raises QueryError: the model has no unique field.
    :raises TableNotFound: the table is missing, or the table of the sentinels; ``Table(Model).update()``
        creates the latter.
    """
    flow, link = _prepare(model, using, on_finding, workers=workers, mend=True)
    return run(flow, link, repair_unique)


async def arepair_unique(
    model: type[Model],
    *,
    workers: int = 1,
    using: str | None = None,
    on_finding: FindingCallback | None = None,
) -> UniqueReport:
    """Like :func:`repair_unique`, awaited."""
    flow, link = _prepare(model, using, on_finding, workers=workers, mend=True)
    return await arun(flow, link, arepair_unique)


def _prepare(
    model: type[Model],
    using: str | None,
    on_finding: FindingCallback | None,
    *,
    workers: int,
    mend: bool,
) -> tuple[Flow[UniqueReport], Connection]:
    check_outside("repair_unique()" if mend else "check_unique()")
    meta = options_of(model)
    if not meta.constraints:
        raise QueryError(
            f"{meta.name} has no unique values: declare unique=True or a UniqueConstraint first"
        )
    if workers < 1:
        raise QueryError(f"workers={workers}: give a number from 1")
    link = get_connection(using or meta.using)
    return Sentinels(meta, link, on_finding, workers=workers, mend=mend).run(), link
