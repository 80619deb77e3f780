"""Item collections: what lives under one hash key of a shared table, whatever its models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from msgspec import Struct

from ...codec import decode, from_json
from ...connections import Connection
from ...exceptions import QueryError
from ...expressions import BeginsWith, Compare, Condition, In, Path, Value
from ...flows import Flow, awaiting, blocking
from ...operations.base import Wire
from ...operations.items import StoredItem
from ...planning import Plan
from ...reading import Reader
from ...schema import KeyAttribute
from ..fields.base import Field
from ..queryset.execution import make_reader, plan_query
from ..records.rows import loader
from .collisions import can_share_prefix, get_prefix, get_template
from .layout import SharedTableLayout

if TYPE_CHECKING:
    from ..model import Model
    from ..options import Options


M = TypeVar("M", bound="Model")


class Collection:
    """The items of one hash key, each of the class that it is of, in the order of the range key.

    They are read when they are first asked for, by one Query and its further pages, and kept. In
    asyncio ``await App.acollection(...)`` has read them, or ``await collection.afetch()``.
    """

    def __init__(
        self,
        place: SharedTableLayout,
        queryset: Any,
        only: frozenset[type[Model]] | None,
        limit: int | None,
    ) -> None:
        self._place, self._queryset = place, queryset
        self._only, self._limit = only, limit
        self._read: list[Model] | None = None
        self._others: list[dict[str, Any]] = []

    @property
    def _link(self) -> Connection:
        link: Connection = self._queryset._link
        return link

    # -- reading -------------------------------------------------------------------------------

    def _fetch(self) -> Flow[list[Model]]:
        """Read all of it, unless it was read, and return the instances."""
        if self._read is None:
            plan: Plan = plan_query(self._queryset)
            reader: Reader = make_reader(self._queryset, plan)
            load = _Loading(self._place, plan.held, self._queryset._alias, self._only)
            left = self._limit
            while left != 0:
                items = yield from reader.more()
                if items is None:
                    break
                left = load.take(items, left)
            self._read, self._others = load.found, load.others
        return self._read

    fetch = blocking(_fetch)
    afetch = awaiting(_fetch)

    def plan(self) -> Plan:
        """Return how it is read, a value that can be looked at; nothing is sent."""
        plan: Plan = self._queryset.explain()
        return plan

    explain = plan

    # -- what there is -------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Model]:
        return iter(self.fetch())

    async def __aiter__(self) -> AsyncIterator[Model]:
        for each in await self.afetch():
            yield each

    def __len__(self) -> int:
        return len(self.fetch())

    def __bool__(self) -> bool:
        return bool(self.fetch())

    def __contains__(self, instance: object) -> bool:
        return instance in self.fetch()

    def of(self, model: type[M]) -> list[M]:
        """Return the items of *model*, of its subclasses too, in order."""
        self._check(model)
        return [each for each in self.fetch() if isinstance(each, model)]

    def first(self, model: type[M]) -> M | None:
        """Return the first item of *model*, or None."""
        return next(iter(self.of(model)), None)

    def one(self, model: type[M]) -> M:
        """Return the only item of *model*.

        :raises DoesNotExist: there is none; the model's own subclass of it.
        :raises MultipleObjectsReturned: there are several; the model's own subclass of it.
        """
        found = self.of(model)
        if len(found) == 1:
            return found[0]
        here = f"{self._place.name}: {self._queryset._question.condition!r}"
        if found:
            raise model.MultipleObjectsReturned(
                f"{here} has {len(found)} items of {model.__name__}: take first(), or of()"
            )
        raise model.DoesNotExist(f"{here} has no {model.__name__}")

    def grouped(self) -> dict[type[Model], list[Model]]:
        """Return the items by their classes, which come in the order of their first items."""
        found: dict[type[Model], list[Model]] = {}
        for each in self.fetch():
            found.setdefault(type(each), []).append(each)
        return found

    @property
    def others(self) -> list[dict[str, Any]]:
        """What is no item of any model: plain dicts of all attributes."""
        self.fetch()
        return self._others

    def __repr__(self) -> str:
        if self._read is None:
            return f"<Collection of {self._place.name}: {self._queryset._question.condition!r}>"
        parts = ", ".join(f"{len(group)} {m.__name__}" for m, group in self.grouped().items())
        more = f", {len(self._others)} others" if self._others else ""
        return f"<Collection of {self._place.name}: {parts or 'nothing'}{more}>"

    def _check(self, model: type[Model]) -> None:
        known = self._place.models
        if not any(issubclass(each, model) for each in known):
            names = ", ".join(each.__name__ for each in known)
            raise QueryError(f"{model.__name__} is not in {self._place.name}, which has {names}")


class _Loading:
    """Makes instances of the items of a collection."""

    def __init__(
        self,
        place: SharedTableLayout,
        held: frozenset[str] | None,
        using: str | None,
        only: frozenset[type[Model]] | None,
    ) -> None:
        self._kinds = Kinds.of_place(place)
        self._held, self._using, self._only = held, using, only
        self._loaders: dict[type[Any], Any] = {}
        self.found: list[Model] = []
        self.others: list[dict[str, Any]] = []

    def take(self, items: Sequence[StoredItem], left: int | None) -> int | None:
        """Take a page of items, *left* at most; return how many are left."""
        for item in items:
            if left == 0:
                break
            if self._takes(item) and left is not None:
                left -= 1
        return left

    def _takes(self, item: StoredItem) -> bool:
        meta = self._kinds.of(item)
        if meta is None:
            if self._only is not None:
                return False
            wires = cast("Mapping[str, Wire]", from_json(item))
            self.others.append({name: decode(wire) for name, wire in wires.items()})
            return True
        model: type[Any] = meta.model
        if self._only is not None and model not in self._only:
            return False
        if meta.expiry is not None and meta.expiry.hides(item):
            return False
        load = self._loaders.get(model)
        if load is None:
            load = loader(cast("Any", model), None, self._held, self._using)
            self._loaders[model] = load
        self.found.append(load(item))
        return True


class _Text(Struct, gc=False):
    S: str | None = None


class Kinds:
    """Finds out which model of a shared table an item is of."""

    def __init__(self, place: SharedTableLayout) -> None:
        self._members = tuple(place.members)
        self._by_kind = {place.kind(meta): meta for meta in self._members}
        schema = place.meta.schema
        keys = [schema.hash_key, *([] if schema.range_key is None else [schema.range_key])]
        self._keys = [(f"k{at}", key.name) for at, key in enumerate(keys)]
        rename = dict(self._keys)
        if place.discriminator is not None:
            rename["kind"] = place.discriminator
        members = [(name, _Text | None, None) for name in rename]
        shape = msgspec.defstruct("Keys", members, rename=rename, gc=False)
        # An attribute of another type has no S, and is no key that a template makes.
        self._read: Callable[[StoredItem], Any] = msgspec.json.Decoder(shape).decode
        self._is_said = place.discriminator is not None

    @classmethod
    def of_place(cls, place: SharedTableLayout) -> Kinds:
        """Return what finds the models that there are in *place* now."""
        version, kinds = place.kinds
        if version != place.version:
            kinds = cls(place)
            place.kinds = (place.version, kinds)
        found: Kinds = kinds
        return found

    def of(self, item: StoredItem) -> Options | None:
        """Return the options of the model: by what the item says, or else by its key."""
        read = self._read(item)
        if self._is_said and read.kind is not None:
            told = self._by_kind.get(read.kind.S)
            if told is not None:
                return told
        keys = {name: getattr(read, member) for member, name in self._keys}
        return next((meta for meta in self._members if _fits(meta, keys)), None)


def _fits(meta: Options, keys: Mapping[str, Any]) -> bool:
    """Tell whether a key is one that the templates of a model make."""
    for field in meta.keys:
        template = get_template(field)
        wire = keys[field.attribute]
        text = None if wire is None else wire.S
        if template is not None and (text is None or template.parse_wires(text) is None):
            return False
    return True


# -- asking ----------------------------------------------------------------------------------------
def collection(
    table: type[Any],
    said: Mapping[str, Any],
    *,
    index: str | None,
    model: type[Any] | None,
    only: Iterable[type[Any]] | None,
    consistent: bool | None,
    reverse: bool,
    limit: int | None,
    using: str | None,
) -> Collection:
    """Return what ``SharedTable.collection`` gives."""
    place: SharedTableLayout = table._place
    names = place.meta.field_set.by_name
    lookups = {name: value for name, value in said.items() if name.split("__")[0] in names}
    parts = {name: value for name, value in said.items() if name not in lookups}
    queryset: Any = table.objects.get_queryset()
    if using is not None:
        queryset = queryset.using(using)
    if index is not None:
        queryset = queryset.index(index)
    hash_key, range_key = _keys(place, index)
    if hash_key.name not in lookups:
        lookups[hash_key.name] = _composed(place, hash_key, parts, model)
    elif parts:
        raise TypeError(
            f"{place.name}.collection: {hash_key.name} is the whole hash key: drop {', '.join(parts)}"
        )
    queryset = queryset.filter(**lookups)
    wanted = None if only is None else _wanted(place, only)
    if wanted is not None:
        ranged = any(name.split("__")[0] == getattr(range_key, "name", "") for name in lookups)
        queryset = queryset.filter(_narrowed(place, wanted, None if ranged else range_key))
    elif limit is not None and all(meta.expiry is None for meta in place.members):
        queryset = queryset.limit(limit)  # where all that is read is given
    if consistent is not None:
        queryset = queryset.consistent(consistent)
    if reverse:
        queryset = queryset.reverse()
    return Collection(place, queryset, wanted, limit)


def _keys(
    place: SharedTableLayout, index: str | None
) -> tuple[Field[Any, Any], Field[Any, Any] | None]:
    """Return the fields of the shared table that are the hash and the range key to read by."""
    schema, by_attribute = place.meta.schema, place.meta.field_set.by_attribute
    hashes: Sequence[KeyAttribute] = (schema.hash_key,)
    ranges: Sequence[KeyAttribute] = () if schema.range_key is None else (schema.range_key,)
    for each in schema.indexes:
        if each.name == index:
            hashes, ranges = each.hash_key or hashes, each.range_key
    return by_attribute[hashes[0].name], by_attribute[ranges[0].name] if ranges else None


def _composed(
    place: SharedTableLayout,
    key: Field[Any, Any],
    parts: Mapping[str, Any],
    model: type[Any] | None,
) -> str:
    """Return the hash key that *parts* make."""
    members = [m for m in place.members if model is None or issubclass(m.model, model)]
    if not members and model is not None:
        raise QueryError(f"{model.__name__} is not in {place.name}")
    made_of: dict[tuple[str, ...], list[str]] = {}
    texts: dict[str, list[str]] = {}
    for meta in members:
        template = get_template(meta.field_set.by_attribute.get(key.attribute))
        if template is None:
            continue
        made_of.setdefault(template.names, []).append(meta.name)
        if {*template.names} == {*parts}:
            texts.setdefault(template.compose(parts), []).append(meta.name)
    if not texts:
        known = "; ".join(
            f"{', '.join(n) or 'nothing'} ({', '.join(m)})" for n, m in made_of.items()
        )
        raise TypeError(
            f"{place.name}.collection: no {key.name} is made of {', '.join(parts) or 'nothing'}: "
            f"it is made of {known or 'nothing'}; or give it whole, {key.name}=..."
        )
    if len(texts) > 1:
        known = ", ".join(f"{text!r} of {' and '.join(names)}" for text, names in texts.items())
        raise QueryError(
            f"{place.name}.collection: {', '.join(parts)} make several keys, {known}: choose one by "
            f"model=, or give it whole, {key.name}=..."
        )
    return next(iter(texts))


def _wanted(place: SharedTableLayout, only: Iterable[type[Any]]) -> frozenset[type[Model]]:
    """Return the models of the table that *only* asks for, subclasses too."""
    asked = (only,) if isinstance(only, type) else tuple(only)
    found: list[type[Model]] = []
    for model in asked:
        inside = [each for each in place.models if issubclass(each, model)]
        if not inside:
            names = ", ".join(each.__name__ for each in place.models)
            raise QueryError(f"only=: {model.__name__} is not in {place.name}, which has {names}")
        found += inside
    if not found:
        raise QueryError(f"{place.name}.collection: only= names no model: leave it out to read all")
    return frozenset(found)


def _narrowed(
    place: SharedTableLayout, wanted: frozenset[type[Model]], range_key: Field[Any, Any] | None
) -> Condition:
    """Return what narrows a collection to some models: by the range key, by the discriminator."""
    condition = Condition()
    common = ""
    if range_key is not None:
        prefixes = [_prefix(meta, range_key) for meta in place.members if meta.model in wanted]
        common = _common(prefixes)
    if range_key is not None and common:
        path = Path((range_key.attribute,), range_key, range_key.label)
        condition = BeginsWith(path, Value({"S": common}))
        rest = [meta for meta in place.members if meta.model not in wanted]
        if not any(can_share_prefix(common, _prefix(meta, range_key)) for meta in rest):
            return condition
    if place.discriminator is None:
        return condition
    kinds = [place.kind(meta) for meta in place.members if meta.model in wanted]
    path = Path((place.discriminator,), label=place.discriminator)
    values = tuple(Value({"S": kind}) for kind in dict.fromkeys(kinds) if kind is not None)
    told = Compare(path, "=", values[0]) if len(values) == 1 else In(path, values)
    return condition & told


def _common(texts: Sequence[str]) -> str:
    """Return what all of *texts* begin with."""
    first, last = min(texts), max(texts)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), None
    )
    return min(first, last, key=len) if same is None else first[:same]


def _prefix(meta: Options, key: Field[Any, Any]) -> str:
    return get_prefix(meta.field_set.by_attribute.get(key.attribute))
