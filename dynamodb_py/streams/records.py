"""Records of streams: changes of items, with the images before and after as instances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

from msgspec import UNSET, Raw, Struct, UnsetType

from ..codec import decode, from_json
from ..exceptions import QueryError, UnreadableValue
from ..operations.base import Wire, WireItem
from ..operations.items import StoredItem
from ..operations.streams import RawRecord

Kind = Literal["insert", "modify", "remove"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TTL = "dynamodb.amazonaws.com"
# For each image, the kinds of changes that have it, and the view types of streams that leave it out.
_IMAGES = {
    "old": (("modify", "remove"), ("KEYS_ONLY", "NEW_IMAGE")),
    "new": (("insert", "modify"), ("KEYS_ONLY", "OLD_IMAGE")),
}


class StreamedOptions(Protocol):
    """The options of a model that loading records uses."""

    name: str

    def find_class(self, item: StoredItem, /, *, whole: bool) -> type[Any] | None: ...
    def read_key(self, item: StoredItem, /) -> dict[str, Any]: ...
    def find_name(self, attribute: str, /) -> str | None: ...


M = TypeVar("M")


class StreamRecord(Struct, Generic[M], frozen=True, eq=False):
    """A change of one item, as the iteration of :meth:`Table.stream() <dynamodb_py.Table.stream>` yields it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    """

    kind: Kind
    """The kind of the change: "insert", "modify" or "remove"."""
    model: type[Any]
    """The class of the item; the model whose stream is read if no image shows the class."""
    key: dict[str, Any]
    """The values of the key's fields by name: ``Model.objects.get(**record.key)``."""
    old: M | None
    """The item before; None for an insert, or if the stream's view type leaves it out."""
    new: M | None
    """The item after; None for a removal, or if the stream's view type leaves it out."""
    at: datetime
    """The time of the change, to the second, in UTC."""
    sequence_number: str
    """DynamoDB's number of the change, which grows from change to change of an item."""
    by_ttl: bool
    """Whether TTL removed the item."""
    shard: str
    """The id of the shard; empty for an event."""
    stream: str
    """The ARN of the stream."""
    raw: RawRecord
    """The record as DynamoDB sent it."""

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return the old and the new value of each changed field, by the field's name.

        A missing value is None. An attribute that no field declares has its own name.

        :raises QueryError: the stream's view type leaves out an image that is needed; choose
            ``"new_and_old_images"``.

        >>> from dynamodb_py import CharField, IntegerField, Model, Table
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "new_and_old_images"
        ...
        ...     number = IntegerField(hash_key=True)
        ...     state = CharField(default="open")
        >>> description = Table(Order).create()
        >>> order = Order.create(number=1).update(state="paid")
        >>> for record in Table(Order).stream("trim_horizon", follow=False):
        ...     print(record.kind, record.changes())
        insert {'number': (None, 1), 'state': (None, 'open')}
        modify {'state': ('open', 'paid')}
        """
        for name, (kinds, views) in _IMAGES.items():
            view = self.raw.change.view
            if self.kind in kinds and (view in views or not self._has_image(name)):
                raise QueryError(
                    f"changes(): the stream has no {name} image of a {self.kind}, as its view type is "
                    f'{view or "another"}: set Meta.stream = "new_and_old_images", and run Table.update()'
                )
        before, after = (_read_image(each) for each in self._images)
        found: dict[str, tuple[Any, Any]] = {}
        for attribute in {**before, **after}:
            wires = before.get(attribute), after.get(attribute)
            if wires[0] == wires[1]:
                continue
            name = self.model._meta.find_name(attribute)
            values = [
                None if wire is None else _value_of(instance, name, wire)
                for instance, wire in zip((self.old, self.new), wires, strict=True)
            ]
            if values[0] != values[1] or None in wires:  # a set has no order
                found[name or attribute] = (values[0], values[1])
        return found

    @property
    def _images(self) -> tuple[Raw | UnsetType, Raw | UnsetType]:
        return self.raw.change.old, self.raw.change.new

    def _has_image(self, name: str) -> bool:
        return self._images[name == "new"] is not UNSET

    def __repr__(self) -> str:
        by = " by TTL" if self.by_ttl else ""
        return f"<StreamRecord {self.kind} of {self.model.__name__} {self.key!r}{by}>"


def _read_image(image: Raw | UnsetType) -> WireItem:
    return {} if image is UNSET else cast("WireItem", from_json(image))


def _value_of(instance: object, name: str | None, wire: Wire) -> Any:
    """Return the value of the field *name*, or of an attribute without a field."""
    return decode(wire) if name is None or instance is None else getattr(instance, name)


class RecordLoader(Generic[M]):
    """The loader of records of the table of *model*, which is a model or a shared table.

    :param using: the alias of a connection for the instances; by default, the model's ``Meta.using``.
    """

    def __init__(self, model: type[M], using: str | None = None) -> None:
        self.model, self._using = model, using
        meta: Any = cast("Any", model)._meta
        self._meta: StreamedOptions = meta

    def load(self, raw: RawRecord, *, shard: str = "", stream: str = "") -> StreamRecord[M] | None:
        """Return the record of *raw*; None if the item belongs to another model of the table.

        A record without images belongs to each model that may have its key.

        :raises UnreadableValue: the item cannot be loaded; the message names the record.
        """
        change = raw.change
        kind = cast("Kind", raw.kind.lower())
        keys = bytes(change.key)
        try:
            images = [
                None if image is UNSET else bytes(image) for image in (change.old, change.new)
            ]
            kinds = [
                None if image is None else self._meta.find_class(image, whole=True)
                for image in images
            ]
            model = kinds[1] or kinds[0]
            if images == [None, None]:
                model = self._meta.find_class(keys, whole=False)
            if model is None:
                return None
            old, new = map(self._load_image, kinds, images)
        except UnreadableValue as error:
            raise UnreadableValue(
                f"record {change.number} of the stream of {self._meta.name}, the {kind} of "
                f"{self._meta.read_key(keys)!r}: {error}"
            ) from error
        return StreamRecord(
            kind,
            model,
            model._meta.read_key(keys),
            old,
            new,
            _EPOCH + timedelta(seconds=change.at),
            change.number,
            is_by_ttl(raw.identity),
            shard,
            stream or raw.stream,
            raw,
        )

    def _load_image(self, kind: type[Any] | None, image: StoredItem | None) -> M | None:
        if kind is None or image is None:
            return None
        instance: M = kind._load(image)
        if self._using is not None:
            vars(instance)["_using"] = self._using
        return instance


def is_by_ttl(identity: Mapping[str, str] | None) -> bool:
    """Tell whether the ``userIdentity`` of a record is that of TTL.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    """
    members = {name.lower(): value for name, value in (identity or {}).items()}
    return members.get("type") == "Service" and members.get("principalid") == _TTL
