"""Many items, of any models, as they all were at one moment."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import identify_key
from ...codec import to_json
from ...connections import Connection, get_connection
from ...exceptions import ConfigurationError, QueryError, TransactionCanceled
from ...flows import Flow, arun, run
from ...limits import MAX_TRANSACTION
from ...operations.items import Key, StoredItem
from ...operations.transactions import TransactGetItems
from ...retries import Retries
from ..instance import Instance, options_of, table_of
from ..persistence.stored import key_of
from ..unit_of_work.commit import patiently
from ..visibility import filter_item

Asked: TypeAlias = "Instance | tuple[type[Instance], Any]"
"""What names an item: an instance, or a model and a key."""

_Place: TypeAlias = "tuple[str, Hashable]"


class Ask(Struct, frozen=True):
    """One item that is asked for."""

    model: type[Instance]
    link: Connection
    table: str
    key: Key
    using: str | None
    """The connection that the instance is to keep; None where its model says."""

    @property
    def place(self) -> _Place:
        return self.table, identify_key(self.key)

    def named(self) -> Instance:
        """Return an instance of which nothing is known but the key."""
        instance = self.model.__new__(self.model)
        for field in options_of(self.model).keys:
            instance.__dict__[field.name] = field.decode(self.key[field.attribute])
        return instance

    def load_wires(self, item: Mapping[str, Any]) -> Instance:
        """Return the instance that *item* is, as it came with an error."""
        return self.load(to_json(item))

    def load(self, item: StoredItem) -> Instance:
        """Return the instance that *item* is."""
        instance = self.model._load(item)
        if self.using is not None:
            instance.__dict__["_using"] = self.using
        return instance


def get(asked: Iterable[Asked], /) -> list[Any]:
    """Return up to 100 items, of any models, as they all were at one moment.

    No write to any of them falls between two of these reads, as it may with other reads. It costs
    twice what a consistent read does.

    ::

        account, order, stock = transaction.get([(Account, "a"), (Order, ("a", 7)), stock])

    :param asked: pairs of a model and a key (the value of the hash key, a tuple of both keys, or a
        dict of the key's fields), or instances, which are left as they are. All are on one
        connection.
    :return: new instances in the order asked; None for what is not there. What is asked for twice
        is read once and given twice, as one instance.
    :raises QueryError: over 100 items, or something else than pairs and instances; nothing was sent.
    :raises ValidationError: a value that no key can have; nothing was sent.
    :raises TypeError: a key of other fields than the model's; nothing was sent.
    :raises ConfigurationError: the items are on several connections; nothing was sent.
    :raises TransactionCanceled: others kept writing to the items (it was tried twice as
        often as ``connect(retries=)`` says), or something else is in the way: ``reasons`` has one for each
        that was asked for, in order.
    :raises InvalidRequest: the items are over 4 MB together.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    asks = _asks(asked)
    link = _link_of(asks)
    return [] if link is None else run(_read(asks, link.retries), link)


async def aget(asked: Iterable[Asked], /) -> list[Any]:
    """Await what ``get()`` waits for."""
    asks = _asks(asked)
    link = _link_of(asks)
    return [] if link is None else await arun(_read(asks, link.retries), link)


def _asks(asked: Iterable[Asked]) -> list[Ask]:
    if isinstance(asked, (Instance, str, bytes, Mapping)):
        raise QueryError(f"give a list of (Model, key) pairs and instances, not {asked!r}")
    return [ask(each) for each in asked]


def ask(given: Any) -> Ask:
    """Return what *given* names: an instance, or a model and a key."""
    if isinstance(given, Instance):
        return Ask(type(given), given._link, table_of(given), key_of(given), given._using)
    model = key = cast("Any", None)
    if isinstance(given, tuple) and len(cast("tuple[Any, ...]", given)) == 2:
        model, key = cast("tuple[Any, Any]", given)
    if not (isinstance(model, type) and issubclass(model, Instance)):
        raise QueryError(
            f"{given!r} names no item: give (Model, key), with a tuple of both keys where there is "
            "a range key, or an instance"
        )
    meta = options_of(model)
    link = get_connection(meta.using)
    return Ask(model, link, link.table_name(meta.table_name), meta.key_of(key), None)


def _link_of(asks: Sequence[Ask]) -> Connection | None:
    """Return the connection that all *asks* have in common, None where there are none."""
    links = {id(ask.link): ask.link for ask in asks}
    if len(links) > 1:
        names = ", ".join(repr(link.alias) for link in links.values())
        raise ConfigurationError(
            f"the items are on several connections, {names}: a snapshot is of one; one call each"
        )
    return next(iter(links.values()), None)


def _read(asks: Sequence[Ask], retries: Retries) -> Flow[list[Instance | None]]:
    """Read *asks*, of which there are some, each place once."""
    places = [ask.place for ask in asks]
    gets: dict[_Place, tuple[str, Key]] = {}
    for place, ask in zip(places, asks, strict=True):
        gets.setdefault(place, (ask.table, ask.key))
    if len(gets) > MAX_TRANSACTION:
        raise QueryError(
            f"a snapshot is of at most {MAX_TRANSACTION} items, not {len(gets)}: load() reads any "
            "number, though not all at one moment"
        )
    try:
        items = yield from patiently(TransactGetItems(list(gets.values())), retries)
    except TransactionCanceled as error:
        if len(error.reasons) == len(gets):
            by_place = dict(zip(gets, error.reasons, strict=True))
            error.reasons = [by_place[place] for place in places]
        raise
    found = dict(zip(gets, items, strict=True))
    loaded: dict[Hashable, Instance] = {}  # an item that was asked for twice is one object
    answer: list[Instance | None] = []
    for ask, place in zip(asks, places, strict=True):
        item = filter_item(ask.model._meta, found[place])
        if item is None:
            answer.append(None)
            continue
        kind = (ask.model, place)  # models that share a table have instances of their own
        if kind not in loaded:
            loaded[kind] = ask.load(item)
        answer.append(loaded[kind])
    return answer
