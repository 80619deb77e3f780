"""The operations of migrations: values that check their arguments at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, cast

from msgspec import Struct

from ..exceptions import MigrationError
from ..expressions import Action, Computable, Condition, Exists, NotExists, Path, Remove, Set
from ..models.instance import options_of
from ..models.model import Model
from ..models.persistence.update_actions import build_update
from ..pacing.buckets import make_pacer
from ..schema import IndexSchema

ActionLike: TypeAlias = Action | Computable
Change: TypeAlias = (
    "Callable[[Any], object] | ActionLike | Sequence[ActionLike] | Mapping[str, Any]"
)

_MOST_SEGMENTS = 100
"""Limited because the pages of all segments are in memory at once, and their places in one item of the ledger."""

_AT_LEAST_ONCE = (
    "at least once: the next run repeats an interrupted run's work since its last checkpoint"
)


class MigrationOperation(Struct, frozen=True, eq=False):
    """The base class of the operations of migrations."""

    repeats: ClassVar[str] = ""
    """The effect of an interrupted run, or "" if it does no harm."""

    def describe(self) -> str:
        """Return a description of the change, which is the same for the same operation."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """Facts to consider before the run."""
        return (self.repeats,) if self.repeats else ()


class _OfModel(MigrationOperation, frozen=True, eq=False):
    model: type[Model]

    def __post_init__(self) -> None:
        model: object = self.model
        if not isinstance(model, type) or not issubclass(model, Model) or "_meta" not in dir(model):
            raise MigrationError(
                f"{type(self).__name__}: {model!r:.80} is not a model with a table: give the class of a model"
            )


class IndexOperation(_OfModel, frozen=True, eq=False):
    """The base class of operations that add or remove an index."""

    index: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.index, str) or not self.index:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MigrationError(
                f"{type(self).__name__}: {self.index!r} is not the name of an index: give its name in DynamoDB"
            )

    def find_declared(self) -> IndexSchema | None:
        """Return the model's declaration of the index, or None if it has none."""
        declared = options_of(self.model).table_schema.indexes
        return next((each for each in declared if each.name == self.index), None)

    def find_problem(self) -> str:
        """Return why the model contradicts this operation, the last one on its index, or "" if it does not."""
        raise NotImplementedError


class AddIndex(IndexOperation, frozen=True, eq=False):
    """Add a global index that the model declares to its table, and wait until it is filled.

    If the table already has the index, the operation does nothing. The wait ends after a day; run the migration again
    to continue it. The run raises :class:`~dynamodb_py.exceptions.MigrationError` if the model does not declare the
    index and no later migration of the run drops it, or if it is a local index, which DynamoDB only creates together
    with the table (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html).

    :param model: the model.
    :param index: the index's name in DynamoDB.
    :raises MigrationError: an argument is invalid.
    """

    def find_problem(self) -> str:
        found = self.find_declared()
        if found is None:
            return "the model declares no such index: declare it by GlobalIndex, or drop it in a later migration"
        if found.scope == "local":
            return (
                "it is a LocalIndex, which can only be made with its table: declare a GlobalIndex"
            )
        return ""

    def describe(self) -> str:
        return f"add index {self.index} of {self.model.__name__}"

    @property
    def notes(self) -> tuple[str, ...]:
        return ("DynamoDB reads the whole table to fill it",)


class DropIndex(IndexOperation, frozen=True, eq=False):
    """Remove a global index that the model no longer declares from its table.

    If the table does not have the index, the operation does nothing. The run raises
    :class:`~dynamodb_py.exceptions.MigrationError` if the model still declares the index and no later migration of the
    run adds it again.

    :param model: the model.
    :param index: the index's name in DynamoDB.
    :raises MigrationError: an argument is invalid.
    """

    def find_problem(self) -> str:
        if self.find_declared() is None:
            return ""
        return "the model still declares it: remove it there first, and deploy the programs that no longer read it"

    def describe(self) -> str:
        return f"drop index {self.index} of {self.model.__name__}"


