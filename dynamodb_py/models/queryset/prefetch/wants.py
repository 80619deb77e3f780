"""What a prefetch reads: relations, and the items that instances want by them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from ....connections import AMBIENT_DEFAULT, Connection, connection_for
from ....flows import Flow
from ....operations.items import Key
from ...fields.model_key import make_stub
from ...instance import options_of
from ...persistence.stored import key_of

Tree: TypeAlias = "dict[str, Branch]"
"""The relations to read, by the attributes that have their items."""
Objects: TypeAlias = "list[Any]"


class Selection:
    """A relation by its path, with the query set that reads it and the attribute for its items."""

    path: str
    queryset: Any
    """None: as the relation itself reads them."""
    to_attr: str | None
    """None: the relation itself has them."""

    def check(self, target: Any, *, by_key: bool) -> None:
        """Raise QueryError if the query set cannot read items of *target*.

        :param by_key: those are read by their keys.
        """
        raise NotImplementedError

    def read_by_key(self, stubs: Objects) -> Flow[tuple[Mapping[Hashable, Any], Objects]]:
        """Return the items of *stubs* that exist, by key, and those of them that the query set has."""
        raise NotImplementedError


class Branch(Struct, eq=False):
    """A relation to read, and those of its items."""

    name: str
    below: Tree
    selection: Selection | None = None

    @property
    def queryset(self) -> Any:
        """The query set that reads it, if one was given."""
        return None if self.selection is None else self.selection.queryset

    @property
    def to_attr(self) -> str | None:
        """The attribute for its items, if it is not the relation itself."""
        return None if self.selection is None else self.selection.to_attr


class Dangling(Struct, frozen=True):
    """A reference to an item that is not there, as a prefetch found it."""

    owner: Any
    """The instance, or the document, that refers to it."""
    name: str
    """The reference, or the field that holds it."""
    model: type[Any]
    """The model of the item."""
    key: Any
    """The item's ``primary_key``."""

    def __str__(self) -> str:
        return f"{self.describe()} {self.key!r}"

    def describe(self) -> str:
        """Return the reference and the model, without the key."""
        return f"{type(self.owner).__name__}.{self.name}: {self.model.__name__}"


class Want(Struct, eq=False):
    """An item to read, and a callback that takes this and the item, or None where it does not exist."""

    owners: Objects
    """The instances, or the documents, that refer to it."""
    name: str
    model: type[Any]
    key: Key
    alias: str | None
    """The connection that it belongs to; None: as any instance that was loaded."""
    take: Callable[[Want, Any], None]
    values: tuple[Any, ...] = ()
    """The values of the reference in its owners."""
    known: Any = None
    """The instance that knows only the key, where there is one."""
    keep: Callable[[Objects], Flow[Objects]] | None = None
    """Returns those of the items of the model that the relation shows; None: it shows all."""
    selection: Selection | None = None
    """Reads the item, where a query set was given for that."""

    @property
    def stub(self) -> Any:
        """An instance that knows only the key."""
        if self.known is None:
            self.known = make_stub(self.model, self.key, self.alias)
        return self.known

    @property
    def link(self) -> Connection:
        """The connection that the item is read over."""
        alias = AMBIENT_DEFAULT if self.alias is None else self.alias
        return connection_for(alias, options_of(self.model).using)


def want_stub(owner: Any, name: str, stub: Any, take: Callable[[Want, Any], None]) -> Want:
    """Return the want of the item of *stub*, an instance that knows only its key."""
    alias = stub.__dict__.get("_using")
    return Want([owner], name, stub.__class__, key_of(stub), alias, take, known=stub)


class Prefetchable:
    """An attribute of a model that leads to other items by queries."""

    name: str

    @property
    def leads_to(self) -> type[Any]:
        """The model of those items."""
        raise NotImplementedError

    reads_by_key: bool = False
    """Whether the items are read by their keys."""

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        """Read the items of *owner*, and keep them in it; those to read by key are added to *wants*."""
        raise NotImplementedError

    def reached(self, owner: Any) -> Iterable[Any]:
        """Return the items of *owner* that were read."""
        raise NotImplementedError
