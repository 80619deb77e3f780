"""Table: create, describe, change and delete the table of a model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

from .connections import Connection, get_connection
from .exceptions import (
    RequestError,
    ServiceError,
    TableAlreadyExists,
    TableInUse,
    TableMismatch,
    TableNotFound,
    ValidationError,
)
from .flows import Flow, awaiting, blocking, name_verbs
from .operations.tables import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    TableDescription,
    UpdateTable,
)
from .schema import TableSchema, find_name_problem
from .ttl import describe_difference, ensure, find_change, switch_on
from .waiting import TIMEOUT, find_table, pauses, wait_or_raise, wait_until_active, wait_until_gone

# The option that names the table of the sentinels.
_SENTINELS = "Meta.unique_table"

# The most seconds between the local clock and DynamoDB's, for comparing a table's age.
_CLOCK_SKEW = 5.0


class HasOptions(Protocol):
    """A model, or another class with a table."""

    _meta: ClassVar[Any]  # a type checker would want exactly the class that is named here


@name_verbs
class Table:
    """The table of a model, given as the class or as an instance.

    *using* is the alias of a connection; without it the model's ``Meta.using`` counts. Every
    method has a twin for asyncio with an ``a`` in front: ``await Table(Model).acreate()``; that of
    ``wait`` is ``await_``, because ``await`` is a word of the language.
    """

    def __init__(self, model: type[HasOptions] | HasOptions, using: str | None = None) -> None:
        kind: type[Any] = model if isinstance(model, type) else type(model)
        options: Any = getattr(kind, "_meta", None)
        if getattr(options, "schema", None) is None:
            raise TypeError(
                f"{kind.__name__} has no table: Table() takes a model that is not abstract"
            )
        self.model = kind
        # The schema for all classes that share the table.
        self.schema: TableSchema = getattr(options, "table_schema", None) or options.schema
        self.using: str | None = options.using if using is None else using
        home: Any = getattr(options, "home", options)  # of a model in a shared table, that
        self.companions: Sequence[TableSchema] = getattr(home, "companions", ())
        """Further tables of the model: that of the sentinels of unique values."""

    def __repr__(self) -> str:
        return f"<Table {self.schema.name} of {self.model.__name__}>"

    @property
    def _link(self) -> Connection:
        """The connection of the table."""
        return get_connection(self.using)

    @property
    def name(self) -> str:
        """Its name in DynamoDB: the model's, as the connection formats it."""
        return self._link.table_name(self.schema.name)

    def _create(
        self,
        *,
        if_not_exists: bool = False,
        wait: bool = True,
        timeout: float = TIMEOUT,
        billing_mode: str | None = None,
        read_capacity: int | None = None,
        write_capacity: int | None = None,
    ) -> Flow[TableDescription]:
        """Create the table with the model's indexes, and wait until it can be used.

        *billing_mode*, *read_capacity* and *write_capacity* (units per second) are used in place
        of the model's. An existing table raises TableAlreadyExists; with *if_not_exists* it is
        accepted as it is, if its keys are the model's. If the table is being deleted, this waits for
        it. *timeout* is in seconds, for all waiting together; without *wait* the table may still be
        CREATING. Returns the table's description. For unique values, the table of the sentinels is
        created too, if missing. If a field declares the TTL, TTL is switched on, for an accepted
        table too, but only with *wait*; else ``update()`` does it.
        """
        schema = self.schema.with_throughput(billing_mode, read_capacity, write_capacity)
        name = self.name
        self._check_names()
        waits = pauses(timeout if wait else 0.0)
        found = (yield from find_table(name)) if if_not_exists else None
        if found is None or _is_deleting(found):
            found = yield from _create_table(name, schema, waits, accept=if_not_exists)
        else:
            _check_keys(schema, found)
        yield from self._make_companions(waits)
        if not wait:
            return found
        found = yield from wait_until_active(name, appearing=True, waits=waits)
        yield from self._await_companions(waits)
        yield from ensure(name, schema.ttl, waits)
        return found

    create = blocking(_create)
    acreate = awaiting(_create)

    def _info(self) -> Flow[TableDescription]:
        """Return DynamoDB's description of the table: status, keys, indexes, throughput and more.

        A dict as boto3 returns it, times as aware datetimes
        (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html).
        Raises TableNotFound if there is none.
        """
        return (yield from DescribeTable(self.name))

    info = blocking(_info)
    ainfo = awaiting(_info)

    def _exists(self) -> Flow[bool]:
        """Tell whether the table exists, in any state: CREATING and DELETING count."""
        return (yield from find_table(self.name)) is not None

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _item_count(self) -> Flow[int]:
        """Return DynamoDB's number of items, which may be six hours old."""
        description = yield from DescribeTable(self.name)
        count: int = description["ItemCount"]
        return count

    item_count = blocking(_item_count)
    aitem_count = awaiting(_item_count)

    def _wait(self, *, timeout: float = TIMEOUT) -> Flow[TableDescription]:
        """Wait until the table and its global indexes are ACTIVE; return the table's description.

        Raises TableInUse with the state after *timeout* seconds; TableNotFound if there is no
        table.
        """
        waits = pauses(timeout)
        found = yield from wait_until_active(self.name, waits=waits)
        yield from self._await_companions(waits)
        return found

    wait = blocking(_wait)
    await_ = awaiting(_wait)

    def _delete(
        self, *, wait: bool = True, missing_ok: bool = False, timeout: float = TIMEOUT
    ) -> Flow[None]:
        """Delete the table with everything in it, and wait until it is gone.

        If the table is being created or changed, this waits first, because DynamoDB refuses to delete
        it then. *timeout* is in seconds, for all waiting together. Raises TableNotFound if there is
        no table, unless *missing_ok*. The table of the sentinels of unique values is deleted too.
        """
        waits = pauses(timeout if wait else 0.0)
        for name in (self.name, *self._companions()):  # sentinels last: items need them
            going = yield from _delete_table(
                name, waits, missing_ok=missing_ok or name != self.name
            )
            if wait and going is not None:
                yield from wait_until_gone(name, table_id=going.get("TableId"), waits=waits)

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _update(
        self,
        *,
        wait: bool = True,
        timeout: float = TIMEOUT,
        billing_mode: str | None = None,
        read_capacity: int | None = None,
        write_capacity: int | None = None,
    ) -> Flow[TableDescription]:
        """Change billing mode and throughput, of the indexes too, to the model's.

        *billing_mode*, *read_capacity* and *write_capacity* (units per second) are used in place
        of the model's. Nothing is changed if nothing differs. For unique values, the table of the
        sentinels is created if missing, as after adding a constraint. If the table is being changed,
        this waits before and, with *wait*, after; *timeout* is in seconds, for all waiting together.
        Returns the table's description. If keys or indexes differ, which this does not change,
        raises TableMismatch and sends nothing. If a field declares the TTL, TTL is switched on; TTL
        by another attribute raises TableMismatch too.

        DynamoDB limits how often a day throughput may go down and billing may change
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
        """
        schema = self.schema.with_throughput(billing_mode, read_capacity, write_capacity)
        waits = pauses(timeout if wait else 0.0)
        ttl = None
        if schema.ttl is not None:  # first, so that a mismatch raises before anything is changed
            yield from wait_until_active(self.name, waits=waits)
            ttl = yield from find_change(self.name, schema.ttl)
        found, sent = yield from _apply_changes(self.name, schema, waits)
        self._check_names()
        yield from self._make_companions(waits)
        if sent and wait:
            found = yield from wait_until_active(self.name, waits=waits)
        if wait:
            yield from self._await_companions(waits)
        if ttl is not None:
            yield from switch_on(ttl, waits)
        return found

    update = blocking(_update)
    aupdate = awaiting(_update)

    def _diff(self) -> Flow[list[str]]:
        """Return the differences between the live table and the model, a sentence each.

        Keys, indexes, billing, throughput, the table of the sentinels of unique values, and the TTL
        if a field declares it.
        Raises TableNotFound if there is no table.
        """
        live = TableSchema.parse((yield from DescribeTable(self.name)))
        differences = self.schema.differences(live)
        if not differences and _find_change(self.name, self.schema, live) is not None:
            differences.append(_describe_billing(self.schema, live))
        if self.schema.ttl is not None:
            ttl = describe_difference(self.schema.ttl, (yield from DescribeTimeToLive(self.name)))
            differences += [] if ttl is None else [ttl]
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            if found is None or _is_deleting(found):
                differences.append(
                    f"uniqueness: there is no table {name} for the sentinels; update() makes it, and "
                    "python -m dynamodb_py unique repair fills it"
                )
            else:
                differences += schema.key_differences(TableSchema.parse(found))
        return differences

    diff = blocking(_diff)
    adiff = awaiting(_diff)

    def _check_names(self) -> None:
        names = {self.name: "Meta.table_name", **dict.fromkeys(self._companions(), _SENTINELS)}
        for name, option in names.items():
            if problem := find_name_problem(name):
                raise ValidationError(
                    f"the table cannot be named {name!r}: {problem}; "
                    f"change {option} or the connection's prefix",
                    model=self.model.__name__,
                )

    def _companions(self) -> dict[str, TableSchema]:
        """Return the further tables by their names in DynamoDB."""
        return {self._link.table_name(schema.name): schema for schema in self.companions}

    def _make_companions(self, waits: Iterator[float]) -> Flow[None]:
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            if found is None or _is_deleting(found):
                yield from _create_table(name, schema, waits, accept=True)
            else:
                _check_keys(schema, found, _SENTINELS)

    def _await_companions(self, waits: Iterator[float]) -> Flow[None]:
        for name in self._companions():
            yield from wait_until_active(name, appearing=True, waits=waits)


