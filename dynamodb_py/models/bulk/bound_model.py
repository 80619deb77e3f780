"""A model on a connection: the part of managers and query sets that functions for writing items use."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from ...batching import ProgressOption
from ...connections import Connection, ambient_alias
from ...exceptions import ConfigurationError, ValidationError
from ...flows import Flow, arun, as_verb, run
from ...operations.items import Key, StoredItem
from ...reading.keys import make_identity_reader
from ..attribute_values.fetch import read_items
from ..fields.refusals import with_article
from ..instance import Instance, list_many, options_of, table_of
from ..persistence.stored import key_of
from ..records.base import load_key, state_of
from ..records.filling import fill, is_filled_only
from ..signals.events import post_init, pre_init
from ..visibility import Scope, filter_item

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Instance)
M_co = TypeVar("M_co", bound=Instance, covariant=True)


class BoundModel(Protocol[M_co]):
    """A manager or a query set."""

    @property
    def model(self) -> type[M_co]:
        """The model."""
        ...

    @property
    def _link(self) -> Connection: ...
    @property
    def _alias(self) -> str | None: ...
    @property
    def _scope(self) -> Scope | None: ...


def table_name(bound: BoundModel[Any]) -> str:
    """Return the name of the table on the connection of *bound*."""
    return bound._link.table_name(options_of(bound.model).table_name)


def bind_connection(bound: BoundModel[Any], instance: M) -> M:
    """Make *instance* belong to the connection of *bound*; return it."""
    alias = bound._alias
    if alias is None and "_using" not in instance.__dict__:
        alias = ambient_alias()
    if alias is not None:
        instance.__dict__["_using"] = alias
    return instance


def check_connection(bound: BoundModel[Any], instance: M) -> M:
    """Return *instance*, bound to the connection of *bound* if it is new.

    :raises ConfigurationError: it belongs to another connection.
    """
    if bound._alias is not None or not instance.persisted:
        bind_connection(bound, instance)
    if instance._link is not bound._link:
        raise ConfigurationError(
            f"{instance!r} is on the connection {instance._link.alias!r}, and this call uses "
            f"{bound._link.alias!r}: use objects.using({instance._link.alias!r})"
        )
    return instance


def make_instance(bound: BoundModel[M], values: dict[str, Any]) -> M:
    """Return a new instance with these values."""
    model = bound.model
    if pre_init.in_use or post_init.in_use or not is_filled_only(model):
        return bind_connection(bound, model(**values))
    instance = model.__new__(model)  # faster than model(**values), as no call copies the values
    fill(instance, values)
    return bind_connection(bound, instance)


def as_instance(bound: BoundModel[M], item: Any) -> M:
    """Return *item*, or an instance with its values if it is a dict.

    :raises ValidationError: it is neither an instance of the model nor a dict.
    """
    if isinstance(item, bound.model):
        return item
    if isinstance(item, Mapping):
        values, kind = cast("Mapping[str, Any]", item), options_of(bound.model).kind
        model = bound.model if kind is None else kind.find_class(values, bound.model)
        return bind_connection(bound, model(**values))
    raise ValidationError(
        f"{item!r} is not {with_article(bound.model)}: pass instances, or dicts of field values"
    )


def list_instances(given: Iterable[T], verb: str) -> list[T]:
    """Return *given* as a list; raise ValidationError if it holds anything but instances."""
    found = list_many(given, verb)
    for each in found:
        if not isinstance(each, Instance):
            raise ValidationError(f"{verb}() takes instances of models, not {each!r:.80}")
    return found


def load_item(bound: BoundModel[M], item: StoredItem) -> M:
    """Return the instance of a stored item."""
    return bind_connection(bound, bound.model._load(item))


def key_from(bound: BoundModel[Any], given: Any) -> Key:
    """Return the key on the wire of *given*: an instance, or a key as a dict, a tuple or a value."""
    return keys_from(bound, (given,))[0]


def keys_from(bound: BoundModel[Any], given: Iterable[Any]) -> list[Key]:
    """Return the keys on the wire of several instances or keys: see :func:`key_from`."""
    model, meta = bound.model, options_of(bound.model)
    # A loaded instance keeps its key as the writer of the item spelled it.
    keys: list[Key] = [
        key_of(each) if isinstance(each, model) else meta.check_own_key(meta.key_of(each))
        for each in given
    ]
    return keys


def instance_of_key(bound: BoundModel[M], key: Key) -> M:
    """Return an instance that was never loaded, with the values of *key* alone."""
    loaded, instance = load_key(bound.model, key), bound.model.__new__(bound.model)
    loaded._decode()
    fill(instance, loaded.__dict__)
    state = state_of(instance)
    state.known_key = key  # another writer may spell the same values otherwise
    if loaded._state is not None:
        state.unreadable = loaded._state.unreadable
        for name in state.unreadable:
            instance.__dict__.pop(name, None)  # a default would not be its key
    return bind_connection(bound, instance)


def read_instances(
    instances: Sequence[Instance],
    *,
    consistent: bool | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[list[StoredItem | None]]:
    """Read the items of *instances* by their keys; the result has None for missing and hidden items."""
    if not instances:
        return []
    tables = [table_of(each) for each in instances]
    schemas = {table: each._meta.schema for table, each in zip(tables, instances, strict=True)}
    items = yield from read_items(
        list(zip(tables, map(key_of, instances), strict=True)),
        instances,
        {table: make_identity_reader(schema.key) for table, schema in schemas.items()},
        link=instances[0]._link,
        consistent=consistent,
        workers=workers,
        rate=rate,
        progress=progress,
    )
    return [filter_item(each._meta, item) for each, item in zip(instances, items, strict=True)]


def connection_of(objects: Iterable[Instance]) -> Connection | None:
    """Return the connection of *objects*, None for no objects; raise ConfigurationError for several."""
    links = {id(link): link for link in (each._link for each in objects)}
    if len(links) > 1:
        names = ", ".join(repr(link.alias) for link in links.values())
        raise ConfigurationError(
            f"the objects are on several connections, {names}: make one call for each"
        )
    return next(iter(links.values()), None)


def make_blocking(
    name: str,
    flow: Callable[Concatenate[Iterable[Instance], P], Flow[T]],
    make_empty: Callable[[], T],
) -> Callable[Concatenate[Iterable[Instance], P], T]:
    """Make the synchronous function *name*, which drives *flow* over the connection of its objects.

    :param make_empty: makes the result for no objects, for which nothing is sent.
    """

    def function(objects: Iterable[Instance], /, *args: P.args, **kwargs: P.kwargs) -> T:
        all_ = list_instances(objects, name)
        link = connection_of(all_)
        return make_empty() if link is None else run(flow(all_, *args, **kwargs), link, function)

    return as_verb(function, flow, name, "objects")


def make_awaiting(
    name: str,
    flow: Callable[Concatenate[Iterable[Instance], P], Flow[T]],
    make_empty: Callable[[], T],
) -> Callable[Concatenate[Iterable[Instance], P], Coroutine[Any, Any, T]]:
    """Make the asynchronous function *name*: the twin of that which :func:`make_blocking` makes."""

    async def function(objects: Iterable[Instance], /, *args: P.args, **kwargs: P.kwargs) -> T:
        all_ = list_instances(objects, name)
        link = connection_of(all_)
        return (
            make_empty()
            if link is None
            else await arun(flow(all_, *args, **kwargs), link, function)
        )

    return as_verb(function, flow, name, "objects")
