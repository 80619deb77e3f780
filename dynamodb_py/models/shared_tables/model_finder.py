"""Finds the model of an item in a shared table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...codec import make_attributes_reader
from ...operations.items import StoredItem
from ...schema import TableSchema
from .collisions import get_template

if TYPE_CHECKING:
    from ..options.options import Options


class _Text(Struct, gc=False):
    S: str | None = None


class ModelFinder:
    """Finds the model of an item in a shared table.

    :param discriminator: the attribute with the kind of an item; None if the table has no discriminator.
    """

    def __init__(
        self, members: Iterable[Options], schema: TableSchema, discriminator: str | None
    ) -> None:
        self._members = tuple(members)
        self._by_kind = {
            None if meta.kind is None else meta.kind.value: meta for meta in self._members
        }
        keys = [schema.hash_key, *([] if schema.range_key is None else [schema.range_key])]
        self._keys = [(f"k{at}", key.name) for at, key in enumerate(keys)]
        rename = dict(self._keys)
        if discriminator is not None:
            rename["kind"] = discriminator
        read = [(name, _Text | None, None) for name in rename]
        # An attribute of another type than text has no S, and no template makes such a key.
        self._read: Callable[[StoredItem], Any] = make_attributes_reader(read, rename)
        self._has_kinds = discriminator is not None

    def find(self, item: StoredItem) -> Options | None:
        """Return the options of the model, by the discriminator of the item, else by its key."""
        read = self._read(item)
        if self._has_kinds and read.kind is not None:
            found = self._by_kind.get(read.kind.S)
            if found is not None:
                return found
        keys = {name: getattr(read, member) for member, name in self._keys}
        return next((meta for meta in self._members if _fits(meta, keys)), None)


def _fits(meta: Options, keys: Mapping[str, Any]) -> bool:
    """Tell whether this key matches the templates of a model."""
    for field in meta.keys:
        template = get_template(field)
        wire = keys[field.attribute]
        text = None if wire is None else wire.S
        if template is not None and (text is None or template.parse_wires(text) is None):
            return False
    return True
