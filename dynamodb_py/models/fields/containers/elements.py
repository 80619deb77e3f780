"""The elements of containers: which field holds them, and how they are written and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, cast

from ....codec import PLAIN_INT, Unstorable, encode_value, format_floats
from ....exceptions import ModelDefinitionError
from ....expressions import FREE, Coder
from ....operations.base import Wire
from ..base import AnyField, Field, bind_name
from ..ids import ULIDField, make_ulid
from ..json_forms import Reading, form_free, read_free
from ..model_key import KeyOf
from ..numbers import FLOATS, BooleanField, CounterField, DecimalField, FloatField, IntegerField
from ..refusals import is_checking
from ..text import BinaryField, CharField
from ..version import VersionField
from .embedded import EmbeddedField

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import TypeVar

    X = TypeVar("X")
    W = TypeVar("W")
    R = TypeVar("R")

    V_co = TypeVar("V_co", covariant=True)

    class Holds(Protocol[V_co]):
        """A field, by the type of its values alone."""

        def to_python(self, stored: Any, /) -> V_co: ...

    Of: TypeAlias = Holds[X] | type[X]
else:
    from typing import TypeVar

    W = R = TypeVar("N")

NOT_UNIQUE = "unique=True is for the fields of a model, not for those inside a value: drop it"
_FIELD_OF: dict[type, Callable[[], AnyField]] = {
    str: CharField,
    int: IntegerField,
    float: FloatField,
    bool: BooleanField,
    bytes: BinaryField,
    Decimal: DecimalField,
}
_PLAIN_TYPES = ", ".join(each.__name__ for each in _FIELD_OF)
# An error lists at most so many wrong elements of one value.
MAX_ERRORS = 20


def register_field(kind: type[X], field: Callable[[], Holds[X]]) -> None:
    """Let *kind* stand for a field, as str does for a CharField: ``ListField(Point)``.

    ``SetField``, ``ListField``, ``DictField``, ``MapField`` and ``CompressedField`` then accept *kind* in
    the classes that are created afterwards.

    :param kind: a class of yours. Its subclasses are not included.
    :param field: the field of its values: a class, or a function without arguments.
    :raises ModelDefinitionError: *kind* has a field already or is not a class, or *field* does not make
        a field.

    >>> from dynamodb_py import ListField
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
        raise ModelDefinitionError(
            f"register_field({given!r}, ...): the first argument is a class of yours"
        )
    name = kind.__name__
    if make_field(kind) is not None:
        raise ModelDefinitionError(
            f"register_field({name}, ...): {name} has the field {type(make_field(kind)).__name__} already"
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
        raise ModelDefinitionError(f"register_field({name}, ...): {made!r} is not a field")
    _FIELD_OF[kind] = cast("Callable[[], AnyField]", field)


def make_field(of: Any) -> AnyField | None:
    """Return the field for *of*: a field, a plain type, a Document or a Model; None for anything else."""
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
        field.default = None  # elements are given, never made
    placed = field.bound_to(outer.owner, name)
    kind = type(field).__name__
    if field.is_key:
        raise placed.misdeclared("a key is an attribute of the item: it cannot be inside another")
    if placed.attribute != name:
        raise placed.misdeclared(
            f"name= means nothing inside a {type(outer).__name__}: leave it out"
        )
    if placed.stamps:
        raise placed.misdeclared(
            f"a {kind} can set itself in a model or a Document, not inside a "
            f"{type(outer).__name__}: declare a Document"
        )
    if getattr(field, "merge", None) is not None:
        raise placed.misdeclared("it is made of other fields of an item: declare it in the model")
    if isinstance(field, VersionField):
        raise placed.misdeclared("a version belongs to the item: declare it in the model")
    if field.unique:
        raise placed.misdeclared(NOT_UNIQUE)
    if field.default is not None and not isinstance(field, CounterField):
        raise placed.misdeclared(
            f"default= means nothing inside a {type(outer).__name__}: leave it out, "
            "or declare a Document"
        )
    return placed


class Container(Field[W, R]):
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


_FLOAT_TYPES = frozenset({float, int})


def find_common_type(inner: AnyField, elements: Iterable[Any]) -> type[Any] | None:
    """Return str, int or float if *inner* stores all *elements* as plain values of that type; else None."""
    if inner.constrained:
        return None
    kinds = {*map(type, elements)}
    if kinds == {inner.verbatim}:
        return inner.verbatim
    return float if inner.comparer is FLOATS and kinds <= _FLOAT_TYPES else None


def encode_common(known: type[Any], elements: Sequence[Any]) -> list[Wire]:
    """Return the attribute values of elements of a common type, without a call for each.

    Raises :class:`~dynamodb_py.codec.Unstorable`, which does not name the place, if one may be too large.
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
    """Return the JSON form of an element, a free value if there is no field."""
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
    """Return several elements, for their steps, fields and forms; raise Unstorable with all that are wrong."""
    values: list[Any] = []
    wrong: list[Unstorable] = []
    for step, field, each in elements:
        try:
            values.append(from_inner_plain(field, each, how))
        except Unstorable as error:
            wrong.append(error.inside(step))
    if wrong:
        raise Unstorable.all_of(wrong[:MAX_ERRORS])
    return values


def iterate_source(inner: AnyField, names: dict[str, Any]) -> tuple[str, str]:
    """Return the variable of an element in compiled source, and the source of its value."""
    variable = bind_name(names, None)
    return variable, inner.reader_source(variable, names)
