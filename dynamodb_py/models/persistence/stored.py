"""The whole item of an instance, as it would be stored, and as it counts once it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...codec import from_json, item_size, to_json
from ...exceptions import ItemTooLarge, ValidationError
from ...limits import MAX_ITEM_BYTES
from ...operations.base import Wire, WireItem
from ...operations.batches import Put
from ...operations.items import Key, StoredItem
from .tracking import Changing

if TYPE_CHECKING:
    from typing_extensions import Self


class Whole(Changing):
    """What an instance is as an item."""

    __slots__ = ()

    def _item(self, *, validate: bool = True) -> StoredItem:
        """Return the whole item as it would be stored."""
        return self._sized(self._whole(validate=validate))

    def _as_put(self, table: str | None = None, *, validate: bool = True) -> Put:
        """Return what puts this instance whole, into its own table unless another is given."""
        wires = self._whole(validate=validate)
        return Put(table or self._table, self._key_in(wires), self._sized(wires))

    def _whole(self, *, validate: bool) -> WireItem:
        """Return all attributes of the item as they would be stored."""
        wires = {
            **self._left_alone(),
            **self._wires(adding=self._stored is None, validate=validate),
        }
        stored = self._stored_wires()
        if self._stored is not None:
            self._check_key(stored, wires)
            wires.update(self._stored_key(stored))
        if (kind := self._options().kind) is not None:
            kind.set_discriminator(wires, stored)
        return wires

    def _key_in(self, wires: Mapping[str, Wire]) -> Key:
        return {field.attribute: wires[field.attribute] for field in self._options().keys}

    def _sized(self, wires: WireItem) -> StoredItem:
        """Return an item as JSON; raise ItemTooLarge over DynamoDB's 400 KB."""
        try:
            item = to_json(wires)
        except UnicodeEncodeError as error:
            raise self._no_text(wires, error) from None
        # An item's JSON is never shorter than what DynamoDB counts, but for base64.
        if len(item) > MAX_ITEM_BYTES and (size := item_size(wires)) > MAX_ITEM_BYTES:
            said = f"the item has {size} bytes, DynamoDB takes {MAX_ITEM_BYTES}"
            raise ItemTooLarge(
                f"{said}; its largest fields: {self._largest(wires)}", model=self._meta.name
            )
        return item

    def _no_text(self, wires: WireItem, error: UnicodeEncodeError) -> ValidationError:
        errors: dict[str, list[str]] = {}
        for name, wire in wires.items():
            try:
                to_json({name: wire})
            except UnicodeEncodeError:
                field = self._fields.by_attribute.get(name)
                errors[field.name if field else ascii(name)] = [
                    f"it is no Unicode text: {error.reason}"
                ]
        return ValidationError(errors, model=self._meta.name)

    def _settle(self, item: StoredItem) -> Self:
        """Take *item* for what is stored from now on; the values stay as they are."""
        aside = self._aside
        self._stored, self._decoded, self._aside = item, True, None
        if aside is not None and aside.unreadable:
            self._apart().unreadable = aside.unreadable
        if self._options().version is not None:
            self._take_version(from_json(item))
        return self

    def _take_version(self, item: Mapping[str, Wire]) -> None:
        version = self._meta.version
        if version is not None and version.attribute in item:
            self.__dict__[version.name] = version.decode(item[version.attribute])
