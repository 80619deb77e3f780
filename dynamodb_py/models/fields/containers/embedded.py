"""The field of a document inside the item, and its paths on the class of the model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast, overload

import msgspec

from ....codec import Unstorable, check_depth, make_wire_type, to_json
from ....exceptions import ValidationError
from ....expressions import Attr, Coder, field_of, member, members
from ....operations.base import Wire
from ..base import Field, bind_name
from ..json_forms import PLAINLY, Reading
from ..refusals import make_refusal, refuse_form, with_article

if TYPE_CHECKING:
    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes

    T = TypeVar("T")
    X = TypeVar("X")
    DocN = TypeVar("DocN", default="T | None")
else:
    from typing import TypeVar

    T = TypeVar("T")
    DocN = TypeVar("N")


class Embedded(Protocol):
    """A document, as far as the field that holds it needs it."""

    def _to_wire(self, depth: int, /) -> Wire: ...
    def to_dict(self, *, mode: str) -> dict[str, Any]: ...


class EmbeddedField(Field[T, DocN]):
    """A document inside the item, stored as M.

    :param document: the class of the document, a subclass of :class:`~dynamodb_py.Document`.

    >>> from dynamodb_py import CharField, Document, Model
    >>> class Address(Document):
    ...     city = CharField()
    >>> class Person(Model):
    ...     name = CharField(hash_key=True)
    ...     address = EmbeddedField(Address)
    >>> Person(name="ann", address=Address(city="Lyon")).address.city
    'Lyon'
    >>> Person.address.city == "Lyon"
    <Condition: address.city = 'Lyon'>
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
        self: EmbeddedField[X, X | None],
        document: type[X],
        *,
        default: None = None,
        **o: Unpack[Options[X]],
    ) -> None: ...
    def __init__(self, document: type[Any], **options: Any) -> None:
        super().__init__(**options)
        self.document = document

    def prepare(self) -> None:
        if not isinstance(self.document, type) or not hasattr(self.document, "_to_wire"):
            raise self.misdeclared(f"EmbeddedField takes a Document class, not {self.document!r}")
        self._proxy = None  # the one so far belongs to the original of this copy
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
            return self.document.from_dict(value, mode=how.mode, strict=how.strict)

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
    """Raise the errors of a document as errors of the value that holds it."""
    try:
        yield
    except ValidationError as error:
        faults = [(f".{path}", each) for path, several in error.errors.items() for each in several]
        raise Unstorable(str(error), faults) from error


class _FieldProxy:
    """``Order.address``: the field with the fields of its document as attributes; only users see it."""

    def __getattr__(self, name: str) -> Attr:
        """Return a field of the document, for conditions and updates: ``Order.address.city``.

        Use ``Order.address["name"]`` for a name that is an attribute of fields too.
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
