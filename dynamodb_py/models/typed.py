"""TypedModel and TypedDocument: their constructors are typed, by PEP 681."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .document import Document
from .model import Model
from .records.filling import check_constructed

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform

    from .fields.containers.compressed import CompressedField
    from .fields.containers.embedded import EmbeddedField
    from .fields.containers.lists import ListField
    from .fields.containers.maps import DictField, MapField
    from .fields.ids import UUIDField
    from .fields.numbers import BooleanField, DecimalField, FloatField, IntegerField
    from .fields.text import BinaryField, CharField, EnumField, TextField
    from .fields.times.dates import DateField, TimeField
    from .fields.times.datetimes import DateTimeField, TimestampField
    from .fields.times.durations import TimeDeltaField
    from .foreign_keys.field import ForeignKey, OneToOneField

    # A class that is not listed has a default: a set, a counter, a version, a ULID, a computed field.
    @dataclass_transform(
        eq_default=False,
        kw_only_default=True,
        field_specifiers=(
            BinaryField,
            BooleanField,
            CharField,
            CompressedField,
            DateField,
            DateTimeField,
            DecimalField,
            DictField,
            EmbeddedField,
            EnumField,
            FloatField,
            ForeignKey,
            IntegerField,
            ListField,
            MapField,
            OneToOneField,
            TextField,
            TimeDeltaField,
            TimeField,
            TimestampField,
            UUIDField,
        ),
    )
    class _Typed: ...
else:

    class _Typed:
        __slots__ = ()
        __typed__ = True


class TypedModel(_Typed, Model):
    """A model whose fields are annotated with their types: type checkers check calls of its constructor.

    A field without ``default=`` must be given, unless it sets itself. A field with ``init=False`` cannot
    be given. Loading items works as for every model.

    >>> from dynamodb_py import CharField, IntegerField
    >>> class Score(TypedModel):
    ...     player: CharField[str] = CharField(hash_key=True)
    ...     game: IntegerField[int] = IntegerField(range_key=True)
    ...     points: IntegerField[int] = IntegerField(default=0)
    >>> Score(player="ann", game=3)
    Score(player='ann', game=3, points=0)
    >>> Score(player="ann")
    Traceback (most recent call last):
    TypeError: Score() needs a value of game: give it, or declare the field with default=
    """

    if not TYPE_CHECKING:  # pyright takes the Meta of a subclass for a wrong override

        class Meta:  # noqa: D106 - as each has
            abstract = True

    def __init__(self, /, *key: Any, **values: Any) -> None:
        """Make an instance; nothing is sent before :meth:`save`.

        :param key: the values of the hash key and of the range key, in order; they can be given by name too.
        :param values: the values of the fields by name.
        :raises TypeError: a field without a default is missing, or no field has one of the names.
        """
        super().__init__(*key, **values)
        check_constructed(self, values)


class TypedDocument(_Typed, Document):
    """A document whose fields are annotated with their types, like those of a :class:`TypedModel`.

    >>> from dynamodb_py import CharField
    >>> class Address(TypedDocument):
    ...     city: CharField[str] = CharField(required=True)
    ...     zip: CharField[str | None] = CharField(default=None)
    >>> Address(city="Lyon").to_dict()
    {'city': 'Lyon', 'zip': None}
    """

    def __init__(self, /, **values: Any) -> None:
        """Make a document.

        :param values: the values of the fields by name.
        :raises TypeError: a field without a default is missing, or no field has one of the names.
        """
        super().__init__(**values)
        check_constructed(self, values)
