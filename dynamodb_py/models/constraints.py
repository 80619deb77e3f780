"""Uniqueness: values that no two items of a table have, kept by sentinels in a table beside it.

A sentinel is an item whose hash key is the value and that names its owner. It is written and deleted
in one transaction with the owner's own write, so that one value has one owner at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, cast

from msgspec import Struct

from ..codec import Unstorable, as_sent, binary, decimal_text, decode, to_json
from ..exceptions import ConditionFailed, ModelDefinitionError, ValidationError
from ..expressions import Compare, Condition, NotExists, Path, Value
from ..limits import MAX_KEY_NAME_BYTES
from ..operations.base import Wire, WireItem
from ..operations.items import Key
from ..operations.transactions import Delete, Put
from ..schema import KeyAttribute, TableSchema
from .attribute_values.display import decoded
from .attribute_values.values import as_it_was, has_moved
from .fields.base import AnyField
from .fields.scalars import CounterField
from .fields.version import VersionField

VALUE = "value"
"""The hash key of a table of sentinels: which constraint, and which value."""
OWNER = "owner"
"""The key of the item that has the value."""
MODEL = "model"
"""The class that wrote it; only told to people."""

KINDS = ("S", "N", "B", "BOOL")
"""The types of attributes that can be unique: those that are equal in one way only."""


# A hash key has 2,048 bytes, which the constraint's name and the table's share.
_MAX_VALUES = 1000


class UniqueConstraint:
    """Fields that no two items of the table have the same values of, for ``Meta.constraints``.

    Items where one of them is None do not count.

    :param fields: the names of the fields.
    :param name: what the constraint is called in its sentinels; by default the attributes' names,
        joined with ``+``. A constraint of another name has none of the old one's sentinels.

    >>> UniqueConstraint("tenant", "email")
    UniqueConstraint('tenant', 'email')
    """

    def __init__(self, *fields: str, name: str | None = None) -> None:
        self.fields, self.name = fields, name

    def __repr__(self) -> str:
        said = [repr(field) for field in self.fields]
        if self.name is not None:
            said.append(f"name={self.name!r}")
        return f"UniqueConstraint({', '.join(said)})"


class Constraint(Struct, frozen=True):
    """A constraint of one model, with its fields."""

    name: str
    scope: str
    """What its sentinels begin with: the name, and the table where several share the sentinels'."""
    fields: tuple[AnyField, ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that it is of."""
        return tuple(field.attribute for field in self.fields)

    def text(self, wires: Mapping[str, Wire]) -> str | None:
        """Return the hash key of the sentinel of an item; None where the constraint does not count.

        No two different values have one text, and equal ones have: numbers by value, whatever else
        as its field spells it. Raises ValidationError for text that is no Unicode text.
        """
        values: list[str] = []
        for field in self.fields:
            wire = wires.get(field.attribute)
            if wire is None or field.kind not in wire:  # absent, NULL, or nothing of this field's
                return None
            try:
                values.append(_canonical(field, wire))
            except UnicodeEncodeError as error:
                said = f"it is no Unicode text: {error.reason}"
                raise ValidationError({field.name: [said]}, model=field.owner) from None
        said = ",".join(values)
        if len(said.encode()) > _MAX_VALUES:
            from hashlib import sha256  # few values are that long, and OpenSSL costs an import

            # A hash key has at most 2,048 bytes, and these values may have 400 KB.
            said = f'{{"sha256":"{sha256(said.encode()).hexdigest()}"}}'
        return f"[{to_json(self.scope).decode()},{said}]"


def _canonical(field: AnyField, wire: Wire) -> str:
    """Return a value as JSON that is the same for all spellings of it."""
    kind, value = field.kind, wire[field.kind]
    if kind == "N":
        return _number(value)
    if kind == "BOOL":
        return "true" if value else "false"
    if kind == "B":
        # Bytes when they are to be sent, base64 when they were read.
        return to_json({"B": binary(value)}).decode()
    if not (field.leaf is str and field.reads_as_stored and field.plain):
        try:  # others may have spelled it otherwise: a date, a UUID
            spelled = field.spell(field.decode(wire))
        except (Unstorable, ValueError):
            spelled = None
        value = value if spelled is None else spelled["S"]
    return to_json(value).decode()


def _number(text: str) -> str:
    number = Decimal(text)
    try:
        return decimal_text(number)
    except Unstorable:  # what no number of DynamoDB's can be, and is refused elsewhere
        return str(number)


class Claim(Struct, frozen=True):
    """What one constraint makes of one item: a value, and whose it is."""

    constraint: str
    value: str
    """The hash key of the sentinel."""
    owner: Key
    """The key of the item."""
    fields: tuple[str, ...]
    """The names of the fields that the constraint is of."""
    wires: tuple[Wire, ...] = ()
    """Their values, for messages."""

    @property
    def key(self) -> Key:
        """The key of the sentinel."""
        return sentinel_key(self.value)

    def put(self, table: str, model: str) -> Put:
        """Return what makes the sentinel, where the value is free or this very item's already.

        *table* is that of the sentinels, *model* the name of the class that writes.
        """
        return self.put_if(table, model, absent() | owned_by(self.owner))

    def handover(self, table: str, model: str, releaser: Key) -> Put:
        """Return what takes the value over from the item *releaser*, which gives it up.

        It is for the transaction in which that does so: there cannot be two writes of one sentinel.
        """
        mine = absent() | owned_by(self.owner)
        return self.put_if(table, model, mine | owned_by(owner_of(releaser)))

    def put_if(self, table: str, model: str, condition: Condition) -> Put:
        """Return what makes the sentinel, or takes it over, where *condition* holds."""
        item = {VALUE: {"S": self.value}, OWNER: {"M": self.owner}, MODEL: {"S": model}}
        return Put(table, to_json(item), condition)

    def release(self, table: str) -> Delete:
        """Return what deletes the sentinel, where it is gone or this item's: never another's.

        That its condition fails means that another item has the value too, and its sentinel: there
        is nothing to delete then.
        """
        return Delete(table, self.key, absent() | owned_by(self.owner))


def sentinel_key(value: str) -> Key:
    """Return the key of the sentinel of *value*."""
    return {VALUE: {"S": value}}


def absent() -> Condition:
    """Return the condition that there is no sentinel."""
    return NotExists(Path((VALUE,)))


def owned_by(owner: Key) -> Condition:
    """Return the condition that the sentinel is of the item *owner*."""
    return Compare(Path((OWNER,)), "=", Value({"M": dict(owner)}))


def owner_of(key: Mapping[str, Any]) -> WireItem:
    """Return a primary key in one spelling, numbers by value and a B as bytes.

    >>> owner_of({"id": {"N": "1.0"}})
    {'id': {'N': '1'}}
    """
    return {
        name: {"N": _number(wire["N"])} if "N" in wire else as_sent(wire)
        for name, wire in key.items()
    }


class ConstrainedOptions(Protocol):
    """The options of a model, as far as its constraints need them."""

    @property
    def name(self) -> str: ...
    @property
    def model(self) -> type[Any]: ...
    @property
    def constraints(self) -> tuple[Constraint, ...]: ...
    @property
    def keys(self) -> Sequence[AnyField]: ...
    @property
    def taken(self) -> Condition: ...
    @property
    def missing(self) -> Condition: ...
    def get_field(self, name: str) -> AnyField: ...


def claims(meta: ConstrainedOptions, wires: Mapping[str, Wire], key: Key) -> dict[str, Claim]:
    """Return what the constraints of a model make of an item with these *wires*, by sentinel.

    *wires* may be of a loaded item, where a B is base64, or fresh ones.
    """
    owner = owner_of(key)
    found: dict[str, Claim] = {}
    for constraint in meta.constraints:
        text = constraint.text(wires)
        if text is not None:
            fields = constraint.fields
            found[text] = Claim(
                constraint.name,
                text,
                owner,
                tuple(field.name for field in fields),
                tuple(wires[field.attribute] for field in fields),
            )
    return found


def difference(
    before: Mapping[str, Claim], after: Mapping[str, Claim]
) -> tuple[list[Claim], list[Claim]]:
    """Return what an item gives up, and what it newly has."""
    released = [claim for value, claim in before.items() if value not in after]
    claimed = [claim for value, claim in after.items() if value not in before]
    return released, claimed


# -- telling ---------------------------------------------------------------------------------------
def taken(
    meta: ConstrainedOptions,
    claim: Claim,
    item: Mapping[str, Wire] | None = None,
    cause: Exception | None = None,
) -> Exception:
    """Return the model's AlreadyExists for a value that another item has.

    :param item: the sentinel as it stands, if that is known.
    :param cause: what DynamoDB answered; what it knows of the request is taken over.
    """
    owner = None if item is None else item.get(OWNER)
    key: Key = {} if owner is None else cast("Key", owner.get("M", {}))
    found = primary_key(meta, key)
    by = "another item" if found is None else f"the item {found!r}"
    if found is not None and found == primary_key(meta, claim.owner):
        # To this model they are one, and to DynamoDB two.
        said = ", ".join(f"{name}={decode(wire)!r}" for name, wire in key.items())
        by += f", whose key is stored in another spelling ({said})"
    model: Any = meta.model
    error: Any = model.AlreadyExists(
        f"{spoken(meta, claim)} taken by {by}; nothing was written: choose another value, "
        "or change that item first"
    )
    if cause is not None:
        known = {name: value for name, value in vars(cause).items() if name != "reasons"}
        error.__dict__.update(known)
    error.current = None
    error.fields, error.owner = claim.fields, found
    error.__dict__["advice"] = ""  # that of the class is for a key
    return cast("ConditionFailed", error)


def spoken(meta: ConstrainedOptions, claim: Claim) -> str:
    """Return the beginning of a sentence on a value, with its verb: ``User.email: 'a@b.c' is``."""
    fields = [meta.get_field(name) for name in claim.fields]
    values = [decoded(field, wire) for field, wire in zip(fields, claim.wires, strict=True)]
    if len(fields) == 1:
        return f"{meta.name}.{fields[0].name}: {values[0]!r} is"
    pairs = zip(claim.fields, values, strict=True)
    return f"{meta.name}: {', '.join(f'{name}={value!r}' for name, value in pairs)} are"


def primary_key(meta: ConstrainedOptions, key: Mapping[str, Any]) -> Any:
    """Return the value of the hash key, or the pair of both keys; None where it is no such key."""
    if any(field.attribute not in key for field in meta.keys):
        return None
    values = [decoded(field, key[field.attribute]) for field in meta.keys]
    return tuple(values) if len(values) > 1 else values[0]


# -- declaring -------------------------------------------------------------------------------------
def compiled(
    model: str,
    said: Any,
    fields: Mapping[str, AnyField],
    keys: Sequence[AnyField],
    table: str | None = None,
) -> tuple[Constraint, ...]:
    """Return the constraints of a model: of ``unique=True`` and of ``Meta.constraints``.

    *table* is the model's, where the sentinels are in a table of another than the usual name: other
    models may say the same. Raises ModelDefinitionError for what cannot be unique.
    """
    if not isinstance(said, (list, tuple)):
        raise ModelDefinitionError(
            f"{model}.Meta.constraints is {said!r}: it takes a list of constraints"
        )
    declared: list[tuple[Any, str]] = [
        (UniqueConstraint(field.name), f"{model}.{field.name}")
        for field in fields.values()
        if field.unique
    ]
    declared += [(each, f"{model}.Meta.constraints") for each in cast("list[Any]", said)]
    found: dict[str, Constraint] = {}
    for constraint, where in declared:
        if not isinstance(constraint, UniqueConstraint):
            raise ModelDefinitionError(
                f"{where} holds {constraint!r}: it takes UniqueConstraint(...)"
            )
        members = _members(constraint, where, fields, keys)
        name = _name(constraint, where, members)
        if name in found:
            raise ModelDefinitionError(
                f"{where}: two constraints are called {name!r}: drop one, or give it another name="
            )
        scope = name if table is None else f"{table}/{name}"
        found[name] = Constraint(name, scope, members)
    return tuple(found.values())


def _members(
    constraint: UniqueConstraint,
    where: str,
    fields: Mapping[str, AnyField],
    keys: Sequence[AnyField],
) -> tuple[AnyField, ...]:
    names = constraint.fields
    if not names or len({*names}) < len(names):
        raise ModelDefinitionError(f"{where}: {constraint!r} takes the names of fields, each once")
    for name in names:
        if name not in fields:
            raise ModelDefinitionError(
                f"{where}: there is no field {name!r}: the fields are {', '.join(fields)}"
            )
    members = tuple(fields[name] for name in names)
    for field in members:
        _check(field, where)
    if {key.name for key in keys} <= {*names}:
        said = " and ".join(key.name for key in keys)
        raise ModelDefinitionError(
            f"{where}: {said} is the key, so that no two items have the same already: "
            "drop the constraint"
        )
    return members


def _check(field: AnyField, where: str) -> None:
    if isinstance(field, (CounterField, VersionField)):
        raise ModelDefinitionError(
            f"{where}: {field.name} is a {type(field).__name__}, which changes by itself or by "
            "incr() and cannot be unique"
        )
    if field.kind not in KINDS:
        raise ModelDefinitionError(
            f"{where}: {field.name} is stored as {field.kind}, and what can be unique is text, a "
            f"number, bytes or a truth value ({', '.join(KINDS)})"
        )


def _name(constraint: UniqueConstraint, where: str, members: Iterable[AnyField]) -> str:
    name = constraint.name
    if name is None:
        name = "+".join(field.attribute for field in members)
    if not isinstance(name, str) or not name or len(name.encode()) > MAX_KEY_NAME_BYTES:
        raise ModelDefinitionError(
            f"{where}: a constraint's name has 1 to {MAX_KEY_NAME_BYTES} bytes, not {name!r}: "
            "give it another name="
        )
    return name


def sentinels_schema(name: str) -> TableSchema:
    """Return what a table of sentinels is: it is billed by request."""
    return TableSchema(name, KeyAttribute(VALUE, "S"))


class Claims:
    """What a write gives up and takes of unique values, and what must be so for that to be right."""

    __slots__ = ("claimed", "condition", "released")

    def __init__(
        self,
        meta: ConstrainedOptions,
        key: Key,
        before: Mapping[str, Wire],
        after: Mapping[str, Wire],
        *,
        whole: bool = True,
    ) -> None:
        """Compare two items, either of which may be empty: there is none then.

        :param whole: the item is replaced or deleted; otherwise just what differs is written.
        """
        had = claims(meta, before, key) if before else {}
        has = claims(meta, after, key) if after else {}
        self.released: list[Claim]
        self.claimed: list[Claim]
        self.released, self.claimed = difference(had, has)
        names = {
            attribute: None
            for constraint in meta.constraints
            if whole or has_moved(constraint.attributes, before, after)
            for attribute in constraint.attributes
        }
        self.condition = Condition()
        """Holds where the item is as *before* in all that decides on its unique values."""
        if names:
            self.condition = meta.taken & as_it_was(names, before) if before else meta.missing
