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
    """A shared table, which has items of several models."""

    _layout: ClassVar[Any]


@name_verbs
class Table(Generic[M]):
    """The table of a model: creates, describes, compares, changes and deletes it.

    Each method has a twin for asyncio, with an ``a`` before its name: ``await Table(Model).acreate()``. The twin of
    ``wait`` is ``await_``, because ``await`` is a keyword of Python.

    :param model: the class, or an instance of it.
    :param using: the alias of a connection; by default, the model's ``Meta.using``.
    :raises TypeError: the model has no table, because it is abstract.
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
        # The options of the shared table, if there is one.
        home: Any = getattr(options, "home", options)
        self.companions: Sequence[TableSchema] = getattr(home, "companions", ())
        """The other tables of the model, such as the table of the sentinels of unique values."""

    def __repr__(self) -> str:
        return f"<Table {self.schema.name} of {self.model.__name__}>"

    @property
    def _link(self) -> Connection:
        """The connection of the table."""
        return get_connection(self.using)

    @property
    def name(self) -> str:
        """The table's name in DynamoDB: ``Meta.table_name`` with the connection's prefix."""
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
        """Create the table with the model's indexes, wait until it is ACTIVE, and return its description.

        If the model has unique values, also create the table of their sentinels, if it is missing. If a field
        declares TTL, enable it. If the table is being deleted, wait for the end of that first.

        :param if_not_exists: accept a table that exists, with its present indexes and options, if its keys are
            the model's. TTL is enabled for such a table too.
        :param wait: False returns while the table may still be CREATING. TTL and point-in-time recovery are then
            not enabled: call :meth:`update` later.
        :param timeout: the largest number of seconds to wait in all; by default, 300.
        :param billing_mode: in place of the model's.
        :param read_capacity: read units per second, in place of the model's.
        :param write_capacity: write units per second, in place of the model's.
        :raises TableAlreadyExists: the table exists, without *if_not_exists*.
        :raises TableMismatch: the table exists with other keys; or DynamoDB accepted an option of ``Meta`` that the
            new table does not have.
        :raises TableInUse: the *timeout* is over.

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

        It is a dict in boto3's form, with times as aware datetimes
        (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html).
        If the model declares TTL, point-in-time recovery or tags, the dict also has ``TimeToLiveDescription``,
        ``PointInTimeRecoveryDescription`` or ``Tags``, from the responses to their own requests.

        :raises TableNotFound: the table does not exist.

        >>> Table(Score).info()["TableName"]
        'scores'
        """
        live = yield from read_live(self.name, self.schema, (yield from DescribeTable(self.name)))
        return {**live.description, **describe_settings(live)}

    info = blocking(_info)
    ainfo = awaiting(_info)

    def _exists(self) -> Flow[bool]:
        """Tell whether the table exists, in any state, also CREATING and DELETING.

        >>> Table(Score).exists()
        True
        """
        return (yield from find_table(self.name)) is not None

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _item_count(self) -> Flow[int]:
        """Return DynamoDB's number of items in the table, which may be six hours old.

        :raises TableNotFound: the table does not exist.

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

        :raises TableInUse: *timeout* seconds are over; the message has the state.
        :raises TableNotFound: the table does not exist.

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
        """Delete the table with all its items, and wait until it is gone.

        Also delete the table of the sentinels of unique values. If the table is being created or changed, wait
        first, because DynamoDB does not delete it in this state.

        :param wait: False returns while the table may still be DELETING.
        :param missing_ok: True makes a missing table no error.
        :param timeout: the largest number of seconds to wait in all; by default, 300.
        :raises TableNotFound: the table does not exist, without *missing_ok*.
        :raises TableInUse: the *timeout* is over.

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
        """Return the steps that :meth:`update` would make, in order; change nothing.

        The plan is empty if the table is as the model declares it. ``print(plan)`` shows each step: the change, the
        reason, whether DynamoDB reads the whole table for it, and how to undo it. A change that ``update()`` cannot
        make is a step without an ``operation``; the step has the remedy.

        :param drop_indexes: plan to remove the global indexes that the model does not declare; else ``plan.notes``
            has their names.
        :raises TableNotFound: the table does not exist.

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
        """Change the live table to the model's declaration, and return the table's description.

        It makes the steps of :meth:`plan` one after the other: options, billing, throughput and global indexes.
        After each step it waits until the table and its indexes are ACTIVE and new indexes are filled. If a run is
        interrupted, the next one continues. Two runs at once do no harm. If the model has unique values, the table
        of their sentinels is created if it is missing.

        DynamoDB limits how many times a day throughput may go down and billing may change
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).

        :param wait: False sends only the first step.
        :param timeout: the largest number of seconds to wait in all; by default, 300. Filling an index of a large
            table takes longer.
        :param dry_run: change nothing, and return the plan.
        :param drop_indexes: remove the global indexes that the model does not declare; by default they stay.
        :param progress: called with the number of steps done and the total; or True for a progress bar.
        :param billing_mode: in place of the model's.
        :param read_capacity: read units per second, in place of the model's.
        :param write_capacity: write units per second, in place of the model's.
        :raises TableMismatch: before anything is changed: a difference that DynamoDB cannot change, in keys, local
            indexes, the keys or projection of an index, or the attribute of TTL. At the end: DynamoDB accepted a
            change that the table does not show.
        :raises TableNotFound: the table does not exist.
        :raises TableInUse: the *timeout* is over.

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
        """Return the plan of an update; raise TableMismatch if a step is impossible."""
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
        """Return the differences between the live table and the model, one sentence for each.

        It compares keys, indexes, billing, throughput, the table of the sentinels of unique values, and, if the
        model declares them, TTL and the options of ``Meta``.

        :raises TableNotFound: the table does not exist.

        >>> Table(Score).diff()
        []
        """
        live = yield from read_live(self.name, self.schema, (yield from DescribeTable(self.name)))
        differences = find_all_differences(self.name, self.schema, live)
        for name, schema in self._companions().items():
            found = yield from find_table(name)
            if found is None or is_deleting(found):
                differences.append(
                    f"uniqueness: there is no table {name} for the sentinels; update() creates it, and "
                    "dynamodb-py unique repair fills it"
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
        """Return an iterator over the changes of the table's items, for ``for`` and for ``async for``.

        Each change is a :class:`~dynamodb_py.StreamRecord`. The changes of one item come in their order, also where
        shards split. The changes of different items come in about the order of time. A model in a shared table,
        and a subclass, yield only the changes of their own items; a shared table yields those of all its models.
        Changes of items that ``Meta.hide_expired`` hides from reads are included.

        :param position: where to begin. ``"latest"``: changes from now on. ``"trim_horizon"``: all changes that
            DynamoDB has, which are those of the last 24 hours. A datetime: changes since then; it reads all changes to
            find them. The ``position`` of an earlier stream, a value for JSON: continue there.
        :param follow: whether to wait for further changes; False ends the iteration after the present ones.
        :param poll: seconds between two requests to a shard without new changes. Each request costs a read request
            unit of streams, and a shard accepts five requests a second.
        :param page_size: the largest number of records in a response, 1 to 1,000, which have up to 1 MB together; by
            default, 1,000.
        :param workers: the largest number of shards that are read at a time; by default, 8.
        :param on_trimmed: a function, which may be async, that is called with StreamTrimmed instead of raising it;
            then reading continues.
        :raises StreamNotFound: while reading: the table has no stream.
        :raises StreamTrimmed: while reading: DynamoDB deleted changes before they were read.
        :raises InvalidPosition: here or while reading: the position does not belong to this stream.
        :raises QueryError: another argument is invalid.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html

        >>> from dynamodb_py import CharField, Model
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "new_and_old_images"
        ...
        ...     id = CharField(hash_key=True)
        >>> description = Table(Order).create()
        >>> order = Order.create(id="a")
        >>> for record in Table(Order).stream("trim_horizon", follow=False):
        ...     print(record.kind, record.key)
        insert {'id': 'a'}
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
        """Return the other tables of the model by their names in DynamoDB."""
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
