"""Unique constraints: values that no two items of a table have, kept by sentinels in a second table.

A sentinel is an item with the value as its hash key; it names its owner, the item that has the value.
One transaction writes or deletes both, so that a value has one owner at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec import Struct

from ..codec import EXACT, Unstorable, as_sent, decode, format_decimal, to_bytes, to_json
from ..exceptions import ConditionFailed, ModelDefinitionError, ValidationError
from ..expressions import Compare, Condition, NotExists, Path, Value
from ..limits import MAX_KEY_NAME_BYTES
from ..operations.base import Wire, WireItem
from ..operations.items import Key
from ..schema import KeyAttribute, TableSchema
from .fields.base import AnyField
from .fields.numbers import CounterField
from .fields.version import VersionField

if TYPE_CHECKING:
    from ..operations import transactions
    from .attribute_values import display
    from .attribute_values import values as wire_values
else:
    from ..lazy import display, transactions, wire_values

VALUE = "value"
"""The hash key of a table of sentinels: the constraint and the value."""
OWNER = "owner"
"""The attribute with the key of the item that has the value."""
MODEL = "model"
"""The attribute with the name of the class that wrote it; only people read it."""

KINDS = ("S", "N", "B", "BOOL")
"""The types of attributes that can be unique."""

# A hash key has at most 2,048 bytes, with the names of the constraint and the table.
_MAX_VALUES = 1000


class UniqueConstraint:
    """Fields whose values no two items of the table share, for ``Meta.constraints``.

    An item in which one of the fields is None is not checked.

    :param fields: the names of the fields.
    :param name: the name of the constraint in its sentinels; by default the names of the attributes,
        joined with ``+``. If you change it, sentinels with the old name no longer count.

    >>> from dynamodb_py import CharField, Model, Table
    >>> class User(Model):
    ...     class Meta:
    ...         constraints = [UniqueConstraint("tenant", "email")]
    ...
    ...     id = CharField(hash_key=True)
    ...     tenant = CharField()
    ...     email = CharField()
    >>> description = Table(User).create()
    >>> ann = User.create(id="1", tenant="acme", email="ann@acme.com")
    >>> try:
    ...     User.create(id="2", tenant="acme", email="ann@acme.com")
    ... except User.AlreadyExists as error:
    ...     print(error.fields, error.owner)
    ('tenant', 'email') 1
    """

    def __init__(self, *fields: str, name: str | None = None) -> None:
        self.fields, self.name = fields, name

    def __repr__(self) -> str:
        arguments = [repr(field) for field in self.fields]
        if self.name is not None:
            arguments.append(f"name={self.name!r}")
        return f"UniqueConstraint({', '.join(arguments)})"


class Constraint(Struct, frozen=True):
    """A constraint of one model, with its fields."""

    name: str
    scope: str
    """The beginning of its sentinels: the name, with the table's if several tables share the sentinels."""
    fields: tuple[AnyField, ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of its fields."""
        return tuple(field.attribute for field in self.fields)

    def text(self, wires: Mapping[str, Wire]) -> str | None:
        """Return the hash key of the sentinel of an item, or None if a value is missing.

        Equal values have the same text, and different values have different texts. Numbers are compared
        by value, all others as the field encodes them. Raises ValidationError for text with lone
        surrogates.
        """
        values: list[str] = []
        for field in self.fields:
            wire = wires.get(field.attribute)
            if wire is None or field.kind not in wire:  # absent, NULL, or of another type
                return None
            try:
                values.append(_normalize(field, wire))
            except UnicodeEncodeError as error:
                problem = f"it is not valid Unicode: {error.reason}"
                raise ValidationError({field.name: [problem]}, model=field.owner) from None
        text = ",".join(values)
        if len(text.encode()) > _MAX_VALUES:
            from hashlib import sha256  # few values are that long, and OpenSSL costs an import

            text = f'{{"sha256":"{sha256(text.encode()).hexdigest()}"}}'
        return f"[{to_json(self.scope).decode()},{text}]"


def _normalize(field: AnyField, wire: Wire) -> str:
    """Return a value as JSON, the same for all encodings of it."""
    kind, value = field.kind, wire[field.kind]
    if kind == "N":
        return _normalize_number(value)
    if kind == "BOOL":
        return "true" if value else "false"
    if kind == "B":
        # Bytes in a new item, base64 in a loaded one.
        return to_json({"B": to_bytes(value)}).decode()
    if not (field.leaf is str and field.reads_as_stored and field.plain):
        try:  # other programs may encode a date or a UUID differently
            spelled = field.to_wire(field.decode(wire))
        except (Unstorable, ValueError):
            spelled = None
        value = value if spelled is None else spelled["S"]
    return to_json(value).decode()


def _normalize_number(text: str) -> str:
    number = Decimal(text)
    try:
        return format_decimal(number)
    except Unstorable:  # not a number that DynamoDB holds: refused elsewhere
        return EXACT.to_sci_string(number)


class Claim(Struct, frozen=True):
    """The value of one constraint in one item."""

    constraint: str
    value: str
    """The hash key of the sentinel."""
    owner: Key
    """The key of the item."""
    fields: tuple[str, ...]
    """The names of the constraint's fields."""
    wires: tuple[Wire, ...] = ()
    """Their values, for messages."""

    @property
    def key(self) -> Key:
        """The key of the sentinel."""
        return make_sentinel_key(self.value)

    def put(self, table: str, model: str) -> transactions.Put:
        """Return the write of the sentinel, on condition that the value is free or belongs to this item.

        *table* is the table of the sentinels, *model* the name of the class that writes.
        """
        return self.put_if(table, model, require_absent() | require_owner(self.owner))

    def handover(self, table: str, model: str, releaser: Key) -> transactions.Put:
        """Return the write of the sentinel that takes the value over from the item *releaser*.

        A transaction may write each sentinel once, so this write also releases the value.
        """
        free = require_absent() | require_owner(self.owner)
        return self.put_if(table, model, free | require_owner(normalize_key(releaser)))

    def put_if(self, table: str, model: str, condition: Condition) -> transactions.Put:
        """Return the write of the sentinel, on this condition."""
        item = {VALUE: {"S": self.value}, OWNER: {"M": self.owner}, MODEL: {"S": model}}
        return transactions.Put(table, to_json(item), condition)

    def release(self, table: str) -> transactions.Delete:
        """Return the delete of the sentinel, on condition that it is gone or belongs to this item.

        If the condition fails, another item has the value too and owns the sentinel, which stays.
        """
        return transactions.Delete(table, self.key, require_absent() | require_owner(self.owner))


def make_sentinel_key(value: str) -> Key:
    """Return the key of the sentinel of *value*."""
    return {VALUE: {"S": value}}


def require_absent() -> Condition:
    """Return the condition that there is no sentinel."""
    return NotExists(Path((VALUE,)))


def require_owner(owner: Key) -> Condition:
    """Return the condition that the sentinel belongs to the item *owner*."""
    return Compare(Path((OWNER,)), "=", Value({"M": dict(owner)}))


def normalize_key(key: Mapping[str, Any]) -> WireItem:
    """Return a primary key in its normal form: numbers by value, a B as bytes.

    >>> normalize_key({"id": {"N": "1.0"}})
    {'id': {'N': '1'}}
    """
    return {
        name: {"N": _normalize_number(wire["N"])} if "N" in wire else as_sent(wire)
        for name, wire in key.items()
    }


class ConstrainedOptions(Protocol):
    """The options of a model, as far as its constraints need them."""

    name: str
    model: type[Any]
    constraints: tuple[Constraint, ...]
    keys: tuple[AnyField, ...]
    key_exists: Condition
    key_missing: Condition

    def get_field(self, name: str) -> AnyField: ...


def find_claims(meta: ConstrainedOptions, wires: Mapping[str, Wire], key: Key) -> dict[str, Claim]:
    """Return the claims of an item with these *wires*, by sentinel.

    *wires* may come from a loaded item, where a B is base64, or from a new one.
    """
    owner = normalize_key(key)
    found: dict[str, Claim] = {}
    for constraint in meta.constraints:
        if (text := constraint.text(wires)) is not None:
            names = tuple(field.name for field in constraint.fields)
            values = tuple(wires[attribute] for attribute in constraint.attributes)
            found[text] = Claim(constraint.name, text, owner, names, values)
    return found


def compare_claims(
    before: Mapping[str, Claim], after: Mapping[str, Claim]
) -> tuple[list[Claim], list[Claim]]:
    """Return the claims that an item releases, and its new ones."""
    released = [claim for value, claim in before.items() if value not in after]
    claimed = [claim for value, claim in after.items() if value not in before]
    return released, claimed


def make_already_exists(
    meta: ConstrainedOptions,
    claim: Claim,
    item: Mapping[str, Wire] | None = None,
    cause: Exception | None = None,
) -> Exception:
    """Return the model's AlreadyExists for a value that another item has.

    :param item: the stored sentinel, if it is known.
    :param cause: the error from DynamoDB, whose attributes about the request are copied.
    """
    owner = None if item is None else item.get(OWNER)
    key: Key = {} if owner is None else cast("Key", owner.get("M", {}))
    found = decode_primary_key(meta, key)
    by = "another item" if found is None else f"the item {found!r}"
    if found is not None and found == decode_primary_key(meta, claim.owner):
        # This model reads both keys as equal; to DynamoDB they differ.
        stored = ", ".join(f"{name}={decode(wire)!r}" for name, wire in key.items())
        by += f", whose key is stored in another spelling ({stored})"
    model: Any = meta.model
    error: Any = model.AlreadyExists(
        f"{describe_claim(meta, claim)} taken by {by}; nothing was written: choose another value, "
        "or change that item first"
    )
    if cause is not None:
        known = {name: value for name, value in vars(cause).items() if name != "reasons"}
        error.__dict__.update(known)
    error.current = None
    error.fields, error.owner = claim.fields, found
    error.__dict__["advice"] = ""  # the advice of the class is about keys
    return cast("ConditionFailed", error)


def describe_claim(meta: ConstrainedOptions, claim: Claim) -> str:
    """Return the beginning of a message about a value, with its verb: ``User.email: 'a@b.c' is``."""
    fields = [meta.get_field(name) for name in claim.fields]
    values = [
        display.decode_or_free(field, wire) for field, wire in zip(fields, claim.wires, strict=True)
    ]
    if len(fields) == 1:
        return f"{meta.name}.{fields[0].name}: {values[0]!r} is"
    pairs = zip(claim.fields, values, strict=True)
    return f"{meta.name}: {', '.join(f'{name}={value!r}' for name, value in pairs)} are"


def decode_primary_key(meta: ConstrainedOptions, key: Mapping[str, Any]) -> Any:
    """Return the value of the hash key, or the pair of both keys; None if *key* is not a key of the model."""
    if any(field.attribute not in key for field in meta.keys):
        return None
    values = [display.decode_or_free(field, key[field.attribute]) for field in meta.keys]
    return tuple(values) if len(values) > 1 else values[0]


def compile_constraints(
    model: str,
    constraints: Any,
    fields: Mapping[str, AnyField],
    keys: Sequence[AnyField],
    table: str | None = None,
) -> tuple[Constraint, ...]:
    """Return the constraints of a model: from ``unique=True`` and from ``Meta.constraints``.

    *table* is the name of the model's table if ``Meta.unique_table`` names the table of the sentinels,
    which several models may share. Raises ModelDefinitionError for fields that cannot be unique.
    """
    if not isinstance(constraints, (list, tuple)):
        raise ModelDefinitionError(
            f"{model}.Meta.constraints is {constraints!r}: it takes a list of constraints"
        )
    declared: list[tuple[Any, str]] = [
        (UniqueConstraint(field.name), f"{model}.{field.name}")
        for field in fields.values()
        if field.unique
    ]
    declared += [(each, f"{model}.Meta.constraints") for each in cast("list[Any]", constraints)]
    found: dict[str, Constraint] = {}
    for constraint, where in declared:
        if not isinstance(constraint, UniqueConstraint):
            raise ModelDefinitionError(
                f"{where} holds {constraint!r}: it takes UniqueConstraint(...)"
            )
        members = _find_members(constraint, where, fields, keys)
        name = _make_name(constraint, where, members)
        if name in found:
            raise ModelDefinitionError(
                f"{where}: two constraints are called {name!r}: drop one, or give it another name="
            )
        scope = name if table is None else f"{table}/{name}"
        found[name] = Constraint(name, scope, members)
    return tuple(found.values())


def _find_members(
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
        key_names = " and ".join(key.name for key in keys)
        raise ModelDefinitionError(
            f"{where}: {key_names} is the key, which is unique already: drop the constraint"
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
            f"{where}: {field.name} is stored as {field.kind}, and only text, numbers, bytes and truth "
            f"values can be unique ({', '.join(KINDS)})"
        )


def _make_name(constraint: UniqueConstraint, where: str, members: Iterable[AnyField]) -> str:
    default = "+".join(field.attribute for field in members)
    name = default if constraint.name is None else constraint.name
    if not isinstance(name, str) or not name or len(name.encode()) > MAX_KEY_NAME_BYTES:
        raise ModelDefinitionError(
            f"{where}: a constraint's name has 1 to {MAX_KEY_NAME_BYTES} bytes, not {name!r}: "
            "give it another name="
        )
    return name


def make_sentinels_schema(name: str) -> TableSchema:
    """Return the schema of a table of sentinels, which is billed by request."""
    return TableSchema(name, KeyAttribute(VALUE, "S"))


class Claims:
    """The unique values that a write releases and claims, and the condition of the write."""

    __slots__ = ("claimed", "condition", "released")

    def __init__(
        self,
        meta: ConstrainedOptions,
        key: Key,
        before: Mapping[str, Wire],
        after: Mapping[str, Wire],
        *,
        whole: bool = True,
        written: Collection[str] = (),
    ) -> None:
        """Compare two items; an empty one means no item.

        :param whole: the item is replaced or deleted; otherwise only the differences are written.
        :param written: attributes that are written, whether they differ or not.
        """
        self.released: Sequence[Claim] = ()
        self.claimed: Sequence[Claim] = ()
        self.condition = Condition()
        """Holds if the attributes of the constraints are stored as in *before*."""
        if not meta.constraints:
            return
        had = find_claims(meta, before, key) if before else {}
        has = find_claims(meta, after, key) if after else {}
        self.released, self.claimed = compare_claims(had, has)
        names = {
            attribute: None
            for constraint in meta.constraints
            if whole
            or wire_values.has_changed(constraint.attributes, before, after)
            or any(each in written for each in constraint.attributes)
            for attribute in constraint.attributes
        }
        if names:
            self.condition = (
                meta.key_exists & wire_values.require_unchanged(names, before)
                if before
                else meta.key_missing
            )
