"""The base class of fields: a field is a named, typed attribute of an item.

On the class it makes conditions (``Test.score > 3``), on an instance it gives the value. It is a
non-data descriptor: Python reads a value in the instance's ``__dict__`` without calling it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from operator import eq
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypedDict, cast, overload

import msgspec
from msgspec import UNSET

from ...codec import (
    PLAIN_INT,
    Uncomputed,
    Unstorable,
    as_tree,
    check_text,
    encode_value,
    make_wire_type,
    refuse_uncomputed,
    value_of,
)
from ...exceptions import ModelDefinitionError, QueryError, UnreadableValue, ValidationError
from ...expressions import AFFIX, Coder, Operand, Path
from ...limits import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from ...operations.base import Wire
from .json_forms import PLAINLY, Reading, form_wire, read_wire
from .refusals import UNFIT, with_article

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from typing_extensions import Never, Self, TypeVar

    from . import declaration, unknown_options

    V = TypeVar("V")
    T = TypeVar("T")
    # The type on reading: a field that may be absent reads as None.
    N = TypeVar("N", default="V | None")

    Yes: TypeAlias = Literal[True]
    Default: TypeAlias = "T | Callable[[], T]"

    class Options(TypedDict, Generic[V], total=False):
        """The keywords of every field, without those that make it always have a value."""

        name: str | None
        init: bool
        unique: bool
        choices: Iterable[V | tuple[V, str]] | None
        validators: Iterable[Callable[[V], object]] | Callable[[V], object]
        min_value: V
        max_value: V
        min_length: int
        max_length: int

    class Always(Options[V], Generic[V], total=False):
        """The keywords of a field that always has a value."""

        default: Default[V]

    class Nullable(Options[V], Generic[V], total=False):
        """The keywords of a field that may hold None in any case."""

        required: bool
        default: Default[V] | None
else:
    from typing import TypeVar

    from ...lazy import declaration, unknown_options

    V = TypeVar("V")
    T = TypeVar("T")
    N = TypeVar("N")

_IMMUTABLE = frozenset({str, int, float, bytes, bool, type(None)})
_HERE = __name__.rpartition(".")[0]


def _shorten(wire: object) -> str:
    try:
        text = repr(wire)
    except RecursionError:
        return "value, which is nested too deeply,"
    return text if len(text) <= 300 else f"{text[:300]}..."


class Field(Operand[V], Generic[V, N]):
    """A typed attribute of a model. Subclass it for a type of your own.

    Parameters that every field takes:

    :param name: the attribute's name in DynamoDB; the Python name by default.
    :param hash_key: this is the table's hash key (partition key).
    :param range_key: this is the table's range key (sort key).
    :param default: the value of a new instance that is given none: a value, which is copied for each
        instance, or a callable without arguments. An item without the attribute is read with it too.
    :param init: False keeps it out of the constructor of a ``TypedModel`` or ``TypedDocument``, for a field
        that sets itself.
    :param required: refuse None when an item is written.
    :param null: store None as DynamoDB's NULL; by default the attribute of a None is left out.
    :param unique: no two items of the table may have the same value, except None. Text, numbers, bytes
        and truth values can be unique; the hash key of a table without a range key is unique anyway.
        A write that sets or changes the value is a transaction, and needs the table of sentinels that
        ``Table(Model).create()`` makes.
    :param choices: the values that are allowed, or ``(value, label)`` pairs. Instances get a method
        ``get_FOO_display()`` for the field FOO, which returns the label of its value.
    :param validators: one callable or several; each raises ValueError, or returns False, for a value
        that it refuses.
    :param min_value: the least value (numbers, dates and times).
    :param max_value: the greatest value (numbers, dates and times).
    :param min_length: the least length (text, bytes and containers).
    :param max_length: the greatest length (text, bytes and containers).

    A field class of your own has the ``kind`` of its attribute, and converts values to their stored
    form and back:

    >>> class Point(Field[tuple[int, int]]):
    ...     kind = "S"
    ...
    ...     def to_db(self, value):
    ...         return f"{value[0]},{value[1]}"
    ...
    ...     def to_python(self, stored):
    ...         x, y = stored.split(",")
    ...         return int(x), int(y)
    >>> Point().encode((3, 4))
    {'S': '3,4'}
    """

    kind: str = ""
    """DynamoDB's type of the attribute: S, N, B, BOOL, M, L, SS, NS or BS."""

    leaf: Any = None
    """The type to which msgspec converts the stored value before :meth:`to_python`; None for any type."""

    text_width: int | None = None
    """The number of characters of every stored value of kind S; None if it varies."""

    comparable: bool = True
    """Whether equal values are always stored equally, so that conditions can compare them."""

    unordered: str = ""
    """Why stored values do not sort as the values do, and the remedy, for messages; "" if they do.
    A field with a reason refuses conditions with ``<``, ``>`` and ranges, and ``order_by()``."""

    varies: bool = False
    """Whether a value is stored differently each time, as by encryption. A save then compares values
    with ``==`` to find changes, and conditions cannot compare."""

    bounds: ClassVar[frozenset[str]] = frozenset()
    """Those of min_value, max_value, min_length and max_length that this type takes."""

    attribute: str = ""
    owner: str = ""
    part_of: str = ""
    """The name of the reference that this field was made for; "" for a declared field."""
    key_limit: int = 0
    """The maximum number of bytes of a value in a key of the table or its indexes; 0 for a field in no key."""
    is_inherited: bool = False
    """Whether it is the copy of a field that a base class declares."""
    constrained: bool = False
    """Whether :meth:`find_problems` has anything to check."""
    plain: bool = False
    """Whether :meth:`to_db` is defined in this package, not by a user's class, and changes no value."""
    verbatim: type[Any] | None = None
    """The exact type, str or int, whose values are stored and read unchanged; None for other fields."""
    comparer: Comparer | None = None
    """A cheap check that a value did not change; None if there is none."""
    _known_path: Path | None = None
    stamps: bool = False
    """Whether :meth:`pre_save` is called."""
    normalises: bool = False
    """Whether :meth:`normalise` is called."""

    def __init__(
        self,
        *,
        name: str | None = None,
        hash_key: bool = False,
        range_key: bool = False,
        default: Any = UNSET,
        init: bool = True,
        required: bool = False,
        null: bool = False,
        unique: bool = False,
        choices: Iterable[Any] | None = None,
        validators: Iterable[Callable[[Any], object]] | Callable[[Any], object] = (),
        min_value: Any = None,
        max_value: Any = None,
        min_length: int | None = None,
        max_length: int | None = None,
        **unknown: Never,
    ) -> None:
        if unknown:
            raise unknown_options.make_unknown_option_error(type(self), unknown)
        self.name = ""
        self._wire_name = name
        self.hash_key, self.range_key = hash_key, range_key
        self.has_default = default is not UNSET
        self.default = default if self.has_default else None
        self.init = init
        self.required, self.null = required, null
        self.unique = unique
        if isinstance(choices, (str, bytes)):
            raise ModelDefinitionError(f"choices={choices!r}: give a list of them, [{choices!r}]")
        self.choices: list[Any] | None = None
        self._labels: list[tuple[Any, str]] = []
        """The values among *choices* that have a label, and their labels."""
        if choices is not None:
            pairs = [_split_choice(each) for each in choices]
            self.choices = [value for value, _ in pairs]
            self._labels = [(value, label) for value, label in pairs if label is not None]
        self.validators: tuple[Callable[[Any], object], ...] = (
            (validators,) if callable(validators) else tuple(validators)
        )
        self.min_value, self.max_value = min_value, max_value
        self.min_length, self.max_length = min_length, max_length

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> type:
            """Let ``Field[Point]`` stand for ``Field[Point, Point | None]`` at run time as well."""
            return cls

    def bound_to(self, owner: str, name: str) -> Self:
        """Return a copy of this field that is attribute *name* of the class called *owner*.

        Raises ModelDefinitionError for a declaration that cannot work.
        """
        field = copy.copy(self)
        field.owner, field.name = owner, name
        field.attribute = self._wire_name if self._wire_name is not None else name
        field._known_path = None
        field.prepare()
        return field

    def prepare(self) -> None:
        """Check the declaration, when the class of the field is created; a subclass calls ``super()``.

        >>> from dynamodb_py import CharField, Model
        >>> class CodeField(CharField):
        ...     def prepare(self):
        ...         super().prepare()
        ...         if self.max_length is None:
        ...             raise self.misdeclared("give it a max_length")
        >>> class Coupon(Model):
        ...     code = CodeField(hash_key=True)
        Traceback (most recent call last):
            ...
        dynamodb_py.exceptions.ModelDefinitionError: Coupon.code: give it a max_length

        :raises ModelDefinitionError: the declaration cannot work.
        """
        declaration.check_name_and_kind(self)
        declaration.check_bounds(self)
        self.key_limit = 0
        if self.is_key:
            declaration.check_key(self)
            self.key_limit = MAX_HASH_KEY_BYTES if self.hash_key else MAX_RANGE_KEY_BYTES
        self.comparable = self.comparable and not self.varies
        self.plain = self._is_plain()
        if self.plain and self.reads_as_stored and not _overrides(self, "find_key_problem"):
            kind = type(self)
            self.verbatim = VERBATIM.get((kind.to_wire, kind.decode, kind.read))
        known = self.verbatim or identify_reading(type(self))
        self.comparer = COMPARERS.get(known) if self.plain else None
        self.stamps = _overrides(self, "pre_save") and self.stamps_itself()
        self.constrained = bool(
            self.validators
            or self.choices is not None
            or any(getattr(self, bound) is not None for bound in declaration.BOUNDS)
        )
        declaration.check_choices(self)
        declaration.check_default(self)

    def _is_plain(self) -> bool:
        return type(self).to_db.__module__.startswith(_HERE)

    def prepare_index_key(self, limit: int) -> None:
        """Check the declaration of a field in the key of an index; its values have at most *limit* bytes."""
        self.key_limit = min(self.key_limit or limit, limit)
        declaration.check_index_key(self)

    def _in_order(self, low: Any, high: Any) -> bool:
        try:
            return bool(low <= high)
        except TypeError:
            return False

    def misdeclared(self, problem: str) -> ModelDefinitionError:
        """Return the error for a wrong declaration of this field, for :meth:`prepare` to raise.

        >>> Score.points.misdeclared("points cannot be negative: drop min_value=")
        ModelDefinitionError('Score.points: points cannot be negative: drop min_value=')

        :param problem: the message, without the name of the field: the problem and its remedy.
        """
        return ModelDefinitionError(f"{self.label}: {problem}")

    @property
    def is_key(self) -> bool:
        """Whether this is the table's hash or range key."""
        return self.hash_key or self.range_key

    @property
    def label(self) -> str:
        """``Model.field``, for messages."""
        return f"{self.owner}.{self.name}" if self.owner else type(self).__name__

    def make_default(self) -> Any:
        """Return the default for one instance, a copy of its own, or None."""
        default: Any = self.default
        if callable(default):
            return default()
        return default if type(default) in _IMMUTABLE else copy.deepcopy(default)

    @property
    def has_constant_default(self) -> bool:
        """Whether all instances have one and the same default, or None."""
        fixed = not callable(self.default) and not _overrides(self, "make_default")
        return fixed and self.make_default() is self.default

    @property
    def needs_value(self) -> bool:
        """Whether a typed constructor requires a value: there is no default, and the field does not set itself."""
        defaults = self.has_default or self.default is not None or _overrides(self, "make_default")
        return self.init and not (defaults or self.stamps)

    def make_absent_value(self) -> Any:
        """Return the value for a stored item without the attribute: the default, or None."""
        return self.make_default()

    def stamps_itself(self) -> bool:
        """Tell whether this field uses the :meth:`pre_save` of its class."""
        return True

    def pre_save(self, value: Any, *, adding: bool) -> Any:
        """Return the value to store in place of *value*, just before the instance is written.

        >>> from dynamodb_py import IntegerField
        >>> class SaveCount(IntegerField):
        ...     def pre_save(self, value, *, adding):
        ...         return 1 if adding else value + 1
        >>> SaveCount().pre_save(3, adding=False)
        4

        :param adding: whether the instance is new, not loaded from the table.
        """
        del adding
        return value

    def normalise(self, value: Any, /) -> Any:
        """Return *value* in the form that :meth:`to_db` stores; a write gives the instance this form too.

        A subclass that overrides it sets ``normalises = True``.

        >>> from dynamodb_py import CharField
        >>> CharField(strip=True, lower=True).normalise(" Ann@Example.org ")
        'ann@example.org'
        """
        return value

    def to_db(self, value: V, /) -> Any:
        """Return the stored form of *value*: a str for kind S, a number for N, bytes for B, ...

        >>> from datetime import timedelta
        >>> from dynamodb_py import TimeDeltaField
        >>> TimeDeltaField().to_db(timedelta(days=1, hours=2))
        'P1DT2H'

        The message of an error becomes that of a :class:`~dynamodb_py.exceptions.ValidationError`.

        :raises TypeError: *value* has a wrong type.
        :raises ValueError: this field cannot hold *value*.
        """
        return value

    def to_python(self, stored: Any, /) -> V:
        """Return the value whose stored form is *stored*, the opposite of :meth:`to_db`.

        >>> from dynamodb_py import TimeDeltaField
        >>> TimeDeltaField().to_python("P1DT2H")
        datetime.timedelta(days=1, seconds=7200)

        :raises ValueError: the stored form cannot be read; a read of the attribute then raises
            :class:`~dynamodb_py.exceptions.UnreadableValue`.
        """
        return cast("V", stored)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        """Return the attribute value for *value*, *depth* levels into a document.

        None means that the attribute is left out. Raises :class:`~dynamodb_py.codec.Unstorable`.
        """
        if isinstance(value, Uncomputed):  # a user's to_db() might accept it
            raise refuse_uncomputed()
        try:
            wire = encode_value(self.to_db(value), depth)
        except UNFIT as error:
            raise Unstorable(str(error) or repr(error)) from error
        if self.kind not in wire:
            raise Unstorable(f"{value!r} is not stored as {self.kind} but as {next(iter(wire))}")
        return wire

    def to_wire_or_null(self, value: Any, depth: int = 0, /) -> Wire | None:
        """Return the attribute value for *value*, which may be None."""
        if value is None:
            return {"NULL": True} if self.null else None
        return self.to_wire(value, depth)

    def find_label(self, value: Any) -> str | None:
        """Return the label of *value* in ``choices=``, or else its text; None for None."""
        for each, label in self._labels:
            if each == value or (self.normalises and self.normalise(each) == self.normalise(value)):
                return label
        return None if value is None else str(value)

    def find_problems(self, value: Any) -> list[str]:
        """Check *value*, not None, by choices, bounds and validators; return the problems, as messages."""
        problems = self._out_of_bounds(value)
        if self.choices is not None and value not in self.choices:
            problems.append(f"{value!r} is not one of {', '.join(map(repr, self.choices))}")
        for validator in self.validators:
            try:
                if validator(value) is False:
                    problems.append(f"{value!r} is refused by {_name_of(validator)}")
            except ValidationError as error:
                problems.extend(message for each in error.errors.values() for message in each)
            except ValueError as error:
                problems.append(str(error))
        return problems

    def _out_of_bounds(self, value: Any) -> list[str]:
        problems: list[str] = []
        try:
            if self.min_value is not None and value < self.min_value:
                problems.append(f"{value!r} is less than min_value {self.min_value!r}")
            if self.max_value is not None and value > self.max_value:
                problems.append(f"{value!r} is greater than max_value {self.max_value!r}")
        except TypeError as error:  # a time with an offset and one without
            problems.append(f"{value!r} cannot be compared with its bounds: {error}")
        if self.min_length is not None and len(value) < self.min_length:
            problems.append(f"its length {len(value)} is less than min_length {self.min_length}")
        if self.max_length is not None and len(value) > self.max_length:
            problems.append(f"its length {len(value)} is greater than max_length {self.max_length}")
        return problems

    def find_key_problem(self, wire: Wire, /) -> str | None:
        """Return why DynamoDB would reject this value in a key, or None.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-partition-sort-keys
        """
        value = wire[self.kind]
        if self.kind == "N":
            return None
        if not value:
            return "it is empty, which DynamoDB allows everywhere but in a key"
        limit = self.key_limit or MAX_RANGE_KEY_BYTES
        if len(value) * 4 <= limit:  # the usual case: a character has four bytes at most
            return None
        if len(value.encode(errors="surrogatepass") if self.kind == "S" else value) > limit:
            role = "hash" if limit == MAX_HASH_KEY_BYTES else "range"
            return f"it is longer than the {limit} bytes that a {role} key may have"
        return None

    def find_order_problem(self, *wires: Wire) -> str:
        """Return why stored values cannot be ordered, or compared with *wires* by order; "" if they can."""
        del wires
        return self.unordered

    def encode(self, value: Any, where: str = "", /) -> Wire | None:
        """Return the attribute value for *value*, as in conditions; None if the attribute would be left out.

        >>> Score.points.encode(80), Score.points.encode(None)
        ({'N': '80'}, None)

        :param where: the name of the value in errors; by default ``Model.field``.
        :raises ValidationError: this field cannot hold *value*.
        """
        if type(value) is self.verbatim:  # the usual values, without a call
            if self.verbatim is int and -PLAIN_INT < value < PLAIN_INT:
                return {"N": repr(value)}
            if self.verbatim is str and value.isascii():
                return {"S": value}
        try:
            wire = self.to_wire_or_null(value)
            return wire if wire is None else check_text(wire)
        except Unstorable as error:
            raise ValidationError(error.errors(where or self.label)) from None

    def sub(self, part: str | int, /) -> Coder | None:
        """Return the coder at *part* of a value, a map's key or a list's index; None if it has no such part."""
        del part
        return None

    def element(self) -> Coder | None:
        """Return the coder of the elements of a value, for ``contains``; None if it has none."""
        return AFFIX if self.kind in ("S", "B") else None

    def to_json(self, value: Any, /) -> Any:
        """Return the JSON form of *value*, which is not None.

        It follows from the stored form: text, a number, true or false, base64, or a list of them.

        >>> from datetime import timedelta
        >>> from dynamodb_py import TimeDeltaField
        >>> TimeDeltaField().to_json(timedelta(days=1, hours=2))
        'P1DT2H'

        :raises TypeError: *value* has a wrong type.
        :raises ValueError: this field cannot hold *value*.
        """
        wire = self.to_wire(value)
        return [] if wire is None else form_wire(wire)

    def from_json(self, form: Any, /) -> V:
        """Return the value for its JSON form, which is not None; the opposite of :meth:`to_json`.

        >>> from dynamodb_py import TimeDeltaField
        >>> TimeDeltaField().from_json("P1DT2H")
        datetime.timedelta(days=1, seconds=7200)

        :raises TypeError: *form* has a wrong type.
        :raises ValueError: *form* is not the JSON form of a value of this field.
        """
        return self.read(read_wire(self.kind, form)[self.kind])

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        """Return the value for its form in ``to_dict()``; raise :class:`~dynamodb_py.codec.Unstorable`."""
        if not how.json or value is None:
            return value
        try:
            return self.from_json(value)
        except UNFIT as error:
            if how.takes(value):
                return value
            reason = f"{value!r:.80} is not the JSON form of {with_article(type(self))}: {error}"
            raise Unstorable(reason) from error

    def decode(self, wire: Mapping[str, Any], /) -> V | None:
        """Return the value of an attribute value; raise UnreadableValue if the field cannot read it."""
        try:
            return None if "NULL" in wire else self.read(wire[self.kind])
        except UNFIT as error:
            known = isinstance(wire, Mapping) and self.kind in wire
            problem = str(error) if known else f"{self.kind} was expected"
            raise UnreadableValue(
                f"{self.label}: the stored {_shorten(wire)} cannot be read as {type(self).__name__}: {problem}"
            ) from error

    def read(self, stored: Any, /) -> V:
        """Return the value for the content of an attribute value of this field's kind."""
        if self.leaf is None:
            return self.to_python(value_of(as_tree({self.kind: stored})))
        return self.to_python(msgspec.convert(stored, self.leaf, strict=False))

    @property
    def reads_as_stored(self) -> bool:
        """Whether :meth:`to_python` returns its argument."""
        return not _overrides(self, "to_python")

    def wire_type(self) -> Any:
        """Return the type to which msgspec converts the whole attribute value."""
        if self.null or self.leaf is None:
            return dict[str, Any]
        return make_wire_type(self.kind, self.leaf)

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        """Return the Python expression for the value in *wire*, an expression too.

        It adds the objects that the expression uses to *names*.
        """
        if self.null or self.leaf is None:
            return f"{bind_name(names, self.decode)}({wire})"
        if self.reads_as_stored:
            return f"{wire}.{self.kind}"
        return f"{bind_name(names, self.to_python)}({wire}.{self.kind})"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> N: ...
    def __get__(self, instance: object | None, owner: type) -> Self | N:
        if instance is None:
            return self
        record: Any = instance
        value: N
        if not record._decoded:
            record._decode()
            values: dict[str, Any] = record.__dict__
            if self.name in values:
                value = values[self.name]
                return value
        value = record._value_of_unset(self)
        return value

    if TYPE_CHECKING:  # at run time __set__ would make the descriptor a data descriptor

        def __set__(self, instance: object, value: N) -> None: ...
        def _row_value(self) -> N: ...  # the type in rows of values_list()

    def desc(self) -> str:
        """Return the name for descending order: ``order_by(Score.points.desc())``."""
        return f"-{self.name}"

    def _wire(self, value: object) -> Wire | None:
        if not self.comparable:
            raise QueryError(
                f"{self.label}: {with_article(type(self))} cannot be compared with a value: "
                "use exists(), or store what you compare in a field of its own"
            )
        return self.encode(value)

    def _path(self) -> Path:
        path = self._known_path
        if path is None:
            path = Path((self.attribute,), self, self.label)
            if self.owner:  # it is bound to its class
                self._known_path = path
        return path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"


