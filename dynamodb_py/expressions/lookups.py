"""Lookups: ``top_score__gt=9000``, Django's spelling of conditions, and ``Q`` for lookups.

The first part names a field, the next parts lead into it, and the last part may be a comparison. A
:class:`Lookup` becomes a comparison when it is bound to the fields of a model.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, MappingView, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from ..exceptions import QueryError
from .comparisons import Compare, In
from .conditions import And, Condition, ReadableNames, join
from .names import Names, Wire
from .operands import ORDERED, SCALARS, Attr, Comparable, SizeOf, is_many, remove_duplicates
from .paths import Argument, Path, Resolve, SeveralAttributes, Size, Value, members

if TYPE_CHECKING:
    from . import unsupported_lookups
else:
    from ..lazy import unsupported_lookups

Make: TypeAlias = Callable[[Any], Condition]
"""A function that returns the condition for a value of a lookup."""

_COMPARISONS: dict[str, Callable[[Comparable[Any], Any], Condition]] = {
    "exact": lambda operand, value: operand.eq(value),
    "eq": lambda operand, value: operand.eq(value),
    "ne": lambda operand, value: operand.ne(value),
    "gt": lambda operand, value: operand.gt(value),
    "gte": lambda operand, value: operand.gte(value),
    "lt": lambda operand, value: operand.lt(value),
    "lte": lambda operand, value: operand.lte(value),
    "in": lambda operand, value: operand.is_in(_to_elements(value)),
    "between": lambda operand, value: operand.between(*_to_pair(value)),
    "range": lambda operand, value: operand.between(*_to_pair(value)),
}
_FUNCTIONS: dict[str, Callable[[Attr, Any], Condition]] = {
    "startswith": lambda attr, value: attr.begins_with(value),
    "contains": lambda attr, value: attr.contains(value),
    "exists": lambda attr, value: attr.exists() if _to_bool(value) else attr.not_exists(),
    "isnull": lambda attr, value: attr.eq(None) if _to_bool(value) else attr.ne(None),
    "type": lambda attr, value: attr.attribute_type(value),
}
_KNOWN = ", ".join((*_COMPARISONS, *_FUNCTIONS, "size", "size__gt", "size__in", "..."))

_SIGNS = {"exact": "=", "eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

# Values of these types never refer to an attribute.
_PLAIN = SCALARS | {datetime, date}

# The source of a program has few lookups, but it may also build them from data.
_MOST = 1000


class FieldName(Path, frozen=True, eq=False):
    """The field name of a lookup: the model must declare it, unlike a name in F."""


class Lookup(Condition, frozen=True):
    """One lookup and its value; :meth:`bind` converts it to a condition on a model's fields."""

    _is_lookup: ClassVar[bool] = True
    text: str
    value: Any

    def __post_init__(self) -> None:
        _split(self.text)

    def __hash__(self) -> int:
        return hash(self.text)  # the value may be a set or a dict

    def _spell(self, names: Names) -> str:
        if isinstance(names, ReadableNames):
            return f"{self.text}={_thaw(self.value)!r}"
        raise self._make_unbound_error()

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        raise self._make_unbound_error()

    def _make_unbound_error(self) -> QueryError:
        return QueryError(
            f"{self.text}=: a lookup needs a model's fields: pass it to filter() or condition= "
            f"of a model, or use a field or F, such as F({_split(self.text)[0]!r}) == value"
        )

    def _operands(self) -> tuple[Argument, ...]:
        name = _split(self.text)[0]
        return (FieldName((name,), label=f"{self.text}=", by_name=True),)

    def _bind_names(self, resolve: Resolve) -> Condition:
        def field(name: str) -> Path:
            path = resolve(FieldName((name,), label=f"{self.text}=", by_name=True))
            if path.by_name:
                raise QueryError(
                    f"{self.text}=: there is no field {name!r}; for an attribute that the model does "
                    f"not declare, use F({name!r})"
                )
            return path

        makers: dict[str, Make] = getattr(resolve, "makers", {})
        make = makers.get(self.text)
        if make is None:
            make = compile_lookup(self.text, field, resolve)
            if len(makers) >= _MOST:
                makers.clear()
            makers[self.text] = make
        return make(_thaw(self.value))


