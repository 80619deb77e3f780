"""``transaction.get()``: a snapshot read of many items of any models."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import identify_key
from ...connections import Connection, ambient_alias, get_connection
from ...exceptions import ConfigurationError, QueryError, TransactionCanceled
from ...expressions import is_many
from ...flows import Flow, arun, run
from ...limits import MAX_TRANSACTION
from ...operations.items import Key, StoredItem
from ...operations.transactions import TransactGetItems
from ...retries import Retries
from ..fields.model_key import alias_of
from ..instance import Instance, options_of, table_of
from ..persistence.stored import key_of
from ..unit_of_work.commit import retry_conflicts
from ..visibility import filter_item

ItemReference: TypeAlias = "Instance | tuple[type[Instance], Any]"
"""An instance, or a model and a key."""

_Place: TypeAlias = "tuple[str, Hashable]"


class ItemRead(Struct, frozen=True):
    """An item to read."""

    model: type[Instance]
    link: Connection
    table: str
    key: Key
    using: str | None
    """The alias that the instance keeps; None for the model's own connection."""

    @property
    def place(self) -> _Place:
        return self.table, identify_key(self.key)

    def make_instance(self) -> Instance:
        """Return an instance with the key alone."""
        instance = self.model.__new__(self.model)
        for field in options_of(self.model).keys:
            instance.__dict__[field.name] = field.decode(self.key[field.attribute])
        return instance

    def load(self, item: StoredItem) -> Instance:
        """Return the instance of *item*."""
        instance = self.model._load(item)
        if self.using is not None:
            instance.__dict__["_using"] = self.using
        return instance


def get(items: Iterable[ItemReference], /) -> list[Any]:
    """Return a snapshot of up to 100 items of any models: all as they were at one moment.

    No write can happen between the reads. They cost twice as much as strongly consistent reads.

    ::

        account, order, stock = transaction.get([(Account, "a"), (Order, ("a", 7)), stock])

    >>> from dynamodb_py import transaction
    >>> ann, bob = transaction.get([(Score, ("ann", 1)), (Score, ("bob", 1))])
    >>> ann.points, bob.points
    (50, 70)

    :param items: pairs of a model and a key (the value of the hash key, a tuple of both keys, or a
        dict of the key's fields), or instances, which do not change. All must be on one connection.
    :return: new instances in the order of *items*; None for a missing item. An item that is given twice
        is read once, and its instance is returned twice.
    :raises QueryError: there are more than 100 items, or an argument is neither a pair nor an instance;
        nothing was sent.
    :raises ValidationError: a value is not valid in a key; nothing was sent.
    :raises TypeError: a key has other fields than the model's key; nothing was sent.
    :raises ConfigurationError: the items are on several connections; nothing was sent.
    :raises TransactionCanceled: conflicts with other writes did not end (they get twice as many attempts
        as ``connect(retries=)`` has), or there is another reason: ``reasons`` has one for each item.
    :raises InvalidRequest: the items have more than 4 MB together.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    reads = _make_reads(items)
    link = _find_connection(reads)
    return [] if link is None else run(_read(reads, link.retries), link, get)


async def aget(items: Iterable[ItemReference], /) -> list[Any]:
    """Like :func:`get`, awaited."""
    reads = _make_reads(items)
    link = _find_connection(reads)
    return [] if link is None else await arun(_read(reads, link.retries), link, aget)


def _make_reads(items: Iterable[ItemReference]) -> list[ItemRead]:
    if isinstance(items, Instance) or not is_many(items):
        raise QueryError(f"give a list of (Model, key) pairs and instances, not {items!r}")
    return [make_read(each) for each in items]


def make_read(given: Any) -> ItemRead:
    """Return the read of *given*: an instance, or a model and a key."""
    if isinstance(given, Instance):
        return ItemRead(type(given), given._link, table_of(given), key_of(given), alias_of(given))
    model = key = cast("Any", None)
    if isinstance(given, tuple) and len(cast("tuple[Any, ...]", given)) == 2:
        model, key = cast("tuple[Any, Any]", given)
    if not (isinstance(model, type) and issubclass(model, Instance)):
        raise QueryError(
            f"{given!r} is not an item: give (Model, key), with a tuple of both keys if there is "
            "a range key, or an instance"
        )
    meta = options_of(model)
    link = get_connection(meta.using)
    return ItemRead(
        model, link, link.table_name(meta.table_name), meta.key_of(key), ambient_alias()
    )


def _find_connection(reads: Sequence[ItemRead]) -> Connection | None:
    """Return the one connection of all *reads*; None without reads."""
    links = {id(read.link): read.link for read in reads}
    if len(links) > 1:
        names = ", ".join(repr(link.alias) for link in links.values())
        raise ConfigurationError(
            f"the items are on several connections, {names}: make one call for each"
        )
    return next(iter(links.values()), None)


def _read(reads: Sequence[ItemRead], retries: Retries) -> Flow[list[Instance | None]]:
    """Send *reads*, without repetition, and return their instances."""
    places = [read.place for read in reads]
    gets: dict[_Place, tuple[str, Key]] = {}
    for read in reads:
        gets.setdefault(read.place, (read.table, read.key))
    if len(gets) > MAX_TRANSACTION:
        raise QueryError(
            f"a snapshot has at most {MAX_TRANSACTION} items, not {len(gets)}: load() reads any "
            "number, but not all at one moment"
        )
    try:
        items = yield from retry_conflicts(TransactGetItems(list(gets.values())), retries)
    except TransactionCanceled as error:
        if len(error.reasons) == len(gets):
            by_place = dict(zip(gets, error.reasons, strict=True))
            error.reasons = [by_place[place] for place in places]
        raise
    found = dict(zip(gets, items, strict=True))
    loaded: dict[Hashable, Instance] = {}
    rows: list[Instance | None] = []
    for read, place in zip(reads, places, strict=True):
        item = filter_item(read.model._meta, found[place])
        if item is None:
            rows.append(None)
            continue
        kind = (read.model, place)  # two models of a table may read the same item
        if kind not in loaded:
            loaded[kind] = read.load(item)
        rows.append(loaded[kind])
    return rows
