"""Item collections: the items of all models under one hash key of a shared table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from ...codec import decode, from_json, make_attributes_reader
from ...connections import Connection
from ...exceptions import QueryError
from ...expressions import BeginsWith, Compare, Condition, In, Path, Value
from ...flows import Flow, awaiting, blocking, name_verbs
from ...operations.base import Wire
from ...operations.items import StoredItem
from ...planning import Plan
from ...reading import Reader
from ...schema import KeyAttribute
from ..fields.base import Field
from ..queryset.execution import make_reader, plan_query
from ..records.rows import make_loader
from .collisions import can_share_prefix, get_prefix, get_template
from .layout import SharedTableLayout

if TYPE_CHECKING:
    from ..model import Model
    from ..options import Options


M = TypeVar("M", bound="Model")


@name_verbs
class Collection:
    """The items of one hash key as instances of their models, in the order of the range key.

    They are read on first use, by one Query and its further pages, and kept. In asyncio
    ``await App.acollection(...)`` or ``await collection.afetch()`` reads them.
    """

    def __init__(
        self,
        layout: SharedTableLayout,
        queryset: Any,
        only: frozenset[type[Model]] | None,
        limit: int | None,
    ) -> None:
        self._layout, self._queryset = layout, queryset
        self._only, self._limit = only, limit
        self._read: list[Model] | None = None
        self._others: list[dict[str, Any]] = []

    @property
    def _link(self) -> Connection:
        link: Connection = self._queryset._link
        return link

    def _fetch(self) -> Flow[list[Model]]:
        """Read the items, unless they were read before, and return the instances."""
        if self._read is None:
            plan: Plan = plan_query(self._queryset)
            reader: Reader = make_reader(self._queryset, plan)
            load = _Loading(self._layout, plan.held, self._queryset._alias, self._only)
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
        """Return the plan of the Query; nothing is sent."""
        plan: Plan = self._queryset.explain()
        return plan

    explain = plan

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
        """Return the items of *model* and its subclasses, in order."""
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
        here = f"{self._layout.name}: {self._queryset._question.condition!r}"
        if found:
            raise model.MultipleObjectsReturned(
                f"{here} has {len(found)} items of {model.__name__}: take first(), or of()"
            )
        raise model.DoesNotExist(f"{here} has no {model.__name__}")

    def grouped(self) -> dict[type[Model], list[Model]]:
        """Return the items by class, in the order of the first item of each class."""
        found: dict[type[Model], list[Model]] = {}
        for each in self.fetch():
            found.setdefault(type(each), []).append(each)
        return found

    @property
    def others(self) -> list[dict[str, Any]]:
        """The items that belong to no model, as plain dicts of their attributes."""
        self.fetch()
        return self._others

    def __repr__(self) -> str:
        if self._read is None:
            return f"<Collection of {self._layout.name}: {self._queryset._question.condition!r}>"
        parts = ", ".join(f"{len(group)} {m.__name__}" for m, group in self.grouped().items())
        more = f", {len(self._others)} others" if self._others else ""
        return f"<Collection of {self._layout.name}: {parts or 'nothing'}{more}>"

    def _check(self, model: type[Model]) -> None:
        known = self._layout.models
        if not any(issubclass(each, model) for each in known):
            names = ", ".join(each.__name__ for each in known)
            raise QueryError(f"{model.__name__} is not in {self._layout.name}, which has {names}")


class _Loading:
    """Loads the items of a collection."""

    def __init__(
        self,
        layout: SharedTableLayout,
        held: frozenset[str] | None,
        using: str | None,
        only: frozenset[type[Model]] | None,
    ) -> None:
        self._finder = ModelFinder.of_layout(layout)
        self._held, self._using, self._only = held, using, only
        self._loaders: dict[type[Any], Any] = {}
        self.found: list[Model] = []
        self.others: list[dict[str, Any]] = []

    def take(self, items: Sequence[StoredItem], left: int | None) -> int | None:
        """Load a page of items, at most *left*; return how many more may be loaded."""
        for item in items:
            if left == 0:
                break
            if self._take_item(item) and left is not None:
                left -= 1
        return left

    def _take_item(self, item: StoredItem) -> bool:
        meta = self._finder.of(item)
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
            load = make_loader(cast("Any", model), None, self._held, self._using)
            self._loaders[model] = load
        self.found.append(load(item))
        return True


class _Text(Struct, gc=False):
    S: str | None = None


class ModelFinder:
    """Finds the model of an item in a shared table."""

    def __init__(self, layout: SharedTableLayout) -> None:
        self._members = tuple(layout.members)
        self._by_kind = {layout.get_kind(meta): meta for meta in self._members}
        schema = layout.meta.schema
        keys = [schema.hash_key, *([] if schema.range_key is None else [schema.range_key])]
        self._keys = [(f"k{at}", key.name) for at, key in enumerate(keys)]
        rename = dict(self._keys)
        if layout.discriminator is not None:
            rename["kind"] = layout.discriminator
        members = [(name, _Text | None, None) for name in rename]
        # An attribute of another type has no S: no template makes such a key.
        self._read: Callable[[StoredItem], Any] = make_attributes_reader(members, rename)
        self._has_kinds = layout.discriminator is not None

    @classmethod
    def of_layout(cls, layout: SharedTableLayout) -> ModelFinder:
        """Return the finder for the models that are in *layout* now."""
        version, finder = layout.finder
        if version != layout.version:
            finder = cls(layout)
            layout.finder = (layout.version, finder)
        found: ModelFinder = finder
        return found

    def of(self, item: StoredItem) -> Options | None:
        """Return the options of the model, by the discriminator of the item, else by its key."""
        read = self._read(item)
        if self._has_kinds and read.kind is not None:
            found = self._by_kind.get(read.kind.S)
            if found is not None:
                return found
        keys = {name: getattr(read, member) for member, name in self._keys}
        return next((meta for meta in self._members if _fits(meta, keys)), None)


def _fits(meta: Options, keys: Mapping[str, Any]) -> bool:
    """Tell whether the templates of a model make this key."""
    for field in meta.keys:
        template = get_template(field)
        wire = keys[field.attribute]
        text = None if wire is None else wire.S
        if template is not None and (text is None or template.parse_wires(text) is None):
            return False
    return True


def make_collection(
    table: type[Any],
    given: Mapping[str, Any],
    *,
    index: str | None,
    model: type[Any] | None,
    only: Iterable[type[Any]] | None,
    consistent: bool | None,
    reverse: bool,
    limit: int | None,
    using: str | None,
) -> Collection:
    """Return the collection for the arguments of ``SharedTable.collection``."""
    layout: SharedTableLayout = table._layout
    names = layout.meta.field_set.by_name
    lookups = {name: value for name, value in given.items() if name.split("__")[0] in names}
    parts = {name: value for name, value in given.items() if name not in lookups}
    queryset: Any = table.objects.get_queryset()
    if using is not None:
        queryset = queryset.using(using)
    if index is not None:
        queryset = queryset.index(index)
    hash_key, range_key = _find_keys(layout, index)
    if hash_key.name not in lookups:
        lookups[hash_key.name] = _compose_hash_key(layout, hash_key, parts, model)
    elif parts:
        raise TypeError(
            f"{layout.name}.collection: {hash_key.name} is the whole hash key: drop {', '.join(parts)}"
        )
    queryset = queryset.filter(**lookups)
    wanted = None if only is None else _find_models(layout, only)
    if wanted is not None:
        ranged = any(name.split("__")[0] == getattr(range_key, "name", "") for name in lookups)
        queryset = queryset.filter(_filter_models(layout, wanted, None if ranged else range_key))
    if consistent is not None:
        queryset = queryset.consistent(consistent)
    if reverse:
        queryset = queryset.reverse()
    if wanted is None and limit is not None and all(meta.expiry is None for meta in layout.members):
        queryset = queryset.limit(limit)  # no item that is read is hidden
    return Collection(layout, queryset, wanted, limit)


def _find_keys(
    layout: SharedTableLayout, index: str | None
) -> tuple[Field[Any, Any], Field[Any, Any] | None]:
    """Return the hash key and the range key of the table or the index."""
    schema, by_attribute = layout.meta.schema, layout.meta.field_set.by_attribute
    hashes: Sequence[KeyAttribute] = (schema.hash_key,)
    ranges: Sequence[KeyAttribute] = () if schema.range_key is None else (schema.range_key,)
    for each in schema.indexes:
        if each.name == index:
            hashes, ranges = each.hash_key or hashes, each.range_key
    return by_attribute[hashes[0].name], by_attribute[ranges[0].name] if ranges else None


def _compose_hash_key(
    layout: SharedTableLayout,
    key: Field[Any, Any],
    parts: Mapping[str, Any],
    model: type[Any] | None,
) -> str:
    """Return the hash key composed of *parts*."""
    members = [m for m in layout.members if model is None or issubclass(m.model, model)]
    if not members and model is not None:
        raise QueryError(f"{model.__name__} is not in {layout.name}")
    known_parts: dict[tuple[str, ...], list[str]] = {}
    texts: dict[str, list[str]] = {}
    for meta in members:
        template = get_template(meta.field_set.by_attribute.get(key.attribute))
        if template is None:
            continue
        known_parts.setdefault(template.names, []).append(meta.name)
        if {*template.names} == {*parts}:
            texts.setdefault(template.compose(parts), []).append(meta.name)
    if not texts:
        known = "; ".join(
            f"{', '.join(n) or 'nothing'} ({', '.join(m)})" for n, m in known_parts.items()
        )
        raise TypeError(
            f"{layout.name}.collection: no {key.name} is made of {', '.join(parts) or 'nothing'}: "
            f"it is made of {known or 'nothing'}; or give it whole, {key.name}=..."
        )
    if len(texts) > 1:
        known = ", ".join(f"{text!r} of {' and '.join(names)}" for text, names in texts.items())
        raise QueryError(
            f"{layout.name}.collection: {', '.join(parts)} make several keys, {known}: choose one by "
            f"model=, or give it whole, {key.name}=..."
        )
    return next(iter(texts))


def _find_models(layout: SharedTableLayout, only: Iterable[type[Any]]) -> frozenset[type[Model]]:
    """Return the models of the table that *only* names, with their subclasses."""
    models = (only,) if isinstance(only, type) else tuple(only)
    found: list[type[Model]] = []
    for model in models:
        inside = [each for each in layout.models if issubclass(each, model)]
        if not inside:
            names = ", ".join(each.__name__ for each in layout.models)
            raise QueryError(f"only=: {model.__name__} is not in {layout.name}, which has {names}")
        found += inside
    if not found:
        raise QueryError(
            f"{layout.name}.collection: only= names no model: leave it out to read all"
        )
    return frozenset(found)


def _filter_models(
    layout: SharedTableLayout, wanted: frozenset[type[Model]], range_key: Field[Any, Any] | None
) -> Condition:
    """Return the condition for the items of some models, by the range key and the discriminator."""
    condition = Condition()
    common = ""
    if range_key is not None:
        prefixes = [_get_prefix(meta, range_key) for meta in layout.members if meta.model in wanted]
        common = _common_prefix(prefixes)
    if range_key is not None and common:
        path = Path((range_key.attribute,), range_key, range_key.label)
        condition = BeginsWith(path, Value({"S": common}))
        rest = [meta for meta in layout.members if meta.model not in wanted]
        if not any(can_share_prefix(common, _get_prefix(meta, range_key)) for meta in rest):
            return condition
    if layout.discriminator is None:
        return condition
    kinds = [layout.get_kind(meta) for meta in layout.members if meta.model in wanted]
    path = Path((layout.discriminator,), label=layout.discriminator)
    values = tuple(Value({"S": kind}) for kind in dict.fromkeys(kinds) if kind is not None)
    found = Compare(path, "=", values[0]) if len(values) == 1 else In(path, values)
    return condition & found


def _common_prefix(texts: Sequence[str]) -> str:
    """Return the longest common prefix of *texts*."""
    first, last = min(texts), max(texts)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), None
    )
    return min(first, last, key=len) if same is None else first[:same]


def _get_prefix(meta: Options, key: Field[Any, Any]) -> str:
    return get_prefix(meta.field_set.by_attribute.get(key.attribute))