def Q(  # noqa: N802 - its name in Django
    *conditions: Condition | tuple[str, Any], **lookups: Any
) -> Condition:
    """Return the condition that all of *conditions* and *lookups* hold; ``Q()`` is the empty one.

    Lookups are those of ``filter()``. The model that uses the condition resolves and checks them. Their
    order does not matter: ``Q(a=1, b=2) == Q(b=2, a=1)``.

    >>> Q(wins__gt=3) | ~Q(tags__contains="x", title="a")
    <Condition: (wins__gt=3 OR (NOT (tags__contains='x' AND title='a')))>

    :param conditions: conditions, or lookups as pairs of a name and a value: ``Q(("wins__gt", 3))``.
    """
    found: list[Condition] = [Lookup(text, _freeze(lookups[text])) for text in lookups]
    if len(found) == 1 and not conditions:
        return found[0]
    return join(And, *map(_as_condition, conditions), *found)


def _as_condition(given: Any) -> Condition:
    """Return *given* if it is a condition, or the lookup for a pair of a name and a value."""
    if isinstance(given, Condition):
        return given
    if not isinstance(given, tuple):
        raise TypeError(f"Q takes conditions, and lookups by name, not {given!r}")
    pair = cast("tuple[Any, ...]", given)
    if len(pair) != 2 or not isinstance(pair[0], str):
        raise TypeError(
            f"Q({given!r}): a lookup is a pair of its name and a value: ('wins__gt', 3)"
        )
    return Lookup(pair[0], _freeze(pair[1]))


def compile_lookup(text: str, field: Callable[[str], Path], resolve: Resolve) -> Make:
    """Return a function that returns the condition of the lookup *text* for a value.

    *field* returns the path of a field by its name, or raises; *resolve* is as for
    :meth:`Condition.bind`. Raises :class:`QueryError` for an unknown lookup.
    """
    name, *rest = _split(text)
    where = f"{text}="
    try:
        path = field(name)
        owner, dot, _ = str(path).partition(".")
        where = f"{owner}: {text}=" if dot else where
        path, word, sized = _follow(where, path, rest)
    except SeveralAttributes as error:
        words = rest if error.rest is None else error.rest
        return _make_condition(where, error.operand.lookup("__".join(words)), resolve)
    operand = SizeOf(path) if sized else Attr(path)
    if not sized and not getattr(path.coder, "comparable", True):
        return _make_presence_test(where, path, word)
    if word in _COMPARISONS:
        make = _make_condition(where, functools.partial(_COMPARISONS[word], operand), resolve)
        if word == "in" and not sized:
            return _make_membership(path, make)
        unordered: str = getattr(path.coder, "unordered", "")
        if sized or unordered or word not in _SIGNS:
            return make
        return _make_comparison(path, _SIGNS[word], make)
    return _make_condition(where, functools.partial(_FUNCTIONS[word], Attr(path)), resolve)


@functools.lru_cache(_MOST)
def _split(text: str) -> tuple[str, ...]:
    parts = text.split("__")
    if len(parts) > 1 and not parts[-1]:
        parts.pop()  # title__=
    if not all(parts):
        raise QueryError(f"{text}=: write field__key__lookup=, with a name in each place")
    return tuple(parts)


def _follow(where: str, path: Path, rest: Sequence[str]) -> tuple[Path, str, bool]:
    """Return the path after the field's name, the comparison, and whether it compares the size."""
    for place, part in enumerate(rest):
        try:
            inside = path.find_member(part)
        except SeveralAttributes as error:
            error.rest = list(rest[place + 1 :])
            raise
        if inside is None:  # declared members win over lookups
            left = len(rest) - place
            if left == 1 and (part in _COMPARISONS or part in _FUNCTIONS):
                return path, part, False
            if part == "size" and (left == 1 or (left == 2 and rest[-1] in _COMPARISONS)):
                return path, rest[-1] if left == 2 else "exact", True
            inside = path[_resolve_part(where, path, part, last=left == 1)]
        path = inside
    return path, "exact", False


def _resolve_part(where: str, path: Path, part: str, *, last: bool) -> str | int:
    """Return *part* as a key or index inside *path*; raise QueryError if it is neither."""
    advice = unsupported_lookups.ADVICE
    if last and part in advice and part not in unsupported_lookups.PARTS_OF_TIME:
        raise _make_unsupported_error(where, path, part)
    if part.isascii() and part.isdigit() and path.coder.sub(int(part)) is not None:
        return int(part)
    if path.coder.sub(part) is not None:
        return part
    if part in advice:
        raise _make_unsupported_error(where, path, part)
    if part in _COMPARISONS or part in _FUNCTIONS:
        raise QueryError(f"{where}: {part} is a comparison, so nothing can follow it")
    if part == "size":
        raise QueryError(f"{where}: a size compares with a number: {', '.join(_COMPARISONS)}")
    if members(path.coder) is not None:
        raise QueryError(f"{where}: {path._explain_missing(part)}; lookups are {_KNOWN}")
    raise QueryError(
        f"{where} uses an unknown lookup {part!r}: there are {_KNOWN}; {path} has no part of that "
        "name, and DynamoDB has no joins: read items of another table by their own keys"
    )


