"""CompositeField: a value that is made from other fields, as a text with separators or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, overload

from ....exceptions import ModelDefinitionError
from ....expressions import Coder
from ....operations.base import Wire
from ..base import Field
from ..json_forms import PLAINLY, Reading
from ..text import CharField
from .elements import make_field, place_inside

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from ..base import Yes
    from .elements import Of

    class Named(TypedDict, total=False):
        """The keyword of every CompositeField."""

        name: str | None

    class CompositeOptions(Named, total=False):
        """The keywords of a text with separators."""

        separator: str
        width: Mapping[str, int]
        prefix: str
        store_parts: bool

    T = TypeVar("T")
    X = TypeVar("X")
    ValueN = TypeVar("ValueN", default="T | None")

    class _Text(Field[T, ValueN]):
        template: str | None
        store_parts: bool
        bound_template: Any
else:
    from typing import TypeVar

    T = TypeVar("T")
    ValueN = TypeVar("ValueN")
    _Text = CharField


class CompositeField(_Text[T, ValueN]):
    """A value that is made from other fields whenever the item is written; you cannot assign it.

    By default it is text, with a separator between the fields: a :class:`CharField` whose template has
    their names. With *merge*, a function makes the value.

    >>> CompositeField("user", "kind", "id", width={"id": 8}, hash_key=True).template
    '{user}#{kind}#{id:08d}'
    >>> score = CompositeField(
    ...     "likes", "made", of=int, merge=lambda likes, made: likes * 100 + made
    ... )
    >>> score.encode(304)
    {'N': '304'}

    :param parts: the names of the fields.
    :param separator: the text between them. With one that sorts before letters and digits, such as ``#``,
        values sort by the first part, then by the second, and so on.
    :param width: the number of digits of ints by name, so that they sort; ints without a width can only
        be compared for equality.
    :param prefix: the text before them.
    :param store_parts: as for :class:`CharField`.
    :param merge: a function that takes the values of the parts in order and returns the value, or None for
        no value. It must return the same value for the same parts, and is not called while a part has no
        value. The parts are stored as attributes of their own, since the value does not give them back.
    :param of: with *merge*, the type of the value: a field or a type, as for :class:`ListField`; str by
        default.

    ``**options`` are ``name``, ``hash_key`` and ``range_key``, as for other fields.
    """

    merge: Callable[..., Any] | None = None
    inner: Field[Any, Any] | None = None
    """The field of the value that *merge* returns."""

    @overload
    def __init__(
        self: CompositeField[str, str], *parts: str, hash_key: Yes, **o: Unpack[CompositeOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str, str], *parts: str, range_key: Yes, **o: Unpack[CompositeOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str, str | None], *parts: str, **o: Unpack[CompositeOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str, str],
        *parts: str,
        merge: Callable[..., str],
        hash_key: Yes,
        **o: Unpack[Named],
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str, str],
        *parts: str,
        merge: Callable[..., str],
        range_key: Yes,
        **o: Unpack[Named],
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str, str | None],
        *parts: str,
        merge: Callable[..., str | None],
        **o: Unpack[Named],
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[X, X],
        *parts: str,
        merge: Callable[..., X],
        of: Of[X],
        hash_key: Yes,
        **o: Unpack[Named],
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[X, X],
        *parts: str,
        merge: Callable[..., X],
        of: Of[X],
        range_key: Yes,
        **o: Unpack[Named],
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[X, X | None],
        *parts: str,
        merge: Callable[..., X | None],
        of: Of[X],
        **o: Unpack[Named],
    ) -> None: ...
    def __init__(
        self,
        *parts: str,
        separator: str = "#",
        width: Mapping[str, int] | None = None,
        prefix: str = "",
        merge: Any = None,
        of: Any = str,
        **options: Any,
    ) -> None:
        plain: Any = CharField
        self.part_names = parts
        if merge is not None:
            self.of, self.merge = of, merge
            self.inner = make_field(of)
            plain.__init__(self, **options)
            self._only_texts = separator != "#" or bool(width) or bool(prefix)
            if self.inner is not None:
                self.kind, self.leaf = self.inner.kind, None
            return
        if of is not str:
            raise ModelDefinitionError(
                f"CompositeField({', '.join(map(str, parts))}): of={of!r} is the type of the value that "
                "merge= returns: drop it"
            )
        widths = dict(width or {})
        if not parts or not all(isinstance(each, str) and each.isidentifier() for each in parts):
            raise ModelDefinitionError(f"CompositeField takes the names of fields, not {parts!r}")
        if not isinstance(separator, str) or not separator:
            raise ModelDefinitionError(
                f"CompositeField({', '.join(parts)}): separator={separator!r}: give a text such as '#'"
            )
        if strange := widths.keys() - set(parts):
            raise ModelDefinitionError(
                f"CompositeField({', '.join(parts)}): width= names {', '.join(sorted(strange))}, "
                "which is not among its parts"
            )
        template = _literal(separator).join(
            f"{{{each}:0{widths[each]}d}}" if each in widths else f"{{{each}}}" for each in parts
        )
        plain.__init__(self, template=_literal(prefix) + template, **options)

    def prepare(self) -> None:
        if self.merge is not None:
            self._prepare_merge()
        super().prepare()

    def _is_plain(self) -> bool:
        return self.merge is None and super()._is_plain()

    def _prepare_merge(self) -> None:
        if not callable(self.merge):
            raise self.misdeclared(f"merge={self.merge!r}: it takes a function of the parts")
        if self._only_texts or self.store_parts:
            raise self.misdeclared(
                "separator=, width=, prefix= and store_parts= are for a value without merge=: drop them"
            )
        parts: tuple[object, ...] = self.part_names
        if not parts or not all(isinstance(each, str) for each in parts):
            raise self.misdeclared(f"it takes the names of fields, not {parts!r}")
        for option in _UNUSED:
            if getattr(self, option) not in (None, False, ()):
                raise self.misdeclared(f"merge= makes the value: drop {option}=")
        if self.inner is None:
            raise self.misdeclared(
                f"of={self.of!r}: it takes a field or a type, as a ListField does"
            )
        self.inner = place_inside(self.inner, self, self.name)
        self.unordered, self.comparable = self.inner.unordered, self.inner.comparable

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        inner = self.inner
        return super().to_wire(value, depth) if inner is None else inner.to_wire(value, depth)

    def read(self, stored: Any, /) -> Any:
        return super().read(stored) if self.inner is None else self.inner.read(stored)

    def to_json(self, value: Any, /) -> Any:
        return super().to_json(value) if self.inner is None else self.inner.to_json(value)

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        field: Any = super() if self.inner is None else self.inner
        return field.from_plain(value, how)

    def find_order_problem(self, *wires: Wire) -> str:
        field: Any = super() if self.inner is None else self.inner
        return str(field.find_order_problem(*wires))

    def element(self) -> Coder | None:
        return super().element() if self.inner is None else self.inner.element()

    def sub(self, part: str | int, /) -> Coder | None:
        return super().sub(part) if self.inner is None else self.inner.sub(part)


_UNUSED = (
    *("default", "required", "null", "unique", "choices", "validators", "strip", "lower"),
    *("min_value", "max_value", "min_length", "max_length"),
)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
