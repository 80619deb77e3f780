"""Tables: the tables of many models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from ..batching import ProgressOption, as_callback, run_together
from ..connections import Connection, get_connection
from ..exceptions import ConfigurationError, ModelDefinitionError
from ..flows import Flow, awaiting, blocking, name_verbs
from ..operations.tables import TableDescription
from ..schema import HasOptions
from ..waiting import TIMEOUT
from .steps import TablePlan
from .table import Table

T = TypeVar("T")

_WORKERS = 10
"""The most requests at once: DynamoDB limits the rate of requests that create and change tables."""


@name_verbs
class Tables:
    """The tables of many models: of a list of classes, or of all classes that a module or package defines.

    Classes that share a table count once. Iteration yields a :class:`Table` for each table.

    :param models: the classes, or a module or package.
    :param using: the alias of a connection; by default, the models' ``Meta.using``, which must be the same for
        all.
    :raises ModelDefinitionError: two models declare the same table in different ways.
    :raises ConfigurationError: the models are on different connections.

    >>> from dynamodb_py import CharField, Model
    >>> class Book(Model):
    ...     isbn = CharField(hash_key=True)
    >>> class Author(Model):
    ...     name = CharField(hash_key=True)
    >>> Tables([Book, Author])
    <Tables Book, Author>
    """

    def __init__(
        self, models: Iterable[type[HasOptions]] | ModuleType, using: str | None = None
    ) -> None:
        found: dict[str, Table] = {}
        for model in list_models(models):
            table = Table(model, using)
            other = found.setdefault(table.schema.name, table)
            if other.schema != table.schema:
                raise ModelDefinitionError(
                    f"{other.model.__name__} and {table.model.__name__} both have the table "
                    f"{table.schema.name!r}, and declare it differently: declare them alike, or let them "
                    "share it by Meta.discriminator or Meta.table"
                )
        self._tables = list(found.values())
        aliases = {table.using for table in self._tables}
        if len(aliases) > 1:
            names = " and ".join(sorted(repr(alias or "default") for alias in aliases))
            raise ConfigurationError(
                f"the models are on the connections {names}: make Tables for the models of each, or give "
                "using="
            )
        self.using: str | None = aliases.pop() if aliases else using

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"<Tables {', '.join(table.schema.name for table in self._tables)}>"

    @property
    def _link(self) -> Connection:
        """The connection of the tables."""
        return get_connection(self.using)

    def _create(
        self,
        *,
        if_not_exists: bool = False,
        wait: bool = True,
        timeout: float = TIMEOUT,
        progress: ProgressOption = None,
    ) -> Flow[dict[str, TableDescription]]:
        """Call :meth:`Table.create` for each table; return their descriptions by name.

        It raises the first error after it has tried all tables.

        :param if_not_exists: accept tables that exist, with their present indexes and options, if their keys are
            those of the models.
        :param wait: False returns while tables may still be CREATING, without TTL and point-in-time recovery.
        :param timeout: the largest number of seconds to wait for one table in all; by default, 300.
        :param progress: called with the number of tables done and the total; or True for a progress bar.

        >>> sorted(Tables([Score]).create(if_not_exists=True))
        ['scores']
        """
        flows = [
            table._create(if_not_exists=if_not_exists, wait=wait, timeout=timeout)
            for table in self._tables
        ]
        return self._by_name((yield from _run_all(flows, progress)))

    create = blocking(_create)
    acreate = awaiting(_create)

    def _info(self) -> Flow[dict[str, TableDescription]]:
        """Call :meth:`Table.info` for each table; return their descriptions by name.

        >>> sorted(Tables([Score]).info())
        ['scores']
        """
        return self._by_name((yield from _run_all([table._info() for table in self._tables])))

    info = blocking(_info)
    ainfo = awaiting(_info)

    def _plan(self, *, drop_indexes: bool = False) -> Flow[TablePlan]:
        """Return the steps of :meth:`Table.plan` for all tables as one plan; change nothing.

        :param drop_indexes: plan to remove the global indexes that no model declares.
        :raises TableNotFound: a table does not exist.

        >>> print(Tables([Score]).plan())
        nothing to do
        """
        flows = [table._plan(drop_indexes=drop_indexes) for table in self._tables]
        plans = yield from _run_all(flows)
        return sum(plans, TablePlan())

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
    ) -> Flow[dict[str, TableDescription] | TablePlan]:
        """Call :meth:`Table.update` for each table; return their descriptions by name.

        It raises the first error after it has tried all tables. A second run continues where the first one
        stopped.

        :param wait: False sends only the first step of each table.
        :param timeout: the largest number of seconds to wait for one table in all; by default, 300.
        :param dry_run: change nothing, and return the plan, as :meth:`plan` does.
        :param drop_indexes: remove the global indexes that no model declares; by default they stay.
        :param progress: called with the number of tables done and the total; or True for a progress bar.

        >>> sorted(Tables([Score]).update())
        ['scores']
        """
        if dry_run:
            return (yield from self._plan(drop_indexes=drop_indexes))
        flows: list[Flow[Any]] = [
            table._update(wait=wait, timeout=timeout, drop_indexes=drop_indexes)
            for table in self._tables
        ]
        return self._by_name((yield from _run_all(flows, progress)))

    if TYPE_CHECKING:

        @overload
        def update(self, *, dry_run: Literal[True], drop_indexes: bool = False) -> TablePlan: ...
        @overload
        def update(
            self,
            *,
            wait: bool = True,
            timeout: float = TIMEOUT,
            dry_run: Literal[False] = False,
            drop_indexes: bool = False,
            progress: ProgressOption = None,
        ) -> dict[str, TableDescription]: ...
        def update(self, **options: Any) -> Any: ...

        @overload
        async def aupdate(
            self, *, dry_run: Literal[True], drop_indexes: bool = False
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
        ) -> dict[str, TableDescription]: ...
        async def aupdate(self, **options: Any) -> Any: ...
    else:
        update = blocking(_update)
        aupdate = awaiting(_update)

    def _delete(
        self, *, wait: bool = True, missing_ok: bool = False, timeout: float = TIMEOUT
    ) -> Flow[None]:
        """Call :meth:`Table.delete` for each table, which deletes all its items too.

        It raises the first error after it has tried all tables.

        :param wait: False returns while tables may still be DELETING.
        :param missing_ok: True makes missing tables no error.
        :param timeout: the largest number of seconds to wait for one table in all; by default, 300.

        >>> Tables([Score]).delete()
        >>> Table(Score).exists()
        False
        """
        flows = [
            table._delete(wait=wait, missing_ok=missing_ok, timeout=timeout)
            for table in self._tables
        ]
        yield from _run_all(flows)

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _by_name(self, found: Sequence[T]) -> dict[str, T]:
        return {table.name: one for table, one in zip(self._tables, found, strict=True)}


def _run_all(flows: Sequence[Flow[T]], progress: ProgressOption = None) -> Flow[list[T]]:
    """Run *flows* at the same time; return their results, or raise the first error after the last flow."""
    outcomes = yield from run_together(flows, _WORKERS, as_callback(progress))
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return cast("list[T]", outcomes)


def list_models(models: Iterable[type[Any]] | ModuleType) -> list[type[Any]]:
    """Return *models* as a list; for a module or package, the classes with a table that it has and defines."""
    if not isinstance(models, ModuleType):
        return list(models)
    return [
        each
        for each in vars(models).values()
        if isinstance(each, type)
        and f"{each.__module__}.".startswith(f"{models.__name__}.")
        and getattr(getattr(each, "_meta", None), "schema", None) is not None
    ]