AnyField = Field[Any, Any]

VERBATIM: dict[Any, type[Any]] = {}
"""The type that is stored unchanged, by the methods ``to_wire``, ``decode`` and ``read`` of a class of fields."""

Comparer = tuple[type[Any], str, Callable[[Any, Any], bool]]
"""An exact type, the kind, and a function that compares the content of an attribute value with a value.

If it returns True, reading the content gives a value that is stored as this one is.
"""


def is_repr(text: str, value: object) -> bool:
    """Tell whether *text* is the ``repr()`` of *value*."""
    return text == repr(value)


COMPARERS: dict[Any, Comparer] = {
    str: (str, "S", eq),
    int: (int, "N", is_repr),
}
"""The ``comparer`` of a field, by its ``verbatim`` or by :func:`identify_reading` of its class."""


def identify_reading(kind: Any) -> tuple[Any, ...]:
    """Return the methods with which a class of fields writes and reads."""
    return kind.to_wire, kind.to_db, kind.decode, kind.read, kind.to_python


def bind_name(names: dict[str, Any], value: Any) -> str:
    """Add *value* to the names of compiled source, and return its name."""
    name = f"f{len(names)}"
    names[name] = value
    return name


def _split_choice(each: Any) -> tuple[Any, str | None]:
    """Return the value and the label of an element of ``choices=``."""
    if isinstance(each, tuple):
        pair = cast("tuple[Any, ...]", each)
        return (pair[0], pair[1]) if len(pair) == 2 and isinstance(pair[1], str) else (pair, None)
    return each, None


def _overrides(field: object, name: str) -> bool:
    """Tell whether a field's class overrides the method *name* of Field."""
    return getattr(type(field), name) is not getattr(Field, name)


def _name_of(validator: Callable[[Any], object]) -> str:
    return getattr(validator, "__name__", None) or repr(validator)
