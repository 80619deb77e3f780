"""``pk``: the whole key under the name that Django has for it, unless a field has that name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ...codec import PLAIN_INT
from ...exceptions import QueryError
from ...expressions import Attr, Condition, Never, Or, SeveralAttributes
from ...expressions.conditions import And, join
from ...limits import MAX_RANGE_KEY_BYTES
from ...operations.base import Wire, WireItem
from ..fields.base import AnyField, bind_name
from .fieldset import FieldSet

NAME = "pk"


class PrimaryKey:
    """The key of a model: one field, or a pair of them that is compared as a whole."""

    def __init__(self, model: str, keys: tuple[AnyField, ...]) -> None:
        self._model, self._keys = model, keys
        self._names = " and ".join(field.name for field in keys)

    def get_field(self) -> AnyField:
        """Return the only field of the key.

        :raises SeveralAttributes: the key has two fields.
        """
        if len(self._keys) == 1:
            return self._keys[0]
        raise SeveralAttributes(f"{self._model}: pk is {self._names}: name one of these", self)

    def split(self, value: Any) -> dict[str, Any]:
        """Return the values of the key's fields by name.

        :param value: the value of the hash key if it is the whole key, or else a pair or a dict of both values.
        :raises QueryError: *value* does not give the whole key.
        """
        if len(self._keys) == 1:
            return {self._keys[0].name: value}
        names = [field.name for field in self._keys]
        if isinstance(value, Mapping):
            key = dict(cast("Mapping[str, Any]", value))
        else:
            pair = cast("tuple[Any, ...]", value if isinstance(value, (tuple, list)) else ())
            key = dict(zip(names, pair, strict=False)) if len(pair) == len(names) else {}
        if sorted(key) != sorted(names):
            raise QueryError(
                f"{self._model}: pk={value!r}: the key is {self._names}: give a pair of their values"
            )
        return key

    def expand(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return *values* with the value of ``pk`` replaced by the values of the key's fields."""
        key = self.split(values[NAME])
        if twice := sorted(key.keys() & values.keys()):
            raise QueryError(
                f"{self._model}: pk= and {twice[0]}= both give a value of the key: drop one of the two"
            )
        return {**key, **{name: each for name, each in values.items() if name != NAME}}

    def lookup(self, word: str) -> Callable[[Any], Condition]:
        """Return the function that makes the condition of a lookup on a pair of fields from its value."""
        if word in ("", "exact", "eq"):
            return self._make_equal
        if word == "ne":
            return lambda value: ~self._make_equal(value)
        if word == "in":
            return self._make_among
        raise QueryError(
            f"{self._model}: pk__{word}=: the key is {self._names}: pk= and pk__in= take pairs of their "
            "values; use other lookups on one of the fields"
        )

    def _make_equal(self, value: Any) -> Condition:
        key = self.split(value)
        return join(And, *[Attr(field._path()).eq(key[field.name]) for field in self._keys])

    def _make_among(self, values: Any) -> Condition:
        if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
            raise QueryError(f"{self._model}: pk__in={values!r}: give a list of pairs")
        terms = [self._make_equal(each) for each in values]
        return join(Or, *terms) if terms else Never(self._keys[0]._path())


def make_primary_key(fields: FieldSet, keys: tuple[AnyField, ...]) -> PrimaryKey | None:
    """Return the ``pk`` of a model; None if a field or a reference has that name."""
    if NAME in fields.by_name or NAME in fields.references:
        return None
    return PrimaryKey(fields.owner, keys)


def compile_key_encoder(
    keys: tuple[AnyField, ...], encode: Callable[[AnyField, Any], Wire], *, by_name: bool
) -> Callable[..., WireItem]:
    """Return the function that encodes a key from a mapping of its fields' values, or from these in order.

    The usual texts and ints are encoded in compiled source, all other values by *encode*.
    """
    names: dict[str, Any] = {"encode": encode}
    values = ", ".join(f"v{at}" for at in range(len(keys)))
    lines, parts = [f"def encode_key({'named' if by_name else values}):"], list[str]()
    for at, field in enumerate(keys):
        value, wire = f"v{at}", f"encode({bind_name(names, field)}, v{at})"
        if by_name:
            lines.append(f"    {value} = named[{field.name!r}]")
        if field.verbatim is int:
            usual = f"type({value}) is int and {-PLAIN_INT} < {value} < {PLAIN_INT}"
            wire = f"{{'N': repr({value})}} if {usual} else {wire}"
        elif field.verbatim is str:
            usual = f"type({value}) is str and 0 < len({value}) <= {MAX_RANGE_KEY_BYTES}"
            wire = f"{{'S': {value}}} if {usual} and {value}.isascii() else {wire}"
        parts.append(f"{field.attribute!r}: {wire}")
    # Safe: the source holds only names of ours, and repr() of texts.
    exec("\n".join([*lines, f"    return {{{', '.join(parts)}}}"]), names)
    return names["encode_key"]  # type: ignore[no-any-return]
