"""Encodes Python values without a schema as attribute values, and decodes them.

Fields of a model have their own typed encoding (``models/fields``); they use this for free-form
documents, numbers and JSON. A ``B`` to be sent holds bytes, which msgspec's JSON encoder turns into
base64; a received one holds that base64 text.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from .exceptions import UnreadableValue, ValidationError
from .limits import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT

to_json = msgspec.json.Encoder().encode
from_json = msgspec.json.Decoder().decode

# Every option is given, as the defaults come from DefaultContext, which a program may change.
EXACT = Context(
    prec=400,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""The context of all arithmetic on Decimals: exact, whatever context the program has set."""

PLAIN_INT = 10**MAX_DIGITS
"""The smallest positive int with more digits than DynamoDB stores."""


class Unstorable(Exception):
    """A value that DynamoDB cannot store: the problem, and its place in the document."""

    def __init__(self, reason: str, faults: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(reason)
        self.faults = list(faults) or [("", reason)]
        """Each place in the document, such as ``.lines[2].qty``, and the problem there."""

    @classmethod
    def all_of(cls, several: Sequence[Unstorable]) -> Unstorable:
        """Return one error with the faults of *several* errors of one value."""
        return cls(str(several[0]), [fault for each in several for fault in each.faults])

    def inside(self, step: str) -> Unstorable:
        """Put *step* in front of each place, and return the error."""
        self.faults = [(step + path, reason) for path, reason in self.faults]
        return self

    def errors(self, where: str) -> dict[str, list[str]]:
        """Return the errors of a ValidationError for the value named *where*."""
        errors: dict[str, list[str]] = {}
        for path, reason in self.faults:
            errors.setdefault(where + path, []).append(reason)
        return errors


class Uncomputed:
    """The base class of expressions that DynamoDB computes in an update; they are not values."""

    __slots__ = ()


def refuse_uncomputed() -> Unstorable:
    """Return the error for an expression that was passed as a value."""
    return Unstorable(
        "this is an expression, not a value: pass it to update(), as in item.update(n=F('n') + 1)"
    )


def encode(value: object, where: str = "") -> dict[str, Any]:
    """Return *value* as an attribute value.

    Takes None, bool, int, float, Decimal, str, bytes, and lists, tuples, dicts and sets of them;
    anything else, and a value that DynamoDB cannot store, raises
    :class:`~dynamodb_py.exceptions.ValidationError` under the name *where*.

    >>> encode({"a": [1, 0.1, None]})
    {'M': {'a': {'L': [{'N': '1'}, {'N': '0.1'}, {'NULL': True}]}}}
    """
    try:
        return check_text(encode_value(value))
    except Unstorable as error:
        raise ValidationError(error.errors(where)) from None


def check_text(wire: dict[str, Any]) -> dict[str, Any]:
    """Return *wire*; raise :class:`Unstorable` for text with lone surrogates."""
    try:
        to_json(wire)
    except UnicodeEncodeError as error:
        raise Unstorable(f"it is not valid Unicode: {error.reason}") from None
    return wire


def encode_value(value: object, depth: int = 0) -> dict[str, Any]:
    """Like :func:`encode`, but raise :class:`Unstorable`."""
    encoder = _ENCODERS.get(type(value)) or _find_encoder(value)
    return encoder(value, depth)


def format_integer(value: Any) -> str:
    """Return the text of an int for the wire; raise :class:`Unstorable` if DynamoDB cannot hold it.

    >>> format_integer(-7)
    '-7'
    """
    if -PLAIN_INT < value < PLAIN_INT:
        return int.__repr__(value)
    return format_decimal(Decimal(value))


def format_float(value: float) -> str:
    """Return the shortest text that reads back as the same float.

    Raises :class:`Unstorable` for NaN, the infinities and floats out of DynamoDB's range.

    >>> format_float(99.99), format_float(2.0), format_float(1e-7)
    ('99.99', '2', '0.0000001')
    """
    # msgspec writes the digits of repr() in half its time.
    text = to_json(value if type(value) is float else float(value)).decode()
    if text[-1] == "0" and text[-2] == ".":
        return text[:-2] if text != "-0.0" else "0"
    return format_decimal(Decimal(float.__repr__(value))) if "e" in text or "n" in text else text


def format_floats(values: list[float]) -> list[str]:
    """Return the texts of one or more floats as :func:`format_float` does, in a fifth of its time.

    >>> format_floats([99.99, 2.0]), format_floats([-0.0, 1e-7])
    (['99.99', '2'], ['0', '0.0000001'])
    """
    text = to_json(values).decode()
    if "e" in text or "n" in text or "-0.0" in text:
        return [format_float(each) for each in values]
    return [each.removesuffix(".0") for each in text[1:-1].split(",")]


def format_decimal(value: Decimal) -> str:
    """Return the exact text of a Decimal for the wire, as DynamoDB returns it.

    Raises :class:`Unstorable` over 38 significant digits or out of DynamoDB's range.

    >>> format_decimal(Decimal("1.50")), format_decimal(Decimal("1E+2"))
    ('1.5', '100')
    """
    if not value.is_finite():
        raise Unstorable(f"{value} is not a number that DynamoDB can hold")
    if not value:
        return "0"
    text = str(value)
    # A context with capitals=0 writes the exponent as e.
    if len(text) <= MAX_DIGITS and "E" not in text and "e" not in text:
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits = value.as_tuple().digits
    trailing = 0
    while digits[-1 - trailing] == 0:
        trailing += 1
    if len(digits) - trailing > MAX_DIGITS:
        raise Unstorable(
            f"{_shorten(text)} has more than the {MAX_DIGITS} significant digits of a number"
        )
    adjusted = value.adjusted()
    if not MIN_EXPONENT <= adjusted <= MAX_EXPONENT:
        raise Unstorable(
            f"{_shorten(text)} is out of range: from 1E{MIN_EXPONENT} to 9.99E+{MAX_EXPONENT}"
        )
    if -MAX_DIGITS <= adjusted < MAX_DIGITS:
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    lead, rest = str(digits[0]), "".join(map(str, digits[1 : len(digits) - trailing]))
    return f"{'-' if value < 0 else ''}{lead}{'.' if rest else ''}{rest}E{adjusted:+d}"


def _shorten(digits: str) -> str:
    return digits if len(digits) < 80 else f"{digits[:40]}..."


def encode_list(value: Sequence[Any], depth: int = 0) -> dict[str, Any]:
    """Return a list of free values as an attribute value, *depth* levels into a document."""
    depth = check_depth(depth)
    wires: list[Any] = []
    try:
        for each in value:
            # Text and ints are common, so they take no call.
            if type(each) is str:
                wires.append({"S": each})
            elif type(each) is int and -PLAIN_INT < each < PLAIN_INT:
                wires.append({"N": f"{each}"})
            else:
                wires.append(encode_value(each, depth))
    except Unstorable as error:
        raise error.inside(f"[{len(wires)}]") from None
    return {"L": wires}


def encode_map(value: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return a mapping of free values as an attribute value, *depth* levels into a document."""
    depth, key = check_depth(depth), None
    wires: dict[str, Any] = {}
    try:
        for key, each in value.items():
            if type(key) is not str and not isinstance(key, str):
                break
            kind: type[Any] = type(each)  # pyright: ignore[reportUnknownVariableType]
            # Common types take no call.
            if kind is str:
                wires[key] = {"S": each}
            elif kind is int and -PLAIN_INT < each < PLAIN_INT:
                wires[key] = {"N": f"{each}"}
            elif kind is float:
                wires[key] = {"N": format_float(each)}
            else:
                wires[key] = (_ENCODERS.get(kind) or _find_encoder(each))(each, depth)
        else:
            return {"M": wires}
    except Unstorable as error:
        raise error.inside(f".{key}") from None
    raise Unstorable(f"the key {key!r} is not a str: use str keys in a map")


def check_depth(depth: int) -> int:
    """Return one more than *depth*; raise :class:`Unstorable` past DynamoDB's 32 levels.

    The innermost value is a level too: at most 31 lists and maps around it.
    """
    if depth >= MAX_DEPTH - 1:
        raise Unstorable(f"nested deeper than DynamoDB's {MAX_DEPTH} levels")
    return depth + 1


def _encode_set(value: Any, depth: int) -> dict[str, Any]:
    del depth  # a set holds no documents
    if not value:
        raise Unstorable("an empty set cannot be stored inside a document: leave it out")
    kinds = {next(iter(encode_value(each))) for each in value}
    if len(kinds) > 1 or kinds.isdisjoint({"S", "N", "B"}):
        raise Unstorable(f"a set holds only text, only numbers or only bytes, not {value!r}")
    kind = kinds.pop()
    # Sorted, so that equal sets are equal on the wire.
    return {kind + "S": sorted({encode_value(each)[kind] for each in value})}


_Encoder = Callable[[Any, int], "dict[str, Any]"]
_ENCODERS: dict[type, _Encoder] = {
    str: lambda value, _: {"S": value},
    bool: lambda value, _: {"BOOL": value},
    int: lambda value, _: {"N": format_integer(value)},
    float: lambda value, _: {"N": format_float(value)},
    Decimal: lambda value, _: {"N": format_decimal(value)},
    type(None): lambda _, __: {"NULL": True},
    **dict.fromkeys((bytes, bytearray, memoryview), lambda value, _: {"B": bytes(value)}),
    **dict.fromkeys((list, tuple), encode_list),
    dict: encode_map,
    **dict.fromkeys((set, frozenset), _encode_set),
}


def _find_encoder(value: object) -> _Encoder:
    """Return the encoder of an instance of a subclass."""
    if isinstance(value, str):
        return lambda value, _: {"S": str.__str__(value)}
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder
    if isinstance(value, Mapping):
        return encode_map
    if isinstance(value, Uncomputed):
        raise refuse_uncomputed()
    raise Unstorable(
        f"a value of type {type(value).__name__} cannot be stored in a free-form document: use None, bool, int, "
        "float, Decimal, str, bytes, list, dict or set, or a field of its own type"
    )


def parse_decimal(text: str) -> Decimal:
    """Return the exact Decimal in *text*; raise ValueError if it is not a number in DynamoDB's range.

    Without that check, 1E999999999 would become an int of a billion digits.
    """
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"{text[:50]!r}... has too many characters for a number: {len(text)}")
    try:
        number = EXACT.create_decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite() or not -_LONGEST_NUMBER <= number.adjusted() <= MAX_EXPONENT:
        raise ValueError(f"{text!r} is out of the range of numbers")
    return number


_LONGEST_NUMBER = 256
"""More characters than any spelling of a number of 38 digits has, 0.000...1 included."""


def parse_number(text: str) -> int | float | Decimal:
    """Return the number in *text*: an int, else the exact float, else a Decimal.

    >>> parse_number("7"), parse_number("99.99"), parse_number("0.12345678901234567890123")
    (7, 99.99, Decimal('0.12345678901234567890123'))
    """
    try:
        if "." not in text and len(text) <= _LONGEST_NUMBER:
            return int(text)
        if len(text) <= _ALWAYS_A_FLOAT:
            return float(text)
    except ValueError:
        pass  # an exponent without a point
    exact = parse_decimal(text)
    if exact == exact.to_integral_value():
        return int(exact)
    shortest = float(text)
    return shortest if Decimal(repr(shortest)) == exact else exact


# Fifteen digits and the point: a float keeps any number of fifteen digits exactly
# (https://en.wikipedia.org/wiki/Double-precision_floating-point_format).
_ALWAYS_A_FLOAT = 16


class Tree(Struct, gc=False):
    """An attribute value as msgspec reads it: one member is set."""

    S: str | None = None
    N: str | None = None
    M: dict[str, Tree] | None = None
    L: list[Tree] | None = None
    BOOL: bool | None = None
    NULL: bool | None = None
    B: bytes | None = None
    SS: set[str] | None = None
    NS: list[str] | None = None
    BS: set[bytes] | None = None


def value_of(tree: Tree) -> Any:
    """Return the Python value of an attribute value, with the checks for common types first."""
    if tree.S is not None:
        return tree.S
    if tree.N is not None:
        return parse_number(tree.N)
    if tree.BOOL is not None:
        return tree.BOOL
    if tree.M is not None:
        return map_of(tree.M)
    if tree.L is not None:
        return list_of(tree.L)
    if tree.NULL is not None:
        return None
    if tree.NS is not None:
        return set(map(parse_number, tree.NS))
    for value in (tree.B, tree.SS, tree.BS):
        if value is not None:
            return value
    raise ValueError("an attribute value of no known type")


def list_of(trees: list[Tree]) -> list[Any]:
    """Return the Python values of the elements of an L; common types take no call."""
    values: list[Any] = []
    for tree in trees:
        if (digits := tree.N) is not None:
            if "." in digits and len(digits) <= _ALWAYS_A_FLOAT:
                values.append(float(digits))
            else:
                values.append(
                    int(digits)
                    if len(digits) <= MAX_DIGITS and digits.isdigit()
                    else parse_number(digits)
                )
        elif (text := tree.S) is not None:
            values.append(text)
        elif (members := tree.M) is not None:
            values.append(map_of(members))
        else:
            values.append(value_of(tree))
    return values


def map_of(members: dict[str, Tree]) -> dict[str, Any]:
    """Return the Python values of the members of an M; common types take no call."""
    values: dict[str, Any] = {}
    for name, tree in members.items():
        if (text := tree.S) is not None:
            values[name] = text
        elif (digits := tree.N) is not None:
            if "." in digits and len(digits) <= _ALWAYS_A_FLOAT:
                values[name] = float(digits)
            else:
                values[name] = (
                    int(digits)
                    if len(digits) <= MAX_DIGITS and digits.isdigit()
                    else parse_number(digits)
                )
        elif (truth := tree.BOOL) is not None:
            values[name] = truth
        elif (inner := tree.M) is not None:
            values[name] = map_of(inner)
        else:
            values[name] = value_of(tree)
    return values


_read_item = msgspec.json.Decoder(dict[str, Tree]).decode


def as_tree(wire: Mapping[str, Any]) -> Tree:
    """Return an attribute value as msgspec reads it."""
    return msgspec.convert(wire, Tree)


def decode(wire: Mapping[str, Any]) -> Any:
    r"""Return the Python value of an attribute value; a B is base64 text, or bytes as boto3 has it.

    >>> decode({"M": {"a": {"L": [{"N": "1.5"}, {"B": "AQI="}]}, "b": {"SS": ["x"]}}})
    {'a': [1.5, b'\x01\x02'], 'b': {'x'}}
    """
    try:
        return value_of(as_tree(wire))
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableValue(f"a stored value cannot be read: {error}") from error


def decode_item(item: bytes) -> dict[str, Any]:
    """Return the Python values of an item's attributes, from its JSON.

    >>> decode_item(b'{"id": {"S": "a"}, "n": {"N": "1"}}')
    {'id': 'a', 'n': 1}
    """
    try:
        return {name: value_of(tree) for name, tree in _read_item(item).items()}
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableValue(f"a stored item cannot be read: {error}") from error


def to_bytes(value: str | bytes) -> bytes:
    """Return the bytes of a received B: base64 text, or bytes."""
    return value if isinstance(value, bytes) else a2b_base64(value)


def to_sort_key(wire: Mapping[str, Any]) -> Any:
    """Return a value for ``sorted(key=)`` that orders the values of a key as DynamoDB does.

    All values must be of one type: S, N or B. Numbers are ordered by value, text by its UTF-8 bytes (the
    order of the code points), bytes as they are.

    >>> (
    ...     to_sort_key({"N": "9"}) < to_sort_key({"N": "10"}),
    ...     to_sort_key({"S": "9"}) < to_sort_key({"S": "10"}),
    ... )
    (True, False)
    """
    ((kind, value),) = wire.items()
    if kind == "N":
        return parse_decimal(value)
    return to_bytes(value) if kind == "B" else value


def as_sent(wire: dict[str, Any]) -> dict[str, Any]:
    """Return a received attribute value in the form to send: a B holds bytes."""
    for kind, value in wire.items():
        if kind == "S" or kind == "N":
            return wire
        if kind == "B":
            return {"B": to_bytes(value)}
        if kind == "BS":
            return {"BS": sorted(map(to_bytes, value))}
        if kind == "M":
            return {"M": {name: as_sent(each) for name, each in value.items()}}
        if kind == "L":
            return {"L": [as_sent(each) for each in value]}
    return wire


def measure_item(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item in bytes as DynamoDB counts it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

    >>> measure_item({"id": {"S": "abc"}})
    5
    """
    size = 0
    for name, wire in item.items():
        # Names and text are mostly ASCII, whose length needs no encoded copy.
        size += len(name) if name.isascii() else len(name.encode())
        text = wire.get("S")
        size += len(text) if text is not None and text.isascii() else _measure(wire)
    return size


def _measure(wire: Mapping[str, Any]) -> int:
    for kind, value in wire.items():
        if kind == "S":
            return len(value.encode())
        if kind == "N":
            return _measure_number(value)
        if kind == "M":
            return 3 + len(value) + measure_item(value)
        if kind == "L":
            return 3 + len(value) + sum(map(_measure, value))
        if kind == "B":
            return len(to_bytes(value))
        if kind in ("SS", "NS", "BS"):
            return sum(_measure({kind[0]: each}) for each in value)
    return 1


def _measure_number(text: str) -> int:
    # One byte for each two digits on a side of the point, one for the exponent, one for a minus; measured in
    # https://github.com/paritysuite/dynamodb-conformance/blob/main/tests/tier3/limits/numberByteSize.test.ts
    if text.isdecimal():  # the usual case
        return (len(text.strip("0")) + 1) // 2 + 1
    mantissa, _, exponent = text.upper().partition("E")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    digits = (whole + fraction).lstrip("0")
    before = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    if not 0 < before < len(digits):
        before = 0  # all digits are on one side of the point; of two sides, each is rounded up
    halves = (before + 1) // 2 + (len(digits) - before + 1) // 2
    return halves + 1 + (bool(digits) and text.startswith("-"))


_ESCAPED = frozenset('"\\').union(map(chr, range(0x20)))
"""Characters that JSON escapes; msgspec does not accept them in the name of a member."""


@cache
def make_wire_type(kind: str, leaf: Any) -> Any:
    """Return the type for msgspec of an attribute value of *kind* whose content is of type *leaf*.

    Fields that read the same share one cached type, as each type costs time and memory.
    """
    return msgspec.defstruct("Wire", [(kind, leaf)], gc=False)


def make_attributes_reader(
    members: Sequence[tuple[Any, ...]], names: Mapping[str, str], *, strict: bool = True
) -> Callable[[bytes], Any]:
    """Return a function that parses the JSON of an item into an object with its attributes as members.

    :param members: the members of the object, as for ``msgspec.defstruct()``.
    :param names: the name of the attribute of each member.

    >>> read = make_attributes_reader([("a0", dict[str, str], None)], {"a0": 'say "x"'})
    >>> read(to_json({'say "x"': {"S": "y"}})).a0
    {'S': 'y'}
    """
    if _ESCAPED.isdisjoint("".join(names.values())):  # nearly always
        kind = msgspec.defstruct("Attributes", members, rename=dict(names), gc=False)
        return msgspec.json.Decoder(kind, strict=strict).decode
    read = msgspec.json.Decoder(msgspec.defstruct("Attributes", members), strict=strict).decode
    parse = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def read_renamed(item: bytes) -> Any:
        found = parse(item)
        return read(to_json({name: found[each] for name, each in names.items() if each in found}))

    return read_renamed
