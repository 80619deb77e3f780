"""Fields of maps: dicts of one type or free, and dicts with declared members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from ....codec import (
    Tree,
    Unstorable,
    as_tree,
    check_depth,
    encode_map,
    make_wire_type,
    map_of,
    value_of,
)
from ....expressions import FREE, Coder, member
from ....operations.base import Wire
from ..base import AnyField, bind_name
from ..json_forms import PLAINLY, Reading, form_free
from ..refusals import REQUIRED, is_checking, make_refusal, refuse_form
from ..text import LENGTHS
from .elements import (
    MAX_ERRORS,
    Container,
    from_inner_plain,
    from_inner_plains,
    iterate_source,
    make_field,
    place_inside,
    to_inner_json,
    to_inner_wire,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes
    from .elements import Of

    T = TypeVar("T")
    X = TypeVar("X")

    Dict: TypeAlias = dict[str, X]
    Free: TypeAlias = dict[str, Any]
    Fields: TypeAlias = "Mapping[str, AnyField | type[Any]]"

    DictN = TypeVar("DictN", default="dict[str, T] | None")
    MapN = TypeVar("MapN", default="dict[str, Any] | None")
else:
    from typing import TypeVar

    T = TypeVar("T")
    DictN = MapN = TypeVar("N")


class DictField(Container["dict[str, T]", DictN]):
    """A dict with texts as keys, stored as M. Its values have one type, or are free.

    :param of: the type of the values, as for :class:`ListField`.

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
        self: DictField[X, Dict[X] | None],
        of: Of[X],
        *,
        default: None = None,
        **o: Unpack[Options[Dict[X]]],
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
    def __init__(
        self: DictField[Any, Free | None], *, default: None = None, **o: Unpack[Options[Free]]
    ) -> None: ...
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
                raise Unstorable(f"the key {key!r} is not a str: use str keys in a map")
            try:
                wires[key] = to_inner_wire(self._field_at(key), each, depth)
            except Unstorable as error:
                wrong.append(error.inside(f".{key}"))
                if len(wrong) >= MAX_ERRORS:
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
        self.to_wire(value)  # it raises if the value cannot be stored
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
        each, value = iterate_source(self.inner, names)
        return f"{{key: {value} for key, {each} in {wire}.M.items()}}"


class MapField(DictField[Any, MapN]):
    """A dict with declared members, stored as M.

    Members that the schema does not name are kept, as free values.

    :param schema: the field, or the type, of each member by its key; the types are those that
        :class:`ListField` takes.

    >>> from dynamodb_py import IntegerField
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
        self: MapField[Free | None],
        schema: Fields,
        *,
        default: None = None,
        **o: Unpack[Options[Free]],
    ) -> None: ...
    def __init__(self, schema: Mapping[str, Any], **options: Any) -> None:
        plain: Any = Container
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
                raise self.misdeclared(
                    f"the schema has {key!r}: {of!r}: it takes texts as keys, and fields or types as values"
                )
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


@member.register(MapField)
def _(coder: MapField[Any], part: str) -> str | None:
    return part if part in coder.schema else None
