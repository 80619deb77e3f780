"""What the rows of a query set are: instances, whole or in part, dicts, or tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, cast, overload

from ...exceptions import QueryError
from ...expressions import Operand, Path, member
from ..fields.base import Field
from ..records.rows import Column, Name, Shape
from .builders import Builders, M, R

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..managers.queryset import QuerySet
    from ..options import Options


class Shaping(Builders[M, R], Generic[M, R]):
    """The builders that choose what is read of each item, and what is made of it."""

    __slots__ = ()

    def only(self, *fields: str | Field[Any, Any]) -> Self:
        """Read just these fields, the key and the version; others raise FieldNotLoaded of instances."""
        if not fields:
            raise QueryError(f"{self.model.__name__}: only(): name at least one field")
        return self._fetching("only", self._named("only", fields))

    def defer(self, *fields: str | Field[Any, Any]) -> Self:
        """Leave these fields unread, beside what was left out before; key and version are read."""
        left = self._named("defer", fields)
        names = self._how.fetched or tuple(self.model._options().field_set.by_name)
        return self._fetching("defer", tuple(name for name in names if name not in left))

    def _named(self, verb: str, fields: tuple[str | Field[Any, Any], ...]) -> tuple[str, ...]:
        meta = self.model._options()
        names: list[str] = []
        for field in fields:
            name = field.name if isinstance(field, Field) else field
            if not isinstance(name, str) or ("__" in name and name not in meta.field_set.by_name):
                raise QueryError(
                    f"{meta.name}: {verb}({name!r}): instances have whole fields: name the field, "
                    "or take values(), which reads places inside documents too"
                )
            names += [meta.get_field(each).name for each in meta.field_set.spread([name])]
        return tuple(dict.fromkeys(names))

    def _fetching(self, verb: str, names: tuple[str, ...]) -> Self:
        shape = self._how.shape
        if shape is not None and shape.kind != "item":
            raise self._two_shapes(verb)
        meta = self.model._options()
        by_name = meta.field_set.by_name
        wanted = tuple(Path((by_name[name].attribute,)) for name in names)
        if meta.computed is not None:
            wanted = meta.computed.resolve_paths(wanted)
        # Without its version, an instance could be read and not written; the kind tells its class.
        needed = [meta.version, None if meta.kind is None else meta.kind.field]
        along = tuple(
            field.attribute
            for field in needed
            if field is not None and field.name not in names and shape is None
        )
        return self._asking(wanted=wanted, along=along)._going(fetched=names)

    def _two_shapes(self, verb: str) -> QueryError:
        return QueryError(
            f"{self.model.__name__}: {verb}() beside values(): values() says itself what is read"
        )

    def _shaped(self, kind: Any, names: tuple[Name, ...]) -> Self:
        if self._how.fetched is not None and kind != "item":
            raise self._two_shapes("only() or defer")
        if self._how.related:
            raise self._no_relations()
        shape = Shape(kind, columns(self.model._options(), names))
        wanted = self._question.wanted if kind == "item" else shape.wanted()
        computed = self.model._options().computed
        if computed is not None and wanted is not None:
            wanted = computed.resolve_paths(wanted)
        return self._asking(wanted=wanted, along=())._going(shape=shape)

    def values(self, *names: Name) -> QuerySet[M, dict[str, Any]]:
        """Return a dict for each item, of these fields or of all.

        A name is a field, or a place inside one: ``"doc__a__0"``, ``Score.doc["a"][0]``. What an
        item does not have is the field's default, inside of documents None.
        """
        return cast("QuerySet[M, dict[str, Any]]", self._shaped("dict", names))

    @overload
    def values_list(
        self, *names: Name, flat: Literal[False] = False, named: Literal[False] = False
    ) -> QuerySet[M, tuple[Any, ...]]: ...
    @overload
    def values_list(
        self, *names: Name, flat: bool = False, named: bool = False
    ) -> QuerySet[M, Any]: ...
    def values_list(self, *names: Name, flat: bool = False, named: bool = False) -> Any:
        """Return a tuple for each item, of these fields or of all.

        :param flat: of one field, its values themselves.
        :param named: named tuples.
        """
        if flat and (named or len(names) != 1):
            raise QueryError(
                f"{self.model.__name__}: values_list(flat=True) takes one name, and no named=True"
            )
        return self._shaped("flat" if flat else "named" if named else "tuple", names)

    def as_dicts(self) -> QuerySet[M, dict[str, Any]]:
        """Return each item as a plain dict: fields by name, undeclared attributes by theirs."""
        return cast("QuerySet[M, dict[str, Any]]", self._shaped("item", ()))


def columns(meta: Options, names: tuple[Name, ...]) -> tuple[Column, ...]:
    """Return the columns called *names*: fields, ``doc__a__0``, or ``Model.doc["a"][0]``.

    Raises TypeError for what is no field, QueryError where one comes twice.
    """
    found = [_column(meta, name) for name in names]
    for column in found:
        if sum(other.name == column.name for other in found) > 1:
            raise QueryError(f"{meta.name}: {column.name} is named twice: once is enough")
    return tuple(found)


def _column(meta: Options, name: Name) -> Column:
    if isinstance(name, Operand):
        path = meta.resolve(name._path()) if name._path().by_name else name._path()
        field = meta.field_set.by_attribute.get(str(path.parts[0]))
        first = path.parts[0] if field is None else field.name
        return Column("__".join(map(str, (first, *path.parts[1:]))), path.parts)
    first, *inside = name.split("__")
    path = meta.get_field(first)._path()
    for part in inside:  # as lookups do: what a field declares, the index of a list, a key
        key: str | int | None = member(path.coder, part)
        if key is None:
            index = part.isascii() and part.isdigit() and path.coder.sub(int(part)) is not None
            key = int(part) if index else part
        path = path[key]
    return Column(name, path.parts)
