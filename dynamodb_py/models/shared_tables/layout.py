"""Places: what the models of one shared table have in common, and what tells them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from ...exceptions import ModelDefinitionError
from ...schema import Index, IndexSchema, TableSchema
from ..fields.base import AnyField
from ..fields.scalars import CharField
from ..instance import options_of
from .collisions import check_apart, check_kinds
from .visibility import SharedTableFilter

if TYPE_CHECKING:
    from ..model import Model
    from ..options import Options
    from ..records.fieldset import FieldSet


OF_THE_TABLE = ("table_name", "billing_mode", "read_capacity", "write_capacity", "unique_table")
"""What the shared table's own Meta says, and no model in it."""


class SharedTableLayout:
    """A shared table: its keys and indexes, and the models in it."""

    def __init__(self, meta: Options) -> None:
        self.meta = meta
        self.name = meta.name
        self.discriminator: str | None = _discriminator(meta)
        """The attribute that says which model an item is of; None where the keys alone do."""
        self.members: list[Options] = []
        """The models in it, in the order of their classes."""
        self.keys: dict[str, AnyField] = _keys_of(self.meta)
        """The fields that are keys of the table or of its indexes, by attribute."""
        self.version = 0
        """How often a model came: what was made of the models before may lack it."""
        self.kinds: tuple[int, Any] = (-1, None)
        """What finds the model of an item, and the version that it was made for."""
        named = [
            (name, value)
            for ancestor in reversed(meta.model.__mro__)
            for name, value in vars(ancestor).items()
            if isinstance(value, Index)
        ]
        self._indexes: dict[str, Index] = dict(named)

    def __repr__(self) -> str:
        return f"<Place {self.name} of {len(self.models)} models>"

    # -- what a model gets from it ---------------------------------------------------------------

    def add_keys(
        self, model: type[Model], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]:
        """Return the fields of a model with the table's keys before them, as its templates say.

        Raises ModelDefinitionError where the model lacks a template, or says what is the table's.
        """
        self._check_said(model, declared, fields)
        templates = _templates_of(model, declared)
        found = {field.attribute: field for field in fields.values()}
        keys: dict[str, AnyField] = {}
        for attribute, key in self.keys.items():
            text = templates.pop(key.name, None)
            own = found.get(attribute)
            inherited = getattr(own, "placed", False)
            if own is not None and text is not None and not inherited:
                raise ModelDefinitionError(
                    f"{model.__name__}: {key.name} is in Meta.keys and a field too: say it once"
                )
            if text is not None:
                keys[key.name] = self._key(model, key, text, inherited=inherited)
            elif own is not None:
                self._check_own(model, own, key)
            elif key.is_key:
                raise self._no_template(model, key)
        for name in templates:
            known = ", ".join(key.name for key in self.keys.values())
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.keys: {name!r} is no key of {self.name}: its keys are {known}"
            )
        for name, index in self._indexes.items():
            if name not in vars(model) and self._has(index, keys, found):
                setattr(model, name, index)
        return {**keys, **fields, **self._kind_field(model, {**keys, **fields})}

    def _has(
        self, index: Index, keys: Mapping[str, AnyField], found: Mapping[str, AnyField]
    ) -> bool:
        """Tell whether items of a model with these keys can be in *index*."""
        names = self.meta.field_set.by_name
        attributes = [names[name].attribute for name in (*index.hash_fields, *index.range_fields)]
        have = {key.attribute for key in keys.values()} | found.keys()
        return have.issuperset(attributes)

    def _kind_field(
        self, model: type[Model], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]:
        """Return the field of the discriminator, where its usual name, ``kind``, is taken."""
        name = self.discriminator
        if name is None or any(each.attribute == name for each in fields.values()):
            return {}
        if "kind" not in fields and not hasattr(model, "kind"):
            return {}
        field = CharField(name=name).bound_to(model.__name__, "item_kind")
        setattr(model, field.name, field)
        return {"item_kind": field}

    def _key(self, model: type[Model], key: AnyField, text: object, *, inherited: bool) -> AnyField:
        """Return the template field of a model for one key of the table."""
        if not isinstance(text, str):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.keys[{key.name!r}] is {text!r}: it takes a template, such as "
                f'"{model.__name__.upper()}#{{id}}"'
            )
        if type(key) is not CharField:
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.keys: {self.name}.{key.name} is a {type(key).__name__}, and a "
                "template makes text: declare a field of that kind in the model, "
                f"name={key.attribute!r}"
            )
        if hasattr(model, key.name) and not inherited:
            raise ModelDefinitionError(
                f"{model.__name__}.{key.name} is in the way of {self.name}.{key.name}, the key of "
                "the shared table: rename it"
            )
        role: dict[str, Any] = {}
        if key.hash_key or key.range_key:
            role = {"hash_key": True} if key.hash_key else {"range_key": True}
        kind: Any = CharField
        made = kind(name=key.attribute, template=text, **role)
        made.placed = True  # and so are the copies that subclasses have
        field: AnyField = made.bound_to(model.__name__, key.name)
        setattr(model, key.name, field)
        return field

    def _no_template(self, model: type[Model], key: AnyField) -> ModelDefinitionError:
        keys = [key for key in self.keys.values() if key.is_key]
        parts = ["{user_id}", "{number:08d}"]
        shown = ", ".join(
            f'"{each.name}": "{word}#{part}"'
            for each, part, word in zip(keys, parts, ("USER", model.__name__.upper()), strict=False)
        )
        return ModelDefinitionError(
            f"{model.__name__} is in the shared table {self.name}, and has no template for its key "
            f"{key.name}: say what its keys are made of, such as keys = {{{shown}}} in Meta"
        )

    def _check_own(self, model: type[Model], own: AnyField, key: AnyField) -> None:
        """Check a field that a model declares itself for a key of the table."""
        where = f"{model.__name__}.{own.name}"
        if own.kind != key.kind:
            raise ModelDefinitionError(
                f"{where} is stored as {own.kind}, and {self.name}.{key.name}, which is the same "
                f"attribute {key.attribute!r}, as {key.kind}"
            )
        for role in ("hash_key", "range_key"):
            if getattr(own, role) != getattr(key, role):
                here = "is" if getattr(key, role) else "is not"
                raise ModelDefinitionError(
                    f"{where}: {self.name}.{key.name} {here} the {role.replace('_', ' ')} of the "
                    f"shared table: declare it with {role}={getattr(key, role)}"
                )
        if key.is_key and key.kind == "S" and getattr(own, "template", None) is None:
            raise self._no_template(model, key)

    def _check_said(
        self, model: type[Model], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> None:
        if declared["discriminator"] not in (None, self.discriminator):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.discriminator is {declared['discriminator']!r}, and that of the "
                f"shared table {self.name} is {self.discriminator!r}: say it there alone"
            )
        for option in OF_THE_TABLE:
            if declared[option] is not None:
                raise ModelDefinitionError(
                    f"{model.__name__}.Meta.{option}: {model.__name__} is in the shared table "
                    f"{self.name}: say it in {self.name}.Meta"
                )
        own = {value.name for a in model.__mro__ for value in vars(a).values() if is_index(value)}
        known = {index.name for index in self.meta.schema.indexes}
        strange = sorted(map(str, own - known))
        strange += [repr(each) for each in declared["indexes"]]
        if strange:
            raise ModelDefinitionError(
                f"{model.__name__} declares the index {strange[0]}, and is in the shared table "
                f"{self.name}: declare it in {self.name}, with key attributes of its own, and give "
                "those templates in Meta.keys"
            )
        for field in fields.values():
            if field.is_key and field.attribute not in self.keys:
                raise ModelDefinitionError(
                    f"{model.__name__}.{field.name} is declared as a key, and the keys of the shared "
                    f"table {self.name} are {', '.join(k.name for k in self.keys.values())}: name "
                    f"it in their templates, such as {field.name!r} in "
                    f'"{model.__name__.upper()}#{{{field.name}}}"'
                )

    def make_schema(self, fields: FieldSet, ttl: AnyField | None) -> TableSchema:
        """Return the table as a model with these fields can ask it: with the indexes that it is in."""
        schema = self.meta.schema
        inside = tuple(index for index in schema.indexes if _is_in(index, fields))
        return replace(schema, indexes=inside, ttl=None if ttl is None else ttl.attribute)

    def make_filter(self, meta: Options) -> SharedTableFilter:
        """Return the filter on reads of a model in this table."""
        return SharedTableFilter(meta, self)

    def complete_meta(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the Meta of a model comes to in this table."""
        table = self.meta
        return {
            **declared,
            "layout": self,
            "table_name": table.table_name,
            "unique_table": table.unique_table,
            "using": table.using if declared["using"] is None else declared["using"],
            "discriminator": self.discriminator,
        }

    def make_scope(self, model: type[Any], table: str | None) -> str:
        """Return what sentinels of a model begin with: its own word, as the table has several."""
        root = self.root(model)
        word = options_of(root).declared.get("kind") if root is not model else None
        word = word or root.__name__
        return word if table is None else f"{table}/{word}"

    # -- the models in it ------------------------------------------------------------------------

    @property
    def models(self) -> list[type[Model]]:
        """The models in it, in the order of their classes."""
        return [cast("type[Model]", meta.model) for meta in self.members]

    def check(self, meta: Options) -> None:
        """Look at a model that is to come into the table.

        Raises ModelDefinitionError where its keys can be those of another model's items, or where
        the two want different things of the table.
        """
        others = self._others(meta)
        for other in others:
            if not self.is_related(meta, other):  # the discriminator tells related models apart
                check_apart(self.name, meta, other)
                check_kinds(self.name, self.discriminator, meta, other)
        for other in (self.meta, *others):
            self._check_ttl(meta, other)

    def _others(self, meta: Options) -> list[Options]:
        return [other for other in self.members if not _is_again(other.model, meta.model)]

    def join(self, meta: Options) -> None:
        """Take a model into the table that was looked at."""
        self.members[:] = [*self._others(meta), meta]
        table = self.meta
        if meta.ttl is not None:
            table.schema = replace(table.schema, ttl=meta.ttl.attribute)
        known = {each.name: each for each in (*table.companions, *meta.companions)}
        table.companions = tuple(known.values())
        self.version += 1

    def _check_ttl(self, meta: Options, other: Options) -> None:
        own, taken = meta.ttl, other.ttl
        if own is None or taken is None or own.attribute == taken.attribute:
            return
        raise ModelDefinitionError(
            f"{own.label} and {taken.label} both say when an item of {self.name} expires, and a "
            f"table has one attribute for that: store them in one, name={taken.attribute!r}"
        )

    def kind(self, meta: Options) -> str | None:
        """Return what the items of a model say in the discriminator; None where there is none."""
        return None if meta.kind is None else meta.kind.value

    def is_related(self, meta: Options, other: Options) -> bool:
        """Tell whether one of two models inherits from the other, or both from a third in the table."""
        return self.root(meta.model) is self.root(other.model)

    def find_unrelated(self, meta: Options) -> Iterator[Options]:
        """Yield the models whose items are none of *meta*'s model, nor of one it is related to."""
        for member in self.members:
            if member is not meta and not self.is_related(meta, member):
                yield member

    def root(self, model: type[Any]) -> type[Any]:
        """Return the class in this table that *model* inherits from first of all, or itself."""
        inside = {member.model for member in self.members}
        return next((each for each in reversed(model.__mro__) if each in inside), model)


def is_index(value: object) -> bool:
    """Tell whether a member of a class is an index."""
    return isinstance(value, Index)


def _discriminator(meta: Options) -> str | None:
    name = meta.declared["discriminator"]
    if name is not None and (not isinstance(name, str) or not name):
        raise ModelDefinitionError(
            f"{meta.name}.Meta.discriminator is {name!r}: it is the name of the attribute that says "
            "which model an item is of, or None where the keys alone tell"
        )
    if name in meta.field_set.by_attribute:
        raise ModelDefinitionError(
            f"{meta.name}.Meta.discriminator is {name!r}, which is a field of {meta.name}: take another"
        )
    return name


def _is_again(other: type[Any], model: type[Any]) -> bool:
    """Tell whether *other* is what *model* replaces: itself, or the same class defined once more."""
    if other is model:
        return True
    return (other.__module__, other.__qualname__) == (model.__module__, model.__qualname__)


def _keys_of(meta: Options) -> dict[str, AnyField]:
    by_attribute = meta.field_set.by_attribute
    return {key.name: by_attribute[key.name] for key in meta.schema.all_keys()}


def _is_in(index: IndexSchema, fields: FieldSet) -> bool:
    return all(key.name in fields.by_attribute for key in index.keys)


def _templates_of(model: type[Model], declared: Mapping[str, Any]) -> dict[str, Any]:
    given = declared["keys"]
    if not isinstance(given, Mapping):
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.keys is {given!r}: it takes a dict of templates by the names of "
            "the shared table's keys"
        )
    return {**given}
