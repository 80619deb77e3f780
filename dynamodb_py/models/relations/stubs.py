"""What references are made of: keys, instances that know only these, and what deleting does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from ...codec import to_json
from ...exceptions import QueryError
from ...operations.base import Wire
from ..fields.base import Field
from ..templates import KeyTemplate

if TYPE_CHECKING:
    from .foreign import ForeignKey

AnyField = Field[Any, Any]


class OnDelete(Enum):
    """What becomes of the items that refer to one which is deleted."""

    DO_NOTHING = "do nothing"
    """They keep the key of an item that is gone."""
    PROTECT = "protect"
    """The item is not deleted as long as there are any."""
    NULLIFY = "nullify"
    """They refer to nothing from then on."""
    CASCADE = "cascade"
    """They are deleted too."""


DO_NOTHING = OnDelete.DO_NOTHING
PROTECT = OnDelete.PROTECT
NULLIFY = OnDelete.NULLIFY
CASCADE = OnDelete.CASCADE


def is_stub(instance: Any) -> bool:
    """Tell whether nothing but its key is known of an instance, since that was all that was read."""
    aside = instance._aside
    return aside is not None and bool(aside.stub)


def stub_of(target: type[Any], key: Mapping[str, Wire], alias: str | None) -> Any:
    """Return an instance of which nothing is known but the key."""
    stub = target._partially(frozenset(field.name for field in target._meta.keys))(to_json(key))
    stub._aside.stub = True
    if alias is not None:
        stub.__dict__["_using"] = alias
    return stub


def has_running_loop() -> bool:
    """Tell whether an event loop runs in this thread, which nothing may block."""
    asyncio = sys.modules.get("asyncio")  # a script that never awaits does not pay for its import
    return asyncio is not None and asyncio._get_running_loop() is not None


def tell(message: str, *said: object) -> None:
    """Say in the debug log that a reference was fetched on demand."""
    import logging  # only who follows references pays for its import

    logging.getLogger("dynamodb_py.relations").debug(message, *said)


def asks(model: type[Any], *, below: bool = False) -> list[ForeignKey[Any, Any]]:
    """Return the references that count when an instance of *model* is deleted.

    :param below: those to narrower classes in its table too, as the item may be of one of them.
    """
    kinds = [*model.__mro__, *_below(model)] if below else model.__mro__
    found = [each for kind in kinds for each in vars(kind).get("_referrers", ())]
    return [each for each in dict.fromkeys(found) if each.on_delete is not DO_NOTHING]


def _below(model: type[Any]) -> Iterator[type[Any]]:
    """Yield the classes below *model* whose items lie in its table."""
    for kind in model.__subclasses__():
        if "_meta" in vars(kind) and kind._meta.table_name == model._meta.table_name:
            yield kind
        yield from _below(kind)


def check_bulk(model: type[Any], verb: str) -> None:
    """Refuse *verb*, which deletes without looking at what refers to the items, where that counts."""
    if found := asks(model, below=True):
        said = ", ".join(f"{each.label} ({each.on_delete.name})" for each in found)
        raise QueryError(
            f"{verb} of {model.__name__} would delete items without asking what refers to them, and "
            f"{said} wants to be asked: delete instances, by delete() or delete_all(list(queryset))"
        )


def keys_of(target: type[Any]) -> tuple[AnyField, ...]:
    """Return the fields that say which item of a model is meant: its key, or what makes that up.

    None are where the key refers to a class that is not there yet.
    """
    return identifying(target._fields.by_name)


def identifying(fields: Mapping[str, AnyField]) -> tuple[AnyField, ...]:
    """Return those of *fields* that are the key; in the place of a template, its parts."""
    hashes = [field for field in fields.values() if field.hash_key]
    ranges = [field for field in fields.values() if field.range_key]
    found: dict[str, AnyField] = {}
    for key in (*hashes, *ranges):
        template = getattr(key, "template", None)
        names = (key.name,) if template is None else KeyTemplate(template, key.label).names
        for name in names:
            if name not in fields:
                return ()
            found[name] = fields[name]
    return tuple(found.values())
