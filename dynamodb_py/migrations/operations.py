"""What a migration consists of: values that are checked when they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, cast

from msgspec import Struct

from ..exceptions import MigrationError
from ..expressions import Action, Computable, Condition, Exists, NotExists, Path, Remove, Set
from ..models.instance import options_of
from ..models.model import Model
from ..models.persistence.update_actions import build_update
from ..pacing.buckets import check_rate
from ..schema import IndexSchema

ActionLike: TypeAlias = "Action | Computable"
Change: TypeAlias = (
    "Callable[[Any], object] | ActionLike | Sequence[ActionLike] | Mapping[str, Any]"
)

_MOST_SEGMENTS = 100
"""The pages of all segments are in memory at once, and their places in one item of the ledger."""

_AT_LEAST_ONCE = (
    "at least once: what an interrupted run has done since its last checkpoint is done again"
)


class MigrationOperation(Struct, frozen=True, eq=False):
    """The base of the operations of migrations."""

    repeats: ClassVar[str] = ""
    """What happens where a run is interrupted, if it is not harmless."""

    def describe(self) -> str:
        """Return what it does, in words; the same for the same operation."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before it is run."""
        return (self.repeats,) if self.repeats else ()


class _OfModel(MigrationOperation, frozen=True, eq=False):
    model: type[Model]

    def __post_init__(self) -> None:
        model: object = self.model
        if not isinstance(model, type) or not issubclass(model, Model) or "_meta" not in dir(model):
            raise MigrationError(f"{type(self).__name__}: {model!r:.80} is no model with a table")


class _OfIndex(_OfModel, frozen=True, eq=False):
    index: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.index, str) or not self.index:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MigrationError(f"{type(self).__name__}: {self.index!r} is no name of an index")

    def find_declared(self) -> IndexSchema | None:
        """Return the index that the model declares."""
        declared = options_of(self.model).table_schema.indexes
        return next((each for each in declared if each.name == self.index), None)


class AddIndex(_OfIndex, frozen=True, eq=False):
    """Add a global index that the model declares to its table, and wait until it is filled.

    Where the table has it already, nothing is done. The wait ends after a day; running the migration
    again continues it.

    :param model: the model.
    :param index: the index's name in DynamoDB.
    :raises MigrationError: the model does not declare it, or declares it as a local one, which DynamoDB
        makes with the table only
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html).
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        found = self.find_declared()
        if found is None:
            raise MigrationError(
                f"AddIndex({self.model.__name__}, {self.index!r}): the model declares no such index: declare it "
                "by GlobalIndex, or drop this operation if a later migration drops the index"
            )
        if found.scope == "local":
            raise MigrationError(
                f"AddIndex({self.model.__name__}, {self.index!r}): it is a LocalIndex, which can only be made "
                "with its table: declare a GlobalIndex"
            )

    def describe(self) -> str:
        return f"add index {self.index} of {self.model.__name__}"

    @property
    def notes(self) -> tuple[str, ...]:
        return ("DynamoDB reads the whole table to fill it",)


class DropIndex(_OfIndex, frozen=True, eq=False):
    """Remove a global index that the model no longer declares from its table.

    Where the table does not have it, nothing is done.

    :param model: the model.
    :param index: the index's name in DynamoDB.
    :raises MigrationError: the model still declares it.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.find_declared() is not None:
            raise MigrationError(
                f"DropIndex({self.model.__name__}, {self.index!r}): the model still declares it: remove it "
                "there first, and deploy the programs that no longer read it"
            )

    def describe(self) -> str:
        return f"drop index {self.index} of {self.model.__name__}"