def _create_table(
    name: str, schema: TableSchema, waits: Iterator[float], *, accept: bool
) -> Flow[TableDescription]:
    """Create the table, after a table of that name that is being deleted is gone.

    With *accept*, a table that another program created meanwhile is fine.
    """
    started = time.time()
    while True:
        try:
            return (yield from CreateTable(name, schema))
        except (TableInUse, TableAlreadyExists) as error:
            refusal = error
        found = yield from find_table(name)
        if found is not None and not _is_deleting(found):
            if accept:
                _check_keys(schema, found)
            elif not refusal.in_doubt or not _was_created_here(schema, found, started):
                raise _make_exists_error(refusal) from refusal
            return found
        yield from wait_or_raise(waits, refusal)


def _delete_table(
    name: str, waits: Iterator[float], *, missing_ok: bool
) -> Flow[TableDescription | None]:
    """Delete the table as soon as possible; the result is None if there was none."""
    while True:
        try:
            return (yield from DeleteTable(name))
        except TableNotFound as error:
            # If an answer was lost, the earlier attempt deleted it.
            if missing_ok or error.in_doubt:
                return None
            raise
        except TableInUse as error:
            yield from wait_or_raise(waits, error)


def _apply_changes(
    name: str, schema: TableSchema, waits: Iterator[float]
) -> Flow[tuple[TableDescription, bool]]:
    """Change the live table to *schema*; return its description, and whether a request was sent."""
    refusal: ServiceError | None = None
    while True:
        found = yield from wait_until_active(name, waits=waits)
        change = _find_change(name, schema, TableSchema.parse(found))
        if change is None:
            return found, False
        if refusal is not None:
            raise refusal
        try:
            return (yield from change), True
        except ServiceError as error:
            if not error.in_doubt:
                raise
            # An earlier attempt, whose answer was lost, may have made the change: read it again.
            refusal = error


