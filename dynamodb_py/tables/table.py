"""Table: create, describe, change and delete the table of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, overload

from ..batching import ProgressOption, as_callback
from ..connections import Connection, ambient_alias, get_connection
from ..exceptions import ValidationError
from ..flows import Flow, awaiting, blocking, name_verbs
from ..operations.tables import DescribeTable, TableDescription
from ..schema import HasOptions, TableSchema, find_name_problem
from ..waiting import TIMEOUT, find_table, pauses, wait_until_active, wait_until_gone
from .creation import check_keys, create_table, delete_table, is_deleting
from .options import describe_settings, read_live
from .plans import find_all_differences, plan_companion
from .steps import TablePlan
from .ttl import ensure
from .update import check_possible, plan_table, update_table

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ..exceptions import StreamTrimmed
    from ..streams import reader as stream_reader
    from ..streams import records as stream_records
    from ..streams import stream as stream_rooms

    M = TypeVar("M", bound="HasOptions", default=Any)
    S = TypeVar("S", bound="HasLayout")
else:
    from typing import TypeVar

    from ..lazy import stream_reader, stream_records, stream_rooms

    M = TypeVar("M")

# The option that names the table of the sentinels.
_SENTINELS = "Meta.unique_table"


class HasLayout(HasOptions, Protocol):
    """A shared table, whose items are of several models."""

    _layout: ClassVar[Any]


@name_verbs
class Table(Generic[M]):
    """The table of a model, given as the class or as an instance.

    *using* is the alias of a connection; without it the model's ``Meta.using`` counts. Every
    method has a twin for asyncio with an ``a`` in front: ``await Table(Model).acreate()``; that of
    ``wait`` is ``await_``, because ``await`` is a word of the language.
    """

    def __init__(self, model: type[M] | M, using: str | None = None) -> None:
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
        table too, but only with *wait*; else ``update()`` does it, and it switches on point-in-time
        recovery. An option of ``Meta`` that was accepted and is not there afterwards raises
        TableMismatch.

        >>> Table(Score).delete()
        >>> Table(Score).create()["TableStatus"]
        'ACTIVE'
        >>> made = Table(Score).create(if_not_exists=True)
        """
        schema = self.schema.with_throughput(billing_mode, read_capacity, write_capacity)
        name = self.name
        self._check_names()
        waits = pauses(timeout if wait else 0.0)
        found = (yield from find_table(name)) if if_not_exists else None
        is_new = found is None or is_deleting(found)
        if found is None or is_deleting(found):
            found = yield from create_table(name, schema, waits, accept=if_not_exists)
        else:
            check_keys(schema, found)
        yield from self._make_companions(waits)
        if not wait:
            return found
        found = yield from wait_until_active(name, appearing=True, waits=waits)
        yield from self._await_companions(waits)
        yield from ensure(name, schema.ttl, waits)
        if is_new and schema.has_options:  # switches on the rest, and reads back
            found = yield from update_table(name, schema, waits)
        return found

    create = blocking(_create)
    acreate = awaiting(_create)

    def _info(self) -> Flow[TableDescription]:
        """Return DynamoDB's description of the table: status, keys, indexes, throughput and more.

        A dict as boto3 returns it, times as aware datetimes
        (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html).
        If the model declares TTL, point-in-time recovery or tags, it also has
        ``TimeToLiveDescription``, ``PointInTimeRecoveryDescription`` or ``Tags``, as their own requests
        answer them. Raises TableNotFound if there is none.

        >>> Table(Score).info()["TableName"]
        'scores'
        """
        live = yield from read_live(self.name, self.schema, (yield from DescribeTable(self.name)))
        return {**live.description, **describe_settings(live)}

    info = blocking(_info)
    ainfo = awaiting(_info)

    def _exists(self) -> Flow[bool]:
        """Tell whether the table exists, in any state: CREATING and DELETING count.

        >>> Table(Score).exists()
        True
        """
        return (yield from find_table(self.name)) is not None

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _item_count(self) -> Flow[int]:
        """Return DynamoDB's number of items, which may be six hours old.

        >>> Table(Score).item_count()
        3
        """
        description = yield from DescribeTable(self.name)
        count: int = description["ItemCount"]
        return count

    item_count = blocking(_item_count)
    aitem_count = awaiting(_item_count)

    def _wait(self, *, timeout: float = TIMEOUT) -> Flow[TableDescription]:
        """Wait until the table and its global indexes are ACTIVE; return the table's description.

        Raises TableInUse with the state after *timeout* seconds; TableNotFound if there is no
        table.

        >>> waited = Table(Score).wait()
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

        >>> Table(Score).delete()
        >>> Table(Score).exists()
        False
        """
        waits = pauses(timeout if wait else 0.0)
        for name in (self.name, *self._companions()):  # sentinels last: items need them
            going = yield from delete_table(name, waits, missing_ok=missing_ok or name != self.name)
            if wait and going is not None:
                yield from wait_until_gone(name, table_id=going.get("TableId"), waits=waits)

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _plan(self, *, drop_indexes: bool = False) -> Flow[TablePlan]:
        """Return the steps from the live table to the model, in order; nothing is changed.

        It is empty if there is nothing to do; ``print(plan)`` shows each step: what, why, whether
        DynamoDB reads the whole table for it, and how it can be undone. A change that ``update()`` cannot
        make is a step without an ``operation``, which says what to do. *drop_indexes* is as for
        ``update()``; without it, ``plan.notes`` name the indexes that the model does not declare.
        Raises TableNotFound if there is no table.

        >>> print(Table(Score).plan())
        nothing to do
        """
        found = yield from DescribeTable(self.name)
        plan, _ = yield from plan_table(self.name, self.schema, found, drop_indexes=drop_indexes)
        return plan + (yield from self._plan_companions())

    plan = blocking(_plan)
    aplan = awaiting(_plan)

    def _update(
        self,
        *,
        wait: bool = True,
        timeout: float = TIMEOUT,
        dry_run: bool = False,
        drop_indexes: bool = False,
        progress: ProgressOption = None,
        billing_mode: str | None = None,
        read_capacity: int | None = None,
        write_capacity: int | None = None,
    ) -> Flow[TableDescription | TablePlan]:
        """Make the live table what the model declares: options, billing, throughput, global indexes.

        The steps are those of ``plan()``. One is made after the other, with a wait until the table and its
        indexes are ACTIVE, and new indexes filled. If a run is interrupted, the next one continues; two
        at once do no harm. Returns the table's description.

        *billing_mode*, *read_capacity* and *write_capacity* (units per second) are used in place of the
        model's. *timeout* is in seconds, for all waiting together, 300 by default: filling an index of a
        large table takes longer. Without *wait*, only the first step is sent. *progress* is called with
        the number of steps that are done and of all, or True for a bar. With *dry_run*, nothing is
        changed, and the result is the plan. For unique values, the table of the sentinels is created if
        missing, as after adding a constraint.

        Global indexes that the model does not declare are removed with *drop_indexes* alone. Raises
        TableMismatch, before anything is changed, for what DynamoDB cannot change: keys, local indexes, the
        keys or the projection of an index, TTL by another attribute; and at the end, for a change that
        was accepted and does not show. TableInUse says that the *timeout* is over.

        DynamoDB limits how often a day throughput may go down and billing may change
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).

        >>> Table(Score).update()["TableStatus"]
        'ACTIVE'
        """
        schema = self.schema.with_throughput(billing_mode, read_capacity, write_capacity)
        if dry_run:
            return (yield from self._plan_changes(schema, drop_indexes=drop_indexes))
        waits = pauses(timeout if wait else 0.0)
        found = yield from update_table(
            self.name,
            schema,
            waits,
            wait=wait,
            drop_indexes=drop_indexes,
            progress=as_callback(progress),
        )
        self._check_names()
        yield from self._make_companions(waits)
        if wait:
            yield from self._await_companions(waits)
        return found

    def _plan_changes(self, schema: TableSchema, *, drop_indexes: bool) -> Flow[TablePlan]:
        """Return the plan of an update; raise TableMismatch if a step cannot be made."""
        found = yield from DescribeTable(self.name)
        plan, live = yield from plan_table(self.name, schema, found, drop_indexes=drop_indexes)
        check_possible(self.name, plan, schema, live)
        return plan + (yield from self._plan_companions())

    if TYPE_CHECKING:

        @overload
        def update(
            self,
            *,
            dry_run: Literal[True],
            drop_indexes: bool = False,
            billing_mode: str | None = None,
            read_capacity: int | None = None,
            write_capacity: int | None = None,
        ) -> TablePlan: ...
        @overload
        def update(
            self,
            *,
            wait: bool = True,
            timeout: float = TIMEOUT,
            dry_run: Literal[False] = False,
            drop_indexes: bool = False,
            progress: ProgressOption = None,
            billing_mode: str | None = None,
            read_capacity: int | None = None,
            write_capacity: int | None = None,
        ) -> TableDescription: ...
        def update(self, **options: Any) -> Any: ...

        @overload
        async def aupdate(
            self,
            *,
            dry_run: Literal[True],
            drop_indexes: bool = False,
            billing_mode: str | None = None,
            read_capacity: int | None = None,
            write_capacity: int | None = None,
        ) -> TablePlan: ...
        @overload
        async def aupdate(
            self,
            *,
            wait: bool = True,
            timeout: float = TIMEOUT,
            dry_run: Literal[False] = False,
            drop_indexes: bool = False,
            progress: ProgressOption = None,
            billing_mode: str | None = None,
            read_capacity: int | None = None,
            write_capacity: int | None = None,
        ) -> TableDescription: ...
        async def aupdate(self, **options: Any) -> Any: ...
    else:
        update = blocking(_update)
        aupdate = awaiting(_update)

    def _diff(self) -> Flow[list[str]]:
        """Return the differences between the live table and the model, a sentence each.

        Keys, indexes, billing, throughput, the table of the sentinels of unique values, and of the TTL
        and the options of ``Meta`` those that the model declares.
        Raises TableNotFound if there is no table.

        >>> Table(Score).diff()
        []
        """
        live = yield from read_live(self.name, self.schema, (yield from DescribeTable(self.name)))
        differences = find_all_differences(self.name, self.schema, live)
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            if found is None or is_deleting(found):
                differences.append(
                    f"uniqueness: there is no table {name} for the sentinels; update() makes it, and "
                    "python -m dynamodb_py unique repair fills it"
                )
            else:
                differences += schema.key_differences(TableSchema.parse(found))
        return differences

    diff = blocking(_diff)
    adiff = awaiting(_diff)

    if TYPE_CHECKING:

        @overload
        def stream(
            self: Table[S],
            position: stream_reader.Start = "latest",
            *,
            follow: bool = True,
            poll: float = 1.0,
            page_size: int | None = None,
            workers: int = 8,
            on_trimmed: Callable[[StreamTrimmed], object] | None = None,
        ) -> stream_rooms.Stream[Any]: ...
        @overload
        def stream(
            self,
            position: stream_reader.Start = "latest",
            *,
            follow: bool = True,
            poll: float = 1.0,
            page_size: int | None = None,
            workers: int = 8,
            on_trimmed: Callable[[StreamTrimmed], object] | None = None,
        ) -> stream_rooms.Stream[M]: ...

    def stream(self, position: Any = "latest", **options: Any) -> Any:
        """Return the changes of the table's items, an iterator for ``for`` and for ``async for``.

        Each is a :class:`~dynamodb_py.StreamRecord`. Those of one item come in their order, also where shards
        split; those of different items about in the order of time. Of a shared table's model, and of a subclass,
        the changes of its own items are given; of the shared table, those of all its models. Items that
        ``Meta.hide_expired`` hides from reads are there.

        :param position: ``"latest"`` gives the changes from now on, ``"trim_horizon"`` all that DynamoDB has, of
            the last 24 hours; a datetime those since then, for which all of them are read; the ``position`` of
            an earlier stream, which JSON can hold, goes on there.
        :param follow: False: the iteration ends when all changes so far were read; else it waits for more.
        :param poll: seconds between two requests to a shard without news. Each counts as a read request unit
            of streams, and a shard takes five in a second.
        :param page_size: the most records of an answer, at most and by default 1,000 (and 1 MB).
        :param workers: how many shards are read at once.
        :param on_trimmed: is called with StreamTrimmed in place of raising it, and may be async; then reading
            goes on.
        :raises StreamNotFound: while reading: the table has no stream.
        :raises StreamTrimmed: while reading: DynamoDB had deleted changes before they were read.
        :raises InvalidPosition: here or while reading: the position is none of this stream.
        :raises QueryError: another argument cannot be used.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
        """
        loader = stream_records.RecordLoader(self.model, self.using or ambient_alias())
        read_options = stream_reader.ReadingOptions(**options)
        return stream_rooms.Stream(self._link, self.name, loader, position, read_options)

    astream = stream

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

    def _plan_companions(self) -> Flow[TablePlan]:
        plan = TablePlan()
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            plan += plan_companion(name, schema, None if found and is_deleting(found) else found)
        return plan

    def _make_companions(self, waits: Iterator[float]) -> Flow[None]:
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            if found is None or is_deleting(found):
                yield from create_table(name, schema, waits, accept=True)
            else:
                check_keys(schema, found, _SENTINELS)

    def _await_companions(self, waits: Iterator[float]) -> Flow[None]:
        for name in self._companions():
            yield from wait_until_active(name, appearing=True, waits=waits)
