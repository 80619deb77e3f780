"""The values of a prefetch: relations to read, and wants, the items that instances refer to by them."""

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
"""The relations to read, by the attribute that holds their items."""
Objects: TypeAlias = "list[Any]"


class Selection:
    """A relation by its path, with a query set that reads it, and an attribute that holds its items."""

    path: str
    queryset: Any
    """The query set; None for that of the relation."""
    to_attr: str | None
    """The attribute; None for that of the relation."""

    def check(self, target: Any, *, by_key: bool) -> None:
        """Raise QueryError if the query set cannot read items of *target*.

        :param by_key: True if the relation reads items by their keys.
        """
        raise NotImplementedError

    def read_by_key(self, stubs: Objects) -> Flow[tuple[Mapping[Hashable, Any], Objects]]:
        """Return the items of *stubs* that exist, by key, and the list of those that the query set has."""
        raise NotImplementedError


class Branch(Struct, eq=False):
    """A relation to read, with the relations of its items that are read next."""

    name: str
    below: Tree
    selection: Selection | None = None

    @property
    def queryset(self) -> Any:
        """The query set that reads the items; None if none is given."""
        return None if self.selection is None else self.selection.queryset

    @property
    def to_attr(self) -> str | None:
        """The attribute that holds the items; None for that of the relation."""
        return None if self.selection is None else self.selection.to_attr


class Dangling(Struct, frozen=True):
    """A reference to a missing item, which :func:`~dynamodb_py.prefetch` found.

    Its text is, for example, ``Book.author: Author 'bob'``.
    """

    owner: Any
    """The instance, or the document, that has the reference."""
    name: str
    """The name of the reference, or of the field that holds it."""
    model: type[Any]
    """The model of the missing item."""
    key: Any
    """The ``primary_key`` of the missing item."""

    def __str__(self) -> str:
        return f"{self.describe()} {self.key!r}"

    def describe(self) -> str:
        """Return the names of the reference and the model, without the key, for logs without data.

        >>> from dynamodb_py import CharField, ForeignKey, Model, Table, prefetch
        >>> class Author(Model):
        ...     id = CharField(hash_key=True)
        >>> class Book(Model):
        ...     isbn = CharField(hash_key=True)
        ...     author = ForeignKey(Author)
        >>> created = Table(Author).create()
        >>> [missing] = prefetch([Book(isbn="1", author="bob")], "author")
        >>> missing.describe()
        'Book.author: Author'
        """
        return f"{type(self.owner).__name__}.{self.name}: {self.model.__name__}"


class Want(Struct, eq=False):
    """An item that a prefetch is to read."""

    owners: Objects
    """The instances, or the documents, that refer to the item."""
    name: str
    """The name of the reference, or of the field that holds it."""
    model: type[Any]
    key: Key
    alias: str | None
    """The connection that the item belongs to; None for that of any loaded instance."""
    take: Callable[[Want, Any], None]
    """The callback that gets this want and the item, or None if the item does not exist."""
    values: tuple[Any, ...] = ()
    """The values of the reference in its owners."""
    known: Any = None
    """An existing stub, an instance with only the key; None if there is none."""
    keep: Callable[[Objects], Flow[Objects]] | None = None
    """A function that returns the items which the relation does not leave out; None keeps all."""
    selection: Selection | None = None
    """The selection whose query set reads the item; None without one."""

    @property
    def stub(self) -> Any:
        """The stub: an instance with only the key."""
        if self.known is None:
            self.known = make_stub(self.model, self.key, self.alias)
        return self.known

    @property
    def link(self) -> Connection:
        """The connection that reads the item."""
        alias = AMBIENT_DEFAULT if self.alias is None else self.alias
        return connection_for(alias, options_of(self.model).using)


def want_stub(owner: Any, name: str, stub: Any, take: Callable[[Want, Any], None]) -> Want:
    """Return the want for the item of *stub*."""
    alias = stub.__dict__.get("_using")
    return Want([owner], name, stub.__class__, key_of(stub), alias, take, known=stub)


class Prefetchable:
    """An attribute of a model, such as a reverse relation, that leads to other items by queries."""

    name: str

    @property
    def leads_to(self) -> type[Any]:
        """The model of the other items."""
        raise NotImplementedError

    reads_by_key: bool = False
    """Whether the other items are read by their keys."""

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        """Read the items of *owner*, and cache them in it; add the items to read by key to *wants*."""
        raise NotImplementedError

    def reached(self, owner: Any) -> Iterable[Any]:
        """Return the cached items of *owner*."""
        raise NotImplementedError