def _is_deleting(description: TableDescription) -> bool:
    return bool(description.get("TableStatus") == "DELETING")


def _was_created_here(schema: TableSchema, found: TableDescription, started: float) -> bool:
    """Tell whether an attempt whose answer was lost created the table *found*."""
    if schema.differences(TableSchema.parse(found)):
        return False
    if found["TableStatus"] == "CREATING":
        return True
    created = found.get("CreationDateTime")
    return created is not None and created.timestamp() >= started - _CLOCK_SKEW


def _make_exists_error(refusal: RequestError) -> TableAlreadyExists:
    error = TableAlreadyExists(
        "there is a table of this name already; update() brings its throughput to the model's"
    )
    vars(error).update(vars(refusal))
    return error


def _check_keys(
    schema: TableSchema, found: TableDescription, named: str = "Meta.table_name"
) -> None:
    if differences := schema.key_differences(TableSchema.parse(found)):
        raise TableMismatch(
            f"the table {found['TableName']} exists with other keys than the model's, and keys "
            f"cannot be changed: choose another {named}, or delete the table first. "
            + "; ".join(differences),
            differences,
        )


def _describe_billing(wanted: TableSchema, live: TableSchema) -> str:
    def spell(schema: TableSchema) -> str:
        units = {f"index {each.name} ": schema.index_throughput(each) for each in schema.indexes}
        known = sorted({"": schema.throughput, **units}.items())
        parts = [f"{of}{one.read} read and {one.write} write units" for of, one in known if one]
        return ", ".join([schema.billing_mode, *parts])

    return f"billing: the model has {spell(wanted)}; the table has {spell(live)}"


def _find_change(name: str, wanted: TableSchema, live: TableSchema) -> UpdateTable | None:
    """Return the request that changes *live* to *wanted*; None if they are equal."""
    if differences := wanted.differences(live):
        raise TableMismatch(
            f"the table {name} is not the model's, and update() changes only billing and "
            "throughput; nothing was sent. " + "; ".join(differences),
            differences,
        )
    mode = wanted.billing_mode if wanted.billing_mode != live.billing_mode else None
    throughput = wanted.throughput if wanted.throughput != live.throughput else None
    found = {index.name: live.index_throughput(index) for index in live.global_indexes}
    indexes = {
        index.name: units
        for index in wanted.global_indexes
        if (units := wanted.index_throughput(index)) and units != found[index.name]
    }
    if mode is None and throughput is None and not indexes:
        return None  # DynamoDB refuses a change that changes nothing
    return UpdateTable(name, mode, throughput, indexes)
