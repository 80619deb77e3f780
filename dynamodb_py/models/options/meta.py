"""``class Meta`` of a model: its options, with their defaults, collected from the class and its bases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ...exceptions import ModelDefinitionError
from ...schema import Index

if TYPE_CHECKING:
    from ..fields import unknown_options
else:
    from ...lazy import unknown_options

TABLE_OPTIONS = (
    "stream",
    "encryption",
    "table_class",
    "deletion_protection",
    "point_in_time_recovery",
    "tags",
    "warm_throughput",
    "on_demand_maximum",
)
"""The options of the table that its schema keeps in one value."""
# The options of Meta and their defaults.
_DEFAULTS: dict[str, Any] = {
    "table_name": None,
    "abstract": False,
    "using": None,
    "indexes": (),
    "billing_mode": None,
    "read_capacity": None,
    "write_capacity": None,
    **dict.fromkeys(TABLE_OPTIONS),
    "allow_scan": False,
    "atomic": None,
    "ttl": None,
    "hide_expired": False,
    "constraints": (),
    "unique_table": None,
    "discriminator": None,
    "kind": None,
    "unknown_kind": "warn",
    "table": None,
    "keys": {},
}
_NOT_INHERITED = frozenset({"table_name", "unique_table", "abstract", "kind"})
# The attributes of the class that dynamodb-py, an older mapper, has for these options.
_OLDER = {
    "__table_name__": "table_name",
    "ReadCapacityUnits": "read_capacity",
    "WriteCapacityUnits": "write_capacity",
}


def collect_meta(model: type[Any]) -> dict[str, Any]:
    """Return the options of the class and its bases, from Meta and from attributes of the older mapper."""
    declared, here = dict(_DEFAULTS), dict[str, Any]()
    for ancestor in reversed(model.__mro__):
        own = vars(ancestor)
        here = {}
        meta = own.get("Meta")
        if meta is not None:
            here = _read_meta(ancestor, meta)
            for unknown in here.keys() - _DEFAULTS.keys():
                raise ModelDefinitionError(
                    f"{ancestor.__name__}.Meta.{unknown} is unknown: "
                    f"Meta takes {', '.join(_DEFAULTS)}"
                    f"{unknown_options.advise([unknown], unknown_options.META_OPTIONS)}"
                )
        here.update({name: own[older] for older, name in _OLDER.items() if older in own})
        if ancestor is not model:
            here = {name: value for name, value in here.items() if name not in _NOT_INHERITED}
        # A class may add to the keys of its bases.
        if isinstance(keys := here.get("keys"), Mapping):
            here["keys"] = {**declared["keys"], **cast("Mapping[str, Any]", keys)}
        declared.update(here)
    name = declared["table_name"]
    if (name is not None and not isinstance(name, str)) or ("table_name" in here and not name):
        raise ModelDefinitionError(
            f"{model.__name__}: the table's name is a str that is not empty, not {name!r}: without "
            "table_name the table has the name of the class"
        )
    return declared


def _read_meta(model: type, meta: object) -> dict[str, Any]:
    """Return the options of the class *meta* and of its bases."""
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{model.__name__}.Meta is {meta!r}: write class Meta: ...")
    others = {id(base.__dict__.get("Meta")) for base in model.__mro__[1:]}
    return {
        name: value
        for base in reversed(meta.__mro__[:-1])
        # The Meta of a base class of the model is collected from that class.
        if id(base) not in others
        for name, value in vars(base).items()
        if name[0] != "_"
    }


def collect_indexes(model: type[Any], options: dict[str, Any]) -> list[Index]:
    """Return the indexes of the class and its bases: attributes, then those of ``Meta.indexes``."""
    found: dict[str, Index] = {}
    for ancestor in reversed(model.__mro__):
        for name, value in vars(ancestor).items():
            if isinstance(value, Index):
                found[name] = value
            elif name in found:
                del found[name]
    if not isinstance(options["indexes"], (list, tuple)):
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.indexes is {options['indexes']!r}: it takes a list of indexes"
        )
    declared = cast("list[Index] | tuple[Index, ...]", options["indexes"])
    indexes = [*found.values(), *declared]
    for index in indexes:
        if not isinstance(index, Index):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.indexes holds {index!r}: it takes GlobalIndex and LocalIndex"
            )
    return indexes
