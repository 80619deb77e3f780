"""Record: the public methods that models and documents share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...codec import decode, from_json, to_json
from ...exceptions import FieldNotLoaded, ValidationError
from ...operations.items import StoredItem
from ..fields.json_forms import KINDS
from ..fields.model_key import bind_ambient
from ..fields.refusals import UNFIT
from .attributes import find_undeclared
from .base import BaseRecord, get_fetched_fields
from .filling import FieldsSignature, fill

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..interop import pydantic_schemas
    from . import plain, validation
    from .plain import Mode, ReadMode
else:
    from ...lazy import plain, pydantic_schemas, validation


class Record(BaseRecord):
    """An object with fields: the base class of models, which have tables, and of documents."""

    __slots__ = ()
    __signature__ = FieldsSignature()

    def __init__(self, /, **values: Any) -> None:
        """Make a record.

        :param values: the values of the fields by name; the other fields get their defaults.
        :raises TypeError: no field has one of the names.
        """
        fill(self, values)

    @classmethod
    def from_db(cls, item: StoredItem | str | Mapping[str, Any]) -> Self:
        """Return the record that *item* holds, without calling ``__init__``.

        It belongs to the connection of the surrounding ``options(using=...)``, as if it were read there.

        >>> Score.from_db({"player": {"S": "cat"}, "game": {"N": "1"}}).game
        1

        :param item: the attributes in DynamoDB's JSON, ``{"name": {"S": "gs1"}}``: a mapping as boto3's
            client returns it, or JSON text.
        :raises ValidationError: *item* is neither, such as an item of boto3's resource.
        """
        return bind_ambient(cls._load(encode_given(cls, item)))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Return how pydantic reads and writes this class, for pydantic, which calls it."""
        return pydantic_schemas.make_record_schema(cls)

    def full_clean(self, exclude: Iterable[str] = ()) -> None:
        """Check this object as a write does, without writing it.

        This runs each field's own checks, then ``clean_<field>``, then ``clean()``. Fields that were not
        fetched are left out, and those that set themselves on saving may still be None.

        >>> Score(player="", game=1).full_clean()
        Traceback (most recent call last):
            ...
        dynamodb_py.exceptions.ValidationError: Score: player: it is empty, which DynamoDB allows everywhere but in a key

        :param exclude: names of fields to leave out; ``clean()`` is called all the same.
        :raises ValidationError: a value is wrong; the error has all messages, by field.
        """
        validation.clean_record(self, exclude)

    @property
    def extra(self) -> Mapping[str, Any]:
        """The stored attributes that no field declares, by name; a save does not change them.

        Raises :class:`~dynamodb_py.exceptions.FieldNotLoaded` if only a part of the item was fetched.
        """
        if get_fetched_fields(self) is not None:
            raise FieldNotLoaded(
                f"{type(self).__name__}: only a part of the item was fetched with this instance, so its "
                "undeclared attributes are not known: refresh_from_db() fetches them"
            )
        return MappingProxyType(
            {name: decode(wire) for name, wire in find_undeclared(self).items()}
        )

    def to_dict(self, *, mode: Mode = "python") -> dict[str, Any]:
        """Return a dict of the values of all fetched fields, by field name; documents become dicts too.

        A value that its field cannot read is left out, as in ``repr()``.

        >>> Score.objects.get("ann", 1).to_dict()
        {'player': 'ann', 'game': 1, 'points': 50}

        :param mode: ``"python"`` returns the values as they are, ``"json"`` values that JSON can hold: moments,
            days, times and spans in ISO 8601, Decimals as texts, bytes in base64, sets as lists, references
            as keys.
        :raises ValidationError: with ``"json"``, a value cannot be stored.
        """
        if plain.check_mode(mode):
            return plain.form_record(self)
        fetched = plain.list_fetched(self)
        return {field.name: _to_plain(getattr(self, field.name)) for field in fetched}

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, mode: ReadMode = "python", strict: bool = False
    ) -> Self:
        """Return a new, unsaved record with *values*, a dict by field name, the opposite of :meth:`to_dict`.

        >>> Score.from_dict({"player": "cat", "game": 1})
        Score(player='cat', game=1, points=0)

        :param mode: the mode of :meth:`to_dict`; with ``"any"``, each value may have its JSON form or its
            field's type. Texts, numbers, lists and dicts count as JSON forms then.
        :param strict: check everything as a write does, and unknown names, in documents too.
        :raises ValidationError: a value is wrong; the error has the messages by path, with *strict* those of
            all wrong values.
        :raises TypeError: without *strict*, no field has one of the names.
        """
        return plain.read_record(cls, values, plain.make_reading(mode, strict=strict))

    def to_json(self) -> str:
        """Return :meth:`to_dict` in JSON, a text that :meth:`from_json` reads.

        >>> from dynamodb_py import DateField, DecimalField, Document
        >>> class Payment(Document):
        ...     amount = DecimalField()
        ...     day = DateField()
        >>> payment = Payment.from_json('{"amount": "12.50", "day": "2026-11-01"}')
        >>> payment.to_json()
        '{"amount":"12.5","day":"2026-11-01"}'

        :raises ValidationError: a value cannot be stored.
        """
        try:
            return to_json(self.to_dict(mode="json")).decode()
        except UnicodeEncodeError as error:
            problem = f"to_json(): a value is not valid Unicode: {error.reason}"
            raise ValidationError(problem, model=type(self).__name__) from None

    @classmethod
    def from_json(cls, text: str | bytes, *, strict: bool = False) -> Self:
        """Return a new, unsaved record with the values in *text*, the opposite of :meth:`to_json`.

        >>> Score.from_json('{"player": "cat", "game": 1}')
        Score(player='cat', game=1, points=0)

        :param strict: as for :meth:`from_dict`.
        :raises ValidationError: *text* is not a JSON object, or has wrong values.
        :raises TypeError: without *strict*, no field has one of the names.
        """
        try:
            values = from_json(text)
        except UNFIT as error:
            problem = f"from_json() cannot read it: {error}"
            raise ValidationError(problem, model=cls.__name__) from error
        return cls.from_dict(values, mode="json", strict=strict)

    def __repr__(self) -> str:
        if not self._decoded:
            self._decode()
        values = self.__dict__
        if self._stored is None:
            values = {**self._fieldset.constants, **values}
        names = [name for name in self._fieldset.by_name if values.get(name) is not None]
        return f"{type(self).__name__}({', '.join(f'{name}={values[name]!r}' for name in names)})"


def encode_given(kind: type, item: StoredItem | str | Mapping[str, Any]) -> StoredItem:
    """Return the JSON of an item that ``from_db()`` of *kind* got; raise ValidationError if it is not one."""
    if isinstance(item, bytes):
        return item
    try:
        return item.encode() if isinstance(item, str) else to_json(check_item(item))
    except UNFIT as error:
        if isinstance(error, ValidationError):
            raise
        raise ValidationError(f"from_db() cannot read it: {error}", model=kind.__name__) from error


def check_item(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *item* if it has attribute values; raise ValidationError for plain ones."""
    for name, wire in item.items():
        if not isinstance(wire, Mapping) or not (*wire,)[:1] or (*wire,)[0] not in _KINDS:
            problem = (
                f"{wire!r:.80} is not an attribute value such as {{'S': 'text'}}: from_db() takes items "
                "of boto3's client; items of its resource have plain values: pass them to "
                "from_dict() or to the constructor"
            )
            raise ValidationError({str(name): problem})
    return item


_KINDS = frozenset((*KINDS, "NULL"))


def _to_plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_to_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _to_plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