class ItemsOperation(_OfModel, frozen=True, eq=False, kw_only=True):
    """The base of what changes all items of a model."""

    segments: int = 4
    """The number of parts of the table that are read in parallel, and of parallel writes."""
    rate: float | None = None
    """The capacity units per second, of reads and of writes each; None: as fast as it goes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        segments: object = self.segments
        if type(segments) is not int or not 1 <= segments <= _MOST_SEGMENTS:
            raise MigrationError(
                f"{type(self).__name__}(segments={segments!r}): give a number from 1 to {_MOST_SEGMENTS}"
            )
        if self.rate is not None:
            check_rate(self.rate)

    @property
    def required(self) -> Condition:
        """What must hold of an item for it to be changed."""
        raise NotImplementedError

    def make_actions(self) -> tuple[Action, ...]:
        """Return the update of each item."""
        raise NotImplementedError


class Backfill(ItemsOperation, frozen=True, eq=False):
    """Change every item of a model: by a function, or by one update for all.

    A function takes an instance and changes it in place; what it changed is saved, with hooks and signals,
    on condition that nobody else changed the item since it was read: else it is read and given to the
    function again. It may be async. An update is sent to each item, which must exist, as
    ``objects.update()`` does. Expired and hidden items, and those of other classes, are left out.

    >>> from dynamodb_py import CharField, F, Model
    >>> class User(Model):
    ...     name = CharField(hash_key=True)
    ...     city = CharField()
    >>> Backfill(User, {"city": "Berlin"}, condition=User.city.not_exists()).describe()
    'backfill User by city'

    :param model: the model.
    :param change: the function; or the update: an action such as ``F("visits").add(1)``, a list of them, or
        a dict of values by field.
    :param condition: change only items for which it holds, checked by DynamoDB with each write. Where the
        change itself makes it false, as above, each item is changed once, however often a run is
        interrupted.
    :param segments: the number of parts of the table that are read in parallel, and of the parallel
        writes.
    :param rate: how many capacity units to consume per second at most, of reads and of writes each. By
        default there is no limit.
    :raises MigrationError: an argument cannot be used.
    :raises ValidationError: the update has values that cannot be stored, or are of the key.
    """

    change: Change
    condition: Condition | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.function is None:
            self.make_actions()  # raises for what cannot be written
        options_of(self.model).condition(self.condition)

    @property
    def function(self) -> Callable[[Any], object] | None:
        """The function, if it is one."""
        if isinstance(self.change, (Action, Computable)) or not callable(self.change):
            return None
        return self.change

    @property
    def required(self) -> Condition:
        condition = options_of(self.model).condition(self.condition)
        return Condition() if condition is None else condition

    def make_actions(self) -> tuple[Action, ...]:
        meta, change = options_of(self.model), self.change
        if isinstance(change, Mapping):
            return build_update(meta, (), cast("Mapping[str, Any]", change))
        single = isinstance(change, (Action, Computable))
        if not single and not isinstance(change, Sequence):
            raise MigrationError(
                f"Backfill({self.model.__name__}): {change!r:.80} is no change: give a function of an instance, "
                "an action or a list of them, or a dict of values by field"
            )
        return build_update(meta, [change] if single else cast("Sequence[Any]", change), {})

    def describe(self) -> str:
        function = self.function
        if function is None:
            name = ", ".join(sorted({str(each.path.parts[0]) for each in self.make_actions()}))
        else:
            name = getattr(function, "__qualname__", type(function).__name__)
        return f"backfill {self.model.__name__} by {name}"

    @property
    def notes(self) -> tuple[str, ...]:
        if self.condition is None:
            return (f"{_AT_LEAST_ONCE}: give a condition that the change makes false",)
        return ("once for each item, if the change makes the condition false",)


class RenameAttribute(ItemsOperation, frozen=True, eq=False):
    """Move the value of an attribute to another name, in every item that has the first and not the second.

    The names are those in DynamoDB. An item that has both is left alone. Programs that read both names have to
    run meanwhile.

    :param model: the model.
    :param old: the attribute's name until now.
    :param new: its name from now on.
    :param segments: and *rate*: as for :class:`Backfill`.
    :raises MigrationError: one of the names is of a key of the table, or *old* of one of an index, or of what
        is unique, or the names are equal.
    """

    old: str
    new: str

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (self.old, self.new):
            if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
                self._refuse(f"{name!r} is no name of an attribute")
        meta = options_of(self.model)
        schema = meta.table_schema
        for name in (self.old, self.new):
            if name in {key.name for key in schema.key}:
                self._refuse(
                    f"{name!r} is of the table's key, which no item can change: create new items and delete the "
                    "old ones"
                )
        if self.old == self.new:
            self._refuse("the two names are the same")
        if of := [
            index.name for index in schema.indexes if self.old in {k.name for k in index.keys}
        ]:
            self._refuse(
                f"{self.old!r} is of the key of index {of[0]}, which would lose its items: declare an index by "
                f"{self.new!r}, and drop this one first"
            )
        unique = set(meta.unique_attributes()) & {self.old, self.new}
        if unique:
            self._refuse(
                f"{unique.pop()!r} is unique, and its sentinels keep its name: take unique away first, and repair "
                "them afterwards"
            )

    def _refuse(self, why: str) -> None:
        raise MigrationError(
            f"RenameAttribute({self.model.__name__}, {self.old!r}, {self.new!r}): {why}"
        )

    @property
    def required(self) -> Condition:
        return Exists(Path((self.old,))) & NotExists(Path((self.new,)))

    def make_actions(self) -> tuple[Action, ...]:
        old, new = Path((self.old,)), Path((self.new,))
        return build_update(options_of(self.model), [Set(new, old), Remove(old)], {})

    def describe(self) -> str:
        return f"rename attribute {self.old} of {self.model.__name__} to {self.new}"


class RunPython(MigrationOperation, frozen=True, eq=False):
    """Call a function without arguments, which may be async.

    The lease is not renewed while it runs: run with a ``lease`` that is longer, or let it do no harm twice.

    :param function: the function. It runs again if the run ends before the ledger has noted its end.
    :raises MigrationError: it cannot be called.
    """

    function: Callable[[], object]

    repeats: ClassVar[str] = "at least once: it runs again if it is interrupted"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise MigrationError(f"RunPython({self.function!r:.80}): give a function")

    def describe(self) -> str:
        return f"run {getattr(self.function, '__qualname__', repr(self.function))}"
