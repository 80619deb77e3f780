"""Fields of lists and sets."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from ....codec import (
    Tree,
    Unstorable,
    as_tree,
    check_depth,
    encode_list,
    list_of,
    make_wire_type,
    value_of,
)
from ....expressions import FREE, Coder
from ....operations.base import Wire
from ..base import Field, bind_name
from ..json_forms import PLAINLY, Reading, sort_forms
from ..refusals import make_refusal, refuse_form
from ..text import LENGTHS, CharField
from .elements import (
    MAX_ERRORS,
    Container,
    encode_common,
    find_common_type,
    from_inner_plains,
    iterate_source,
    to_inner_json,
    to_inner_wire,
)

if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes
    from .elements import Of

    T = TypeVar("T")
    X = TypeVar("X")

    class Settable(Always[T], Generic[T], total=False):
        """The keywords of a set, which always has a value: the empty set by default."""

        required: bool

    SetN = TypeVar("SetN", default="set[T] | None")
    ListN = TypeVar("ListN", default="list[T] | None")
else:
    from typing import TypeVar

    T = TypeVar("T")
    SetN = ListN = TypeVar("N")

_TEXT = frozenset({str})


class SetField(Container["set[T]", SetN]):
    """A set of texts, numbers or bytes, stored as SS, NS or BS.

    DynamoDB has no empty set: the attribute of an empty set is left out, and an item without the
    attribute is read with ``set()``. A default is only for new instances.

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
            raise self.misdeclared(
                "a set needs a type of elements: SetField(str), SetField(int), ..."
            )
        to = getattr(self.inner, "to", None)
        if self.inner is not None and isinstance(to, str) and not self.inner.kind:
            raise self.misdeclared(
                f"the type of a set follows from its elements, and the name {to!r} does not give the type "
                f"of its key: give the class, SetField(ForeignKey({to})), or use a ListField"
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
        return set[Any]()  # absence means the empty set, not the default

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
        self.to_wire(value)  # it raises if the value cannot be stored
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


class ListField(Container["list[T]", ListN]):
    """A list, stored as L. Its elements have one type, or are free.

    A free list holds None, bool, int, float, Decimal, str, bytes, and lists, dicts and sets of them.
    Nothing is dropped from a list.

    :param of: the type of the elements: a field, one of str, int, float, bool, bytes, Decimal, a Document
        class (stored in the list) or a Model class (stored as the key of an item). Free by default.

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
        self: ListField[X, list[X] | None],
        of: Of[X],
        *,
        default: None = None,
        **o: Unpack[Options[list[X]]],
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
        self: ListField[Any, list[Any] | None],
        *,
        default: None = None,
        **o: Unpack[Options[list[Any]]],
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
                if len(wrong) == MAX_ERRORS:
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
        self.to_wire(value)  # it raises if the value cannot be stored
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
        each, value = iterate_source(self.inner, names)
        return f"[{value} for {each} in {wire}.L]"
