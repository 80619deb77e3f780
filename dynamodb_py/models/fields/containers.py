"""Fields that hold several values: sets, lists, maps, documents, and keys of other models."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, overload

import msgspec

from ...codec import (
    PLAIN_INT,
    Tree,
    Unstorable,
    as_tree,
    check_depth,
    encode_list,
    encode_map,
    encode_value,
    format_floats,
    list_of,
    make_wire_type,
    map_of,
    to_json,
    value_of,
)
from ...exceptions import ModelDefinitionError, ValidationError
from ...expressions import FREE, Attr, Coder, field_of, member, members
from ...operations.base import Wire
from .base import REQUIRED, AnyField, Field, bind_name, is_checking
from .ids import ULIDField, make_ulid
from .json_forms import PLAINLY, Reading, form_free, read_free, sort_forms
from .model_key import KeyOf
from .numbers import FLOATS, BooleanField, CounterField, DecimalField, FloatField, IntegerField
from .refusals import make_refusal, refuse_form, with_article
from .text import LENGTHS, BinaryField, CharField
from .version import VersionField

if TYPE_CHECKING:
    from typing import Generic, TypeAlias

    from typing_extensions import TypeVar, Unpack

    from .base import Always, Default, Nullable, Options, Yes

    T = TypeVar("T")
    X = TypeVar("X")
    W = TypeVar("W")
    R = TypeVar("R")

    V_co = TypeVar("V_co", covariant=True)

    class Holds(Protocol[V_co]):
        """A field, by the type of its values alone."""

        def to_python(self, stored: Any, /) -> V_co: ...

    Of: TypeAlias = Holds[X] | type[X]
    Dict: TypeAlias = dict[str, X]
    Free: TypeAlias = dict[str, Any]
    Fields: TypeAlias = "Mapping[str, AnyField | type[Any]]"

    class Settable(Always[T], Generic[T], total=False):
        """The keywords of a set, which always has a value: the empty set by default."""

        required: bool

    SetN = TypeVar("SetN", default="set[T] | None")
    ListN = TypeVar("ListN", default="list[T] | None")
    DictN = TypeVar("DictN", default="dict[str, T] | None")
    MapN = TypeVar("MapN", default="dict[str, Any] | None")
    DocN = TypeVar("DocN", default="T | None")
else:
    from typing import TypeVar

    T = TypeVar("T")
    W = R = SetN = ListN = DictN = MapN = DocN = TypeVar("N")

NOT_UNIQUE = "unique=True is for the fields of a model, since sentinels are found by its attributes"

_FIELD_OF: dict[type, Callable[[], AnyField]] = {
    str: CharField,
    int: IntegerField,
    float: FloatField,
    bool: BooleanField,
    bytes: BinaryField,
    Decimal: DecimalField,
}
_PLAIN_TYPES = ", ".join(each.__name__ for each in _FIELD_OF)
_TEXT = frozenset({str})
# The most wrong elements of one value that an error lists.
_MAX_ERRORS = 20


class Embedded(Protocol):
    """A document, as far as the field that holds it needs it."""

    def _to_wire(self, depth: int, /) -> Wire: ...
    def to_dict(self, *, mode: str) -> dict[str, Any]: ...


def register_field(kind: type[X], field: Callable[[], Holds[X]]) -> None:
    """Let *kind* stand for a field, as str does for a CharField: ``ListField(Point)``.

    So it is for ``SetField``, ``ListField``, ``DictField``, ``MapField`` and ``CompressedField`` of classes
    that are made from then on.

    :param kind: a class of yours. Its subclasses are not meant.
    :param field: the field of its values: a class, or a function without arguments.
    :raises ModelDefinitionError: *kind* stands for a field already, or is no class; *field* makes no field.

    >>> class Celsius(float):
    ...     pass
    >>> class CelsiusField(Field[Celsius]):
    ...     kind = "N"
    ...
    ...     def to_python(self, stored):
    ...         return Celsius(stored)
    >>> register_field(Celsius, CelsiusField)
    >>> ListField(Celsius).decode({"L": [{"N": "21.5"}]})
    [21.5]
    """
    given: object = kind
    if not isinstance(given, type):
        raise ModelDefinitionError(f"register_field({given!r}, ...): give a class of yours first")
    name = kind.__name__
    if make_field(kind) is not None:
        raise ModelDefinitionError(
            f"register_field({name}, ...): {name} stands for a {type(make_field(kind)).__name__} already"
        )
    if not callable(field) or isinstance(field, Field):
        raise ModelDefinitionError(
            f"register_field({name}, {field!r}): give the class of a field, or a function without "
            "arguments that makes one"
        )
    try:
        made = field()
    except TypeError as error:
        raise ModelDefinitionError(
            f"register_field({name}, ...): the field cannot be made without arguments: {error}; give "
            "a function that makes it: lambda: ..."
        ) from error
    if not isinstance(made, Field):
        raise ModelDefinitionError(f"register_field({name}, ...): {made!r} is no field")
    _FIELD_OF[kind] = cast("Callable[[], AnyField]", field)


def make_field(of: Any) -> AnyField | None:
    """Return the field for *of*: a field, a plain type, a Document or a Model; None for all else."""
    if isinstance(of, Field):
        return cast("AnyField", of)
    if not isinstance(of, type):
        return None
    if of in _FIELD_OF:
        return _FIELD_OF[of]()
    if not hasattr(of, "_fieldset"):
        return None
    kind: Any = KeyOf if hasattr(of, "DoesNotExist") else EmbeddedField
    return cast("AnyField", kind(of))


def place_inside(field: AnyField, outer: AnyField, name: str) -> AnyField:
    """Return *field* bound as the element or member *name* of *outer*; refuse options without effect there."""
    if isinstance(field, ULIDField) and field.default is make_ulid:
        field = copy(field)
        field.default = None  # an element is given
    placed = field.bound_to(outer.owner, name)
    kind = type(field).__name__
    if field.is_key:
        raise placed.misdeclared("a key is an attribute of the item: it cannot be inside another")
    if placed.attribute != name:
        raise placed.misdeclared(f"name= means nothing inside a {type(outer).__name__}: drop it")
    if placed.stamps:
        raise placed.misdeclared(
            f"a {kind} can set itself in a model or a Document, not inside a "
            f"{type(outer).__name__}: declare a Document"
        )
    if getattr(field, "merge", None) is not None:
        raise placed.misdeclared("it is made of other fields of an item: declare it in the model")
    if isinstance(field, VersionField):
        raise placed.misdeclared("a version is of an item: declare it in the model")
    if field.unique:
        raise placed.misdeclared(NOT_UNIQUE)
    if field.default is not None and not isinstance(field, CounterField):
        raise placed.misdeclared(
            f"default= means nothing inside a {type(outer).__name__}: give the {kind} none, "
            "or declare a Document"
        )
    return placed


class _Container(Field[W, R]):
    """A field whose values hold values of one inner field, or any values."""

    def __init__(self, of: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.of = of
        self.inner: AnyField | None = make_field(of)

    def prepare(self) -> None:
        if self.of is not None and self.inner is None:
            raise self.misdeclared(
                f"of={self.of!r}: it takes a field, one of {_PLAIN_TYPES}, "
                "a Document class or a Model class"
            )
        if self.inner is not None:
            self.inner = place_inside(self.inner, self, f"{self.name}[]")
            self.normalises = self.inner.normalises
        super().prepare()

    def element(self) -> Coder | None:
        return self.inner or FREE

    def _element_wire(self, value: Any, depth: int) -> Wire:
        return to_inner_wire(self.inner, value, depth)


def find_common_type(inner: AnyField, elements: Iterable[Any]) -> type[Any] | None:
    """Return str, int or float if *inner* stores each of *elements* as what is of that type; else None."""
    if inner.constrained:
        return None
    kinds = {*map(type, elements)}
    if kinds == {inner.verbatim}:
        return inner.verbatim
    return float if inner.comparer is FLOATS and kinds <= _FLOAT_TYPES else None


_FLOAT_TYPES = frozenset({float, int})


def encode_common(known: type[Any], elements: Sequence[Any]) -> list[Wire]:
    """Return the attribute values of elements of a common type, without a call for each.

    Raises :class:`~dynamodb_py.codec.Unstorable` where one may be too large, without its place.
    """
    if known is str:
        return [{"S": each} for each in elements]
    if known is int:
        if min(elements, default=0) <= -PLAIN_INT or max(elements, default=0) >= PLAIN_INT:
            raise Unstorable("an int of many digits")
        return [{"N": each} for each in map(str, elements)]
    try:
        floats = [*map(float, elements)]
    except OverflowError:
        floats = []
    if floats != [*elements]:
        raise Unstorable("an int that no float equals")
    return [{"N": each} for each in format_floats(floats)] if floats else []


def to_inner_wire(field: AnyField | None, value: Any, depth: int) -> Wire:
    """Return the attribute value of an element of a list or a map, where none can be left out."""
    if field is None:
        return encode_value(value, depth)
    if value is None and not field.null:
        raise Unstorable("None is not stored here: give the inner field null=True")
    wire = field.to_wire_or_null(None) if value is None else field.to_wire(value, depth)
    if wire is None:
        raise Unstorable("an empty set cannot be stored inside a list or a map: leave it out")
    if value is not None and field.constrained and is_checking():
        problems = field.find_problems(value)
        if problems:
            raise Unstorable("; ".join(problems))
    return wire


def to_inner_json(field: AnyField | None, value: Any) -> Any:
    """Return the form in JSON of an element, or of a free value if there is no field."""
    if field is None:
        return form_free(value)
    return None if value is None else field.to_json(value)


def from_inner_plain(field: AnyField | None, value: Any, how: Reading) -> Any:
    """Return an element for its form in ``to_dict()``."""
    if field is not None:
        return field.from_plain(value, how)
    return read_free(value) if how.json else value


def from_inner_plains(
    elements: Iterable[tuple[str, AnyField | None, Any]], how: Reading
) -> list[Any]:
    """Return several elements, given with their steps; raise Unstorable with all that are wrong."""
    values: list[Any] = []
    wrong: list[Unstorable] = []
    for step, field, each in elements:
        try:
            values.append(from_inner_plain(field, each, how))
        except Unstorable as error:
            wrong.append(error.inside(step))
    if wrong:
        raise Unstorable.all_of(wrong[:_MAX_ERRORS])
    return values


class SetField(_Container["set[T]", SetN]):
    """A set of texts, numbers or bytes, stored as SS, NS or BS.

    DynamoDB has no empty set: one is stored as absence, and reads back as ``set()``, so that a
    default is for new instances alone.

    :param of: a field, or one of str, int, float, Decimal, bytes; str by default.

    >>> SetField(int).encode({3, 20})
    {'NS': ['20', '3']}
    """

    kind = "SS"
    bounds: ClassVar[frozenset[str]] = LENGTHS

    @overload
    def __init__(
        self: SetField[X, set[X] | None], of: Of[X], *, null: Yes, **o: Unpack[Nullable[set[X]]]
    ) -> None: ...
    @overload
    def __init__(self: SetField[X, set[X]], of: Of[X], **o: Unpack[Settable[set[X]]]) -> None: ...
    @overload
    def __init__(
        self: SetField[str, set[str] | None], *, null: Yes, **o: Unpack[Nullable[set[str]]]
    ) -> None: ...
    @overload
    def __init__(self: SetField[str, set[str]], **o: Unpack[Settable[set[str]]]) -> None: ...
    def __init__(self, of: Any = str, **options: Any) -> None:
        super().__init__(of, **options)
        if self.inner is not None:
            self.kind = self.inner.kind + "S"

    def prepare(self) -> None:
        if self.of is None:
            raise self.misdeclared("a set says what it holds: SetField(str), SetField(int), ...")
        to = getattr(self.inner, "to", None)
        if self.inner is not None and isinstance(to, str) and not self.inner.kind:
            raise self.misdeclared(
                f"a set is of the type of what it holds, and that of the key of {to!r} is not known by "
                f"its name alone: give the class, SetField(ForeignKey({to})), or use a ListField"
            )
        if self.inner is not None and self.inner.kind not in ("S", "N", "B"):
            raise self.misdeclared(
                f"a set holds texts, numbers or bytes, not {type(self.inner).__name__}: "
                "use a ListField"
            )
        super().prepare()
        inner = self.inner
        self._texts = type(inner) is CharField and inner.plain and not inner.constrained

    _texts = False
    """Whether the elements are plain texts without options."""

    def make_default(self) -> Any:
        default = super().make_default()
        return set[Any]() if default is None and not self.null else default

    def make_absent_value(self) -> Any:
        return set[Any]()  # absence stands for the empty set, not for the default

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        del depth  # a set holds no documents
        if not isinstance(value, AbstractSet):
            raise make_refusal(value, "a set")
        if not value:
            return None
        elements = cast("AbstractSet[Any]", value)
        if self._texts and _TEXT.issuperset(map(type, elements)):
            return {"SS": sorted(elements)}
        texts = {self._element_wire(each, 1)[self.kind[0]] for each in elements}
        return {self.kind: sorted(texts)}

    def normalise(self, value: Any, /) -> Any:
        inner = self.inner
        if inner is None or not isinstance(value, AbstractSet):
            return value
        return {inner.normalise(each) for each in cast("AbstractSet[Any]", value)}

    def to_json(self, value: Any, /) -> Any:
        self.to_wire(value)  # it raises for what cannot be stored
        return sort_forms([to_inner_json(self.inner, each) for each in value])

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        if not how.json or not isinstance(value, list):
            return refuse_form(value, "a list", how)
        elements = enumerate(cast("list[Any]", value))
        return set(from_inner_plains([(f"[{at}]", self.inner, each) for at, each in elements], how))

    def read(self, stored: Any, /) -> set[T]:
        inner = cast("Field[T, Any]", self.inner)
        return {inner.read(each) for each in stored}

    def _native(self) -> bool:
        inner = self.inner
        return (
            inner is not None and inner.reads_as_stored and inner.leaf is not None and not self.null
        )

    def wire_type(self) -> Any:
        if not self._native() or self.inner is None:
            return dict[str, Any]
        return make_wire_type(self.kind, set.__class_getitem__(self.inner.leaf))

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        if not self._native():
            return f"{bind_name(names, self.decode)}({wire})"
        return f"{wire}.{self.kind}"


class ListField(_Container["list[T]", ListN]):
    """A list, stored as L: of one type, or free.

    A free list holds None, bool, int, float, Decimal, str, bytes, and lists, dicts and sets of them.
    Nothing is dropped from a list.

    :param of: a field, one of str, int, float, bool, bytes, Decimal, a Document class (stored
        inline) or a Model class (stored as the key that it refers to). Free by default.

    >>> ListField().encode([1, "two", None])
    {'L': [{'N': '1'}, {'S': 'two'}, {'NULL': True}]}
    """

    kind = "L"
    bounds: ClassVar[frozenset[str]] = LENGTHS

    @overload
    def __init__(
        self: ListField[X, list[X] | None], of: Of[X], *, null: Yes, **o: Unpack[Nullable[list[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[X, list[X]], of: Of[X], *, required: Yes, **o: Unpack[Always[list[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[X, list[X]],
        of: Of[X],
        *,
        default: Default[list[X]],
        **o: Unpack[Options[list[X]]],
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[X, list[X] | None], of: Of[X], **o: Unpack[Options[list[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[Any, list[Any] | None], *, null: Yes, **o: Unpack[Nullable[list[Any]]]
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[Any, list[Any]], *, required: Yes, **o: Unpack[Always[list[Any]]]
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[Any, list[Any]],
        *,
        default: Default[list[Any]],
        **o: Unpack[Options[list[Any]]],
    ) -> None: ...
    @overload
    def __init__(
        self: ListField[Any, list[Any] | None], **o: Unpack[Options[list[Any]]]
    ) -> None: ...
    def __init__(self, of: Any = None, **options: Any) -> None:
        super().__init__(of, **options)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if not isinstance(value, (list, tuple)):
            raise make_refusal(value, "a list")
        elements = cast("Sequence[Any]", value)
        if self.inner is None:
            return encode_list(elements, depth)
        depth, inner, constrained = check_depth(depth), self.inner, self.inner.constrained
        if (known := find_common_type(inner, elements)) is not None:
            with suppress(Unstorable):  # the errors below have their places
                return {"L": encode_common(known, elements)}
        wires: list[Any] = []
        wrong: list[Unstorable] = []
        for at, each in enumerate(elements):
            try:
                wire = None if each is None or constrained else inner.to_wire(each, depth)
                wires.append(to_inner_wire(inner, each, depth) if wire is None else wire)
            except Unstorable as error:
                wrong.append(error.inside(f"[{at}]"))
                if len(wrong) == _MAX_ERRORS:
                    break
        if wrong:
            raise Unstorable.all_of(wrong)
        return {"L": wires}

    def read(self, stored: Any, /) -> list[T]:
        if self.inner is None:
            return [value_of(as_tree(each)) for each in stored]
        return [cast("T", self.inner.decode(each)) for each in stored]

    def normalise(self, value: Any, /) -> Any:
        inner = self.inner
        if inner is None or not isinstance(value, (list, tuple)):
            return value
        return [inner.normalise(each) for each in cast("Sequence[Any]", value)]

    def sub(self, part: str | int, /) -> Coder | None:
        return None if isinstance(part, str) else self.inner or FREE

    def to_json(self, value: Any, /) -> Any:
        self.to_wire(value)  # it raises for what cannot be stored
        return [to_inner_json(self.inner, each) for each in value]

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        if value is None or not isinstance(value, list):
            return refuse_form(value, "a list", how)
        elements = enumerate(cast("list[Any]", value))
        return from_inner_plains([(f"[{at}]", self.inner, each) for at, each in elements], how)

    def wire_type(self) -> Any:
        if self.null:
            return dict[str, Any]
        inner: Any = Tree if self.inner is None else self.inner.wire_type()
        return make_wire_type("L", list[inner])

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        if self.null:
            return f"{bind_name(names, self.decode)}({wire})"
        if self.inner is None:
            return f"{bind_name(names, list_of)}({wire}.L)"
        each, value = _iterate_source(self.inner, names)
        return f"[{value} for {each} in {wire}.L]"


class DictField(_Container["dict[str, T]", DictN]):
    """A dict with texts as keys, stored as M: its values of one type, or free.

    :param of: as for :class:`ListField`.

    >>> DictField(int).encode({"a": 1})
    {'M': {'a': {'N': '1'}}}
    """

    kind = "M"
    bounds: ClassVar[frozenset[str]] = LENGTHS

    @overload
    def __init__(
        self: DictField[X, Dict[X] | None], of: Of[X], *, null: Yes, **o: Unpack[Nullable[Dict[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[X, Dict[X]], of: Of[X], *, required: Yes, **o: Unpack[Always[Dict[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[X, Dict[X]],
        of: Of[X],
        *,
        default: Default[Dict[X]],
        **o: Unpack[Options[Dict[X]]],
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[X, Dict[X] | None], of: Of[X], **o: Unpack[Options[Dict[X]]]
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[Any, Free | None], *, null: Yes, **o: Unpack[Nullable[Free]]
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[Any, Free], *, required: Yes, **o: Unpack[Always[Free]]
    ) -> None: ...
    @overload
    def __init__(
        self: DictField[Any, Free], *, default: Default[Free], **o: Unpack[Options[Free]]
    ) -> None: ...
    @overload
    def __init__(self: DictField[Any, Free | None], **o: Unpack[Options[Free]]) -> None: ...
    def __init__(self, of: Any = None, **options: Any) -> None:
        super().__init__(of, **options)

    @property
    def free(self) -> bool:
        """Whether the values are free-form."""
        return self.inner is None

    def _field_at(self, key: str) -> AnyField | None:
        del key
        return self.inner

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if not isinstance(value, Mapping):
            raise make_refusal(value, "a dict")
        members = cast("Mapping[Any, Any]", value)
        if self.free:
            return encode_map(members, depth)
        depth = check_depth(depth)
        wires: dict[str, Any] = {}
        wrong = self._find_missing(members)
        for key, each in members.items():
            if not isinstance(key, str):
                raise Unstorable(f"the key {key!r} is no text: the keys of a map are str")
            try:
                wires[key] = to_inner_wire(self._field_at(key), each, depth)
            except Unstorable as error:
                wrong.append(error.inside(f".{key}"))
                if len(wrong) >= _MAX_ERRORS:
                    break
        if wrong:
            raise Unstorable.all_of(wrong)
        return {"M": wires}

    def _find_missing(self, _: Mapping[Any, Any]) -> list[Unstorable]:
        return []

    def read(self, stored: Any, /) -> dict[str, Any]:
        return {key: self._value_at(key, wire) for key, wire in stored.items()}

    def _value_at(self, key: str, wire: Any) -> Any:
        field = self._field_at(key)
        return value_of(as_tree(wire)) if field is None else field.decode(wire)

    def normalise(self, value: Any, /) -> Any:
        if not isinstance(value, Mapping):
            return value
        members = cast("Mapping[Any, Any]", value)
        return {
            key: each if (field := self._field_at(key)) is None else field.normalise(each)
            for key, each in members.items()
        }

    def sub(self, part: str | int, /) -> Coder | None:
        return None if isinstance(part, int) else self._field_at(part) or FREE

    def element(self) -> Coder | None:
        return None

    def to_json(self, value: Any, /) -> Any:
        self.to_wire(value)  # it raises for what cannot be stored
        if self.free:
            return form_free(value)
        return {key: to_inner_json(self._field_at(key), each) for key, each in value.items()}

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        if value is None or not isinstance(value, dict):
            return refuse_form(value, "a dict", how)
        if self.free:
            return from_inner_plain(None, value, how)
        given = cast("dict[str, Any]", value)
        elements = [(f".{key}", self._field_at(key), each) for key, each in given.items()]
        return dict(zip(given, from_inner_plains(elements, how), strict=True))

    def wire_type(self) -> Any:
        if self.null:
            return dict[str, Any]
        inner: Any = Tree if self.inner is None else self.inner.wire_type()
        return make_wire_type("M", dict[str, inner])

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        if self.null:
            return f"{bind_name(names, self.decode)}({wire})"
        if self.inner is None:
            return f"{bind_name(names, map_of)}({wire}.M)"
        each, value = _iterate_source(self.inner, names)
        return f"{{key: {value} for key, {each} in {wire}.M.items()}}"


class MapField(DictField[Any, MapN]):
    """A dict with declared members, stored as M.

    Members that the schema does not name are kept, as free values.

    :param schema: the fields by key, or what :class:`ListField` takes for its elements.

    >>> MapField({"qty": IntegerField()}).encode({"qty": 2, "note": "x"})
    {'M': {'qty': {'N': '2'}, 'note': {'S': 'x'}}}
    """

    @overload
    def __init__(
        self: MapField[Free | None], schema: Fields, *, null: Yes, **o: Unpack[Nullable[Free]]
    ) -> None: ...
    @overload
    def __init__(
        self: MapField[Free], schema: Fields, *, required: Yes, **o: Unpack[Always[Free]]
    ) -> None: ...
    @overload
    def __init__(
        self: MapField[Free], schema: Fields, *, default: Default[Free], **o: Unpack[Options[Free]]
    ) -> None: ...
    @overload
    def __init__(
        self: MapField[Free | None], schema: Fields, **o: Unpack[Options[Free]]
    ) -> None: ...
    def __init__(self, schema: Mapping[str, Any], **options: Any) -> None:
        plain: Any = _Container
        plain.__init__(self, **options)
        given: object = schema
        if isinstance(given, Mapping):
            schema = {key: make_field(of) or of for key, of in schema.items()}
        self.schema: Mapping[str, AnyField] = schema

    def prepare(self) -> None:
        if not isinstance(self.schema, Mapping):
            raise self.misdeclared(f"MapField takes a dict of fields by key, not {self.schema!r}")
        placed: dict[str, AnyField] = {}
        for key, of in self.schema.items():
            field = make_field(of)
            if field is None or not isinstance(key, str):
                raise self.misdeclared(f"the schema's {key!r} is {of!r}: give a text a field")
            placed[key] = place_inside(field, self, f"{self.name}.{key}")
        self.schema = placed
        self.normalises = any(field.normalises for field in self.schema.values())
        super().prepare()

    @property
    def free(self) -> bool:
        return not self.schema

    def _field_at(self, key: str) -> AnyField | None:
        return self.schema.get(key)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if isinstance(value, Mapping):
            given = cast("Mapping[str, Any]", value)
            # A None of a declared member is left out, like a None of a model's field.
            left_out = {key for key, field in self.schema.items() if not field.null}
            value = {
                key: each for key, each in given.items() if each is not None or key not in left_out
            }
        return super().to_wire(value, depth)

    def _find_missing(self, _: Mapping[Any, Any]) -> list[Unstorable]:
        return [
            Unstorable(REQUIRED).inside(f".{key}")
            for key, field in self.schema.items()
            if field.required and _.get(key) is None and is_checking()
        ]

    def wire_type(self) -> Any:
        return dict[str, Any]

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        return f"{bind_name(names, self.decode)}({wire})"


class EmbeddedField(Field[T, DocN]):
    """A document inside the item, stored as M.

    :param document: the class of the document, a subclass of :class:`~dynamodb_py.Document`.
    """

    kind = "M"

    @overload
    def __init__(
        self: EmbeddedField[X, X | None], document: type[X], *, null: Yes, **o: Unpack[Nullable[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedField[X, X], document: type[X], *, required: Yes, **o: Unpack[Always[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedField[X, X],
        document: type[X],
        *,
        default: Default[X],
        **o: Unpack[Options[X]],
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedField[X, X | None], document: type[X], **o: Unpack[Options[X]]
    ) -> None: ...
    def __init__(self, document: type[Any], **options: Any) -> None:
        super().__init__(**options)
        self.document = document

    def prepare(self) -> None:
        if not isinstance(self.document, type) or not hasattr(self.document, "_to_wire"):
            raise self.misdeclared(f"EmbeddedField takes a Document class, not {self.document!r}")
        self._proxy = None  # of the field that this is a copy of
        super().prepare()

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if not isinstance(value, self.document):
            raise make_refusal(value, with_article(self.document))
        return cast("Embedded", value)._to_wire(check_depth(depth))

    def read(self, stored: Any, /) -> T:
        return cast("T", self._load()(to_json(stored)))

    def _load(self) -> Callable[[bytes], Any]:
        """Return the function that loads a document from its JSON."""
        return cast("Callable[[bytes], Any]", self.document._make_loader())

    def wire_type(self) -> Any:
        if self.null:
            return dict[str, Any]
        return make_wire_type("M", msgspec.Raw)

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        if self.null:
            return f"{bind_name(names, self.decode)}({wire})"
        return f"{bind_name(names, self._load())}(bytes({wire}.M))"

    def sub(self, part: str | int, /) -> Coder | None:
        if isinstance(part, int):
            return None
        return cast("Coder | None", self.document._coder_at(part))

    def to_json(self, value: Any, /) -> Any:
        if not isinstance(value, self.document):
            raise make_refusal(value, with_article(self.document))
        with _inside_value():
            return cast("Embedded", value).to_dict(mode="json")

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        if not isinstance(value, Mapping):
            return refuse_form(value, "a dict", how)
        if how is PLAINLY:
            return self.document.from_dict(value)
        with _inside_value():
            return self.document.from_dict(
                value, mode="json" if how.json else "python", strict=how.strict
            )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Attr: ...
    else:
        _proxy = None

        def __get__(self, instance, owner):  # noqa: ANN001, ANN204 - as that of Field
            if instance is not None:
                return super().__get__(instance, owner)
            if self._proxy is None:
                self._proxy = _make_proxy(self)
            return self._proxy


@contextmanager
def _inside_value() -> Generator[None]:
    """Raise the errors of a document as those of the value that it is."""
    try:
        yield
    except ValidationError as error:
        faults = [(f".{path}", each) for path, several in error.errors.items() for each in several]
        raise Unstorable(str(error), faults) from error


class _FieldProxy:
    """``Order.address``: the field with the fields of its document as attributes, for users alone."""

    def __getattr__(self, name: str) -> Attr:
        """Return a field of the document, for conditions and updates: ``Order.address.city``.

        Use ``Order.address["name"]`` for a name that fields have themselves.
        """
        if "document" not in self.__dict__:  # while it is copied
            raise AttributeError(name)
        return field_of(cast("Any", self), name)

    def bound_to(self, owner: str, name: str) -> Any:
        """Return the plain field, bound to another class."""
        kind: Any = type(self).__bases__[1]
        field: Any = object.__new__(kind)
        field.__dict__.update(self.__dict__)
        return field.bound_to(owner, name)


class _EmbeddedProxy(_FieldProxy, EmbeddedField[Any, Any]):
    pass


def _make_proxy(field: EmbeddedField[Any, Any]) -> Any:
    kind = type(field)
    owner: Any = _EmbeddedProxy
    if kind is not EmbeddedField:
        owner = type(kind.__name__, (_FieldProxy, kind), {})
    proxy = object.__new__(owner)
    proxy.__dict__.update(field.__dict__)
    return proxy


def _iterate_source(inner: AnyField, names: dict[str, Any]) -> tuple[str, str]:
    """Return the variable of an element in compiled source, and the source of its value."""
    variable = bind_name(names, None)
    return variable, inner.reader_source(variable, names)


@member.register(MapField)
def _(coder: MapField[Any], part: str) -> str | None:
    return part if part in coder.schema else None


@member.register(EmbeddedField)
def _(coder: EmbeddedField[Any, Any], part: str) -> str | None:
    return cast("str | None", coder.document._attribute_of(part))


@members.register(EmbeddedField)
def _(coder: EmbeddedField[Any, Any]) -> list[str]:
    document = coder.document
    kinds = () if document._kinds is None else document._kinds.list_below(document)
    return list(
        dict.fromkeys(
            name
            for each in (document, *kinds)
            for name in (*each._fieldset.references, *each._fieldset.by_name)
        )
    )