class ItemsOperation(_OfModel, frozen=True, eq=False, kw_only=True):
    """The base class of operations that change all items of a model."""

    segments: int = 4
    """The number of parts of the table that are read in parallel, and of parallel writes."""
    rate: float | None = None
    """The largest number of read units per second, and of write units; None for no limit."""

    def __post_init__(self) -> None:
        super().__post_init__()
        segments: object = self.segments
        if type(segments) is not int or not 1 <= segments <= _MOST_SEGMENTS:
            raise MigrationError(
                f"{type(self).__name__}(segments={segments!r}): give a number from 1 to {_MOST_SEGMENTS}"
            )
        make_pacer(self.rate)  # raises if the rate is invalid

    @property
    def required(self) -> Condition:
        """The condition for changing an item."""
        raise NotImplementedError

    def make_actions(self) -> tuple[Action, ...]:
        """Return the actions of the update of each item."""
        raise NotImplementedError


class Backfill(ItemsOperation, frozen=True, eq=False):
    """Change every item of a model, by a function or by the same update for each item.

    The function takes an instance and changes it in place; it may be async. The changed fields are saved, with hooks
    and signals, on the condition that nobody else changed the item since it was read. If somebody did, the item is
    read again and passed to the function again. An update is sent to each item that still exists, as
    ``objects.update()`` sends it. Expired and hidden items, and items of other classes, are not changed.

    >>> from dynamodb_py import CharField, F, Model
    >>> class User(Model):
    ...     name = CharField(hash_key=True)
    ...     city = CharField()
    >>> Backfill(User, {"city": "Berlin"}, condition=User.city.not_exists()).describe()
    'backfill User by city'

    :param model: the model.
    :param change: the function; or the update: an action such as ``F("visits").add(1)``, a list of actions, or
        a dict of values by field.
    :param condition: change only items that meet this condition, which DynamoDB checks with each write. If the
        change makes the condition false, as above, each item is changed only once, even if runs are interrupted.
    :param segments: the number of segments of the table that are read in parallel, and of parallel writes; by
        default, 4.
    :param rate: the largest number of read units per second, and of write units, over 0; by default, no limit.
    :raises MigrationError: an argument is invalid.
    :raises ValidationError: the update has values that cannot be stored, or changes the key.
    """

    change: Change
    condition: Condition | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.function is None:
            self.make_actions()  # raises if the update is invalid
        options_of(self.model).condition(self.condition)

    @property
    def function(self) -> Callable[[Any], object] | None:
        """The function, or None if the change is an update."""
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
                f"Backfill({self.model.__name__}): {change!r:.80} is not a change: give a function of an instance, "
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
    """Rename an attribute in every item that has the old name and not the new one.

    The names are those in DynamoDB. An item that has both attributes is not changed. While the migration runs, your
    programs must be able to read both names.

    :param model: the model.
    :param old: the present name of the attribute.
    :param new: its new name.
    :param segments: the number of segments of the table that are read in parallel, and of parallel writes; by
        default, 4.
    :param rate: the largest number of read units per second, and of write units, over 0; by default, no limit.
    :raises MigrationError: a name belongs to the table's key or to a unique constraint, or *old* belongs to the key
        of an index, or the names are equal.
    """

    old: str
    new: str

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (self.old, self.new):
            if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
                self._refuse(f"{name!r} is not the name of an attribute: give its name in DynamoDB")
        meta = options_of(self.model)
        schema = meta.table_schema
        for name in (self.old, self.new):
            if name in {key.name for key in schema.key}:
                self._refuse(
                    f"{name!r} belongs to the table's key, which cannot change: create new items and delete the "
                    "old ones"
                )
        if self.old == self.new:
            self._refuse("the two names are the same: give another new name")
        if of := [
            index.name for index in schema.indexes if self.old in {k.name for k in index.keys}
        ]:
            self._refuse(
                f"{self.old!r} belongs to the key of index {of[0]}, which would lose its items: add an index by "
                f"{self.new!r} and drop {of[0]} first"
            )
        unique = set(meta.unique_attributes()) & {self.old, self.new}
        if unique:
            self._refuse(
                f"{unique.pop()!r} is unique, and its sentinels have its name: remove unique first, and repair "
                "the sentinels afterwards"
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

    The lease is not renewed during the call. Give :func:`run` a ``lease`` that is longer than the call, or write a
    function that is idempotent.

    :param function: the function. It is called again if the run is interrupted before the ledger records its end.
    :raises MigrationError: the argument is not callable.
    """

    function: Callable[[], object]

    repeats: ClassVar[str] = "at least once: it runs again if it is interrupted"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise MigrationError(f"RunPython({self.function!r:.80}): give a function")

    def describe(self) -> str:
        return f"run {getattr(self.function, '__qualname__', repr(self.function))}"