def _make_unsupported_error(where: str, path: Path, part: str) -> QueryError:
    stem = where.rpartition(": ")[2].rpartition(f"__{part}")[0]
    advice = unsupported_lookups.ADVICE[part].format(stem=stem)
    text = f"{where}: DynamoDB has no {part}: {advice}"
    if path.coder.sub(part) is not None:
        text += f"; a key of that name is F({stem!r})[{part!r}]"
    return QueryError(text)


def _make_presence_test(where: str, path: Path, word: str) -> Make:
    """Return the function of a lookup for a field whose values have no one stored form.

    Conditions can only test whether it has a value.
    """

    def make(value: Any) -> Condition:
        presence = word in ("exists", "isnull", "type")
        if presence or (value is None and word in ("exact", "eq", "ne")):
            build = _COMPARISONS.get(word) or _FUNCTIONS[word]
            return build(Attr(path), value)
        raise QueryError(
            f"{where}: the stored form of {path} cannot be compared with a value: use "
            "__exists=True, or store the value to compare in a field of its own"
        )

    return make


def _make_comparison(path: Path, sign: str, otherwise: Make) -> Make:
    """Return a function for fast comparisons with plain values; *otherwise* handles other values."""
    encode, label, equality = path.coder.encode, str(path), sign in ("=", "<>")

    def make(value: Any) -> Condition:
        if value.__class__ in _PLAIN:
            wire = encode(value, label)
            if wire is not None and (equality or not ORDERED.isdisjoint(wire)):
                return Compare(path, sign, Value(wire))
        return otherwise(value)

    return make


def _make_membership(path: Path, otherwise: Make) -> Make:
    """Return a function for a fast IN of plain values in a list or tuple; *otherwise* handles others."""
    encode, label = path.coder.encode, str(path)

    def make(value: Any) -> Condition:
        if value.__class__ in (list, tuple) and value and _PLAIN.issuperset(map(type, value)):
            wires = [encode(each, label) for each in value]
            values = [Value(wire) for wire in wires if wire is not None]
            if len(values) == len(wires):
                return In(path, remove_duplicates(values))
        return otherwise(value)

    return make


def _make_condition(where: str, build: Make, resolve: Resolve) -> Make:
    def make(value: Any) -> Condition:
        try:
            condition = build(value)
        except QueryError as error:
            raise QueryError(f"{where}: {error}") from None
        if value.__class__ in _PLAIN:
            return condition
        if value.__class__ in (list, tuple) and _PLAIN.issuperset(map(type, value)):
            return condition
        return condition.bind(resolve)  # a value may refer to an attribute

    return make


def _to_list(value: Any) -> list[Any]:
    if type(value) in (list, tuple):
        return list(value)
    if not is_many(value):
        raise QueryError(f"{value!r} is one value: pass a list of values")
    return list(value)


def _to_elements(value: Any) -> Any:
    # A set stays a set: is_in() sorts the elements of sets.
    return cast("Any", value) if isinstance(value, (set, frozenset)) else _to_list(value)


def _to_pair(value: Any) -> list[Any]:
    values = _to_list(value)
    if len(values) != 2:
        raise QueryError(f"{value!r} is not a pair of bounds: pass two, the lower one first")
    return values


def _to_bool(value: Any) -> bool:
    if isinstance(value, int):
        return bool(value)
    raise QueryError(f"{value!r} is neither True nor False")


def _freeze(value: Any) -> Any:
    """Return *value* in a form that can be compared and pickled, and does not change."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, Comparable):
        return cast("Comparable[Any]", value)._term()
    if isinstance(value, (Iterator, MappingView)):
        value = list(cast("Iterable[Any]", value))
    if type(value) in (list, tuple):
        return type(value)(map(_freeze, value))
    return value if type(value).__hash__ is not None else copy.deepcopy(value)


def _thaw(value: Any) -> Any:
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, Path):
        return Attr(value)
    if isinstance(value, Size):
        return SizeOf(value.path)
    if type(value) in (list, tuple):
        return type(value)(map(_thaw, value))
    return value
