"""Options of a table besides keys, indexes and billing: how they are checked and encoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from msgspec import Struct

from .. import limits
from ..exceptions import ModelDefinitionError

OFF = "off"
AWS_OWNED = "aws_owned"
AWS_MANAGED = "aws_managed"

_VIEWS = ("new_image", "old_image", "new_and_old_images", "keys_only")
_CLASSES = ("standard", "standard_infrequent_access")
_KEY = re.compile(
    r"arn:[\w-]+:kms:[\w-]+:\d+:key/[\w-]+|mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


class Units(Struct, frozen=True):
    """Units per second for reading, for writing or for both; -1 means no maximum."""

    read: int | None = None
    write: int | None = None

    def encode(self, read: str, write: str) -> dict[str, int]:
        """Return the units that are set, under the member names *read* and *write*."""
        members = {read: self.read, write: self.write}
        return {name: units for name, units in members.items() if units is not None}

    def __str__(self) -> str:
        spelled = {"read": self.read, "write": self.write}
        parts = {name: "unlimited" if n == -1 else n for name, n in spelled.items() if n}
        return " and ".join(f"{units} {name} units" for name, units in parts.items()) or "none"


class TableOptions(Struct, frozen=True):
    """The options that a model declares for its table.

    None means that an option is not declared: the table keeps its own.
    """

    stream: str | None = None
    """The view type of the stream in lower case, or ``"off"``."""
    encryption: str | None = None
    """``"aws_owned"``, ``"aws_managed"``, or the id or ARN of a key of KMS."""
    table_class: str | None = None
    deletion_protection: bool | None = None
    point_in_time_recovery: bool | int | None = None
    """True, False, or the number of days to keep; True allows any number."""
    tags: tuple[tuple[str, str], ...] | None = None
    """Keys and values."""
    warm_throughput: Units | None = None
    """Units per second that the table can serve at once."""
    on_demand_maximum: Units | None = None
    """The most units per second that the table serves, if it is billed on demand."""

    def encode(self, *, is_on_demand: bool) -> dict[str, Any]:
        """Return the members of CreateTable; another request sets point-in-time recovery."""
        payload: dict[str, Any] = {}
        if self.stream is not None and self.stream != OFF:
            payload.update(encode_stream(self.stream))
        if self.encryption is not None:
            payload.update(encode_encryption(self.encryption))
        if self.table_class is not None:
            payload["TableClass"] = self.table_class.upper()
        if self.deletion_protection is not None:
            payload["DeletionProtectionEnabled"] = self.deletion_protection
        if self.tags:
            payload["Tags"] = encode_tags(dict(self.tags))
        return {
            **payload,
            **encode_units(self.warm_throughput, self.on_demand_maximum, is_on_demand=is_on_demand),
        }


def declare_options(given: Mapping[str, object]) -> TableOptions:
    """Return the options of the table in *given*, the attributes of ``Meta``.

    Raises ModelDefinitionError that names the option, its value and the accepted values.
    """
    checks: dict[str, Callable[[object], object]] = {
        "stream": lambda value: _read_choice("stream", value, _VIEWS, off=True),
        "encryption": _read_encryption,
        "table_class": lambda value: _read_choice("table_class", value, _CLASSES),
        "deletion_protection": _read_flag,
        "point_in_time_recovery": _read_days,
        "tags": _read_tags,
        "warm_throughput": lambda value: read_units("Meta.warm_throughput", value),
        "on_demand_maximum": lambda value: read_units(
            "Meta.on_demand_maximum", value, unlimited=True
        ),
    }
    found: dict[str, Any] = {
        name: check(given[name]) for name, check in checks.items() if given.get(name) is not None
    }
    return TableOptions(**found)


def read_units(option: str, given: object, *, unlimited: bool = False) -> Units:
    """Return the units of an option that is declared as ``{"read": 1000, "write": 500}``.

    :param unlimited: whether None means no maximum, -1 on the wire.
    """
    members = _read_members(given)
    known = bool(members) and members.keys() <= {"read", "write"}
    values = [-1 if unlimited and each is None else each for each in members.values()]
    if not known or any(type(each) is not int or (each < 1 and each != -1) for each in values):
        raise _make_error(
            option,
            given,
            'a dict of "read", "write" or both, of units per second, 1 and more'
            + (", or None for no maximum" if unlimited else ""),
        )
    if not unlimited and -1 in values:
        raise _make_error(option, given, "whole numbers of 1 and more")
    units = dict(zip(members, cast("list[int]", values), strict=True))
    return Units(**units)


def _read_members(given: object) -> Mapping[Any, object]:
    return cast("Mapping[Any, object]", given) if isinstance(given, Mapping) else {}


def find_mode_problem(options: TableOptions, *, is_on_demand: bool) -> str | None:
    """Return the problem of an option that needs another billing mode, or None."""
    if options.on_demand_maximum is None or is_on_demand:
        return None
    return (
        "Meta.on_demand_maximum is for tables that are billed on demand: leave it out, or leave out "
        "read_capacity and write_capacity"
    )


def encode_stream(view: str) -> dict[str, Any]:
    """Return the StreamSpecification for a view type, or for ``"off"``."""
    if view == OFF:
        return {"StreamSpecification": {"StreamEnabled": False}}
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view.upper()}}


def encode_encryption(key: str) -> dict[str, Any]:
    """Return the SSESpecification for a key."""
    if key == AWS_OWNED:
        return {"SSESpecification": {"Enabled": False}}
    own = {} if key == AWS_MANAGED else {"KMSMasterKeyId": key}
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", **own}}


def encode_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return DynamoDB's list of *tags*."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def encode_units(warm: Units | None, most: Units | None, *, is_on_demand: bool) -> dict[str, Any]:
    """Return the members WarmThroughput and OnDemandThroughput, if they are declared."""
    payload: dict[str, Any] = {}
    if warm is not None:
        payload["WarmThroughput"] = warm.encode("ReadUnitsPerSecond", "WriteUnitsPerSecond")
    if most is not None and is_on_demand:
        payload["OnDemandThroughput"] = most.encode("MaxReadRequestUnits", "MaxWriteRequestUnits")
    return payload


def _read_choice(option: str, given: object, choices: tuple[str, ...], *, off: bool = False) -> str:
    if off and given is False:
        return OFF
    if isinstance(given, str) and given.lower() in choices:
        return given.lower()
    takes = " or ".join(f'"{each}"' for each in choices)
    raise _make_error(f"Meta.{option}", given, takes + (", or False for none" if off else ""))


def _read_encryption(given: object) -> str:
    if isinstance(given, str) and (given in (AWS_OWNED, AWS_MANAGED) or _KEY.fullmatch(given)):
        return given
    raise _make_error(
        "Meta.encryption",
        given,
        f'"{AWS_OWNED}", "{AWS_MANAGED}", or the id or ARN of a key of KMS, not its alias, as DynamoDB '
        "reports the ARN",
    )


def _read_flag(given: object) -> bool:
    if isinstance(given, bool):
        return given
    raise _make_error("Meta.deletion_protection", given, "True or False")


def _read_days(given: object) -> bool | int:
    if isinstance(given, bool) or (isinstance(given, int) and 1 <= given <= limits.MAX_BACKUP_DAYS):
        return given
    raise _make_error(
        "Meta.point_in_time_recovery",
        given,
        f"True, False, or the number of days to keep, 1 to {limits.MAX_BACKUP_DAYS}",
    )


def _read_tags(given: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise _make_error("Meta.tags", given, "a dict of texts")
    tags = cast("Mapping[Any, Any]", given)
    if len(tags) > limits.MAX_TAGS:
        raise ModelDefinitionError(
            f"Meta.tags has {len(tags)} tags, and a table has at most {limits.MAX_TAGS}"
        )
    for key, value in tags.items():
        if not isinstance(key, str) or not 1 <= len(key) <= limits.MAX_TAG_KEY:
            takes = f"keys of 1 to {limits.MAX_TAG_KEY} characters"
        elif key.lower().startswith("aws:"):
            takes = 'keys that do not begin with "aws:", which is reserved'
        elif not isinstance(value, str) or len(value) > limits.MAX_TAG_VALUE:
            takes = f"values of up to {limits.MAX_TAG_VALUE} characters"
        else:
            continue
        raise _make_error("Meta.tags", {key: value}, takes)
    return tuple(sorted(tags.items()))


def _make_error(option: str, given: object, takes: str) -> ModelDefinitionError:
    return ModelDefinitionError(f"{option} is {given!r}: it takes {takes}")
