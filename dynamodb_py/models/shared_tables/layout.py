"""The layout of a shared table: its keys and indexes, and the models in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from ...exceptions import ModelDefinitionError
from ...operations.items import StoredItem
from ...schema import Index, IndexSchema, TableSchema
from ..fields.base import AnyField
from ..fields.text import CharField
from ..inheritance.discriminator import get_name
from ..instance import options_of
from ..options.meta import TABLE_OPTIONS
from .collisions import Members, check_apart, check_kinds
from .model_finder import ModelFinder
from .visibility import SharedTableFilter

if TYPE_CHECKING:
    from ..model import Model
    from ..options.options import Options
    from ..records.fieldset import FieldSet


OPTIONS_OF_THE_TABLE = (
    "table_name",
    "billing_mode",
    "read_capacity",
    "write_capacity",
    "unique_table",
    *TABLE_OPTIONS,
)
"""The options that belong to the Meta of the shared table, not of its models."""


class SharedTableLayout:
    """The keys and indexes of a shared table, and the models in the table."""

    def __init__(self, meta: Options) -> None:
        self.meta = meta
        self.name = meta.name
        self.discriminator: str | None = _find_discriminator(meta)
        """The attribute with the kind of an item; None if the keys alone distinguish the models."""
        self._by_name: dict[tuple[str, str], Options] = {}
        """The options of the table's models by module and qualified name, in the order of definition."""
        self._known = Members()
        self.keys: dict[str, AnyField] = _find_keys(self.meta)
        """The key fields of the table and its indexes, by attribute."""
        self.version = 0
        """The number of changes to the models; caches of an earlier version are outdated."""
        self._finder: tuple[int, ModelFinder] | None = None
        """The version of the cached finder, and the finder of an item's model."""
        named = [
            (name, value)
            for ancestor in reversed(meta.model.__mro__)
            for name, value in vars(ancestor).items()
            if isinstance(value, Index)
        ]
        self._indexes: dict[str, Index] = dict(named)

    def __repr__(self) -> str:
        return f"<SharedTableLayout {self.name} of {len(self.models)} models>"

    def add_keys(
        self, model: type[Model], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]:
        """Return the fields of a model, after the table's keys, which are made from its templates.

        Raises ModelDefinitionError if a template is missing, or if an option belongs to the table.
        """
        self._check_declared(model, declared, fields)
        templates = _find_templates(model, declared)
        found = {field.attribute: field for field in fields.values()}
        keys: dict[str, AnyField] = {}
        for attribute, key in self.keys.items():
            text = templates.pop(key.name, None)
            own = found.get(attribute)
            inherited = getattr(own, "placed", False)
            if own is not None and text is not None and not inherited:
                raise ModelDefinitionError(
                    f"{model.__name__}: {key.name} is in Meta.keys, and a field too: declare it once"
                )
            if text is not None:
                keys[key.name] = self._add_key(model, key, text, inherited=inherited)
            elif own is not None:
                self._check_own_key(model, own, key)
            elif key.is_key:
                raise self._make_template_error(model, key)
        for name in templates:
            known = ", ".join(key.name for key in self.keys.values())
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.keys: {name!r} is not a key of {self.name}: its keys are {known}"
            )
        for name, index in self._indexes.items():
            if name not in vars(model) and self._can_index(index, keys, found):
                setattr(model, name, index)
        return {**keys, **fields, **self._add_kind_field(model, {**keys, **fields})}

    def _can_index(
        self, index: Index, keys: Mapping[str, AnyField], found: Mapping[str, AnyField]
    ) -> bool:
        """Tell whether items with these keys and fields can be in *index*."""
        names = self.meta.field_set.by_name
        attributes = [names[name].attribute for name in (*index.hash_fields, *index.range_fields)]
        have = {key.attribute for key in keys.values()} | found.keys()
        return have.issuperset(attributes)

    def _add_kind_field(
        self, model: type[Model], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]:
        """Return the field of the discriminator if its usual name, ``kind``, is taken; else nothing."""
        name = self.discriminator
        if name is None or any(each.attribute == name for each in fields.values()):
            return {}
        if "kind" not in fields and not hasattr(model, "kind"):
            return {}
        field = CharField(name=name).bound_to(model.__name__, "item_kind")
        setattr(model, field.name, field)
        return {"item_kind": field}

    def _add_key(
        self, model: type[Model], key: AnyField, text: object, *, inherited: bool
    ) -> AnyField:
        """Add the template field for one key of the table to *model*, and return it."""
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
                f"{model.__name__}.{key.name} has the name of {self.name}.{key.name}, the key of "
                "the shared table: rename it"
            )
        role: dict[str, Any] = {}
        if key.hash_key or key.range_key:
            role = {"hash_key": True} if key.hash_key else {"range_key": True}
        kind: Any = CharField
        field = kind(name=key.attribute, template=text, **role)
        field.placed = True  # its copies in subclasses have this mark too
        bound: AnyField = field.bound_to(model.__name__, key.name)
        setattr(model, key.name, bound)
        return bound

    def _make_template_error(self, model: type[Model], key: AnyField) -> ModelDefinitionError:
        keys = [key for key in self.keys.values() if key.is_key]
        parts = ["{user_id}", "{number:08d}"]
        shown = ", ".join(
            f'"{each.name}": "{word}#{part}"'
            for each, part, word in zip(keys, parts, ("USER", model.__name__.upper()), strict=False)
        )
        return ModelDefinitionError(
            f"{model.__name__} is in the shared table {self.name}, and has no template for its key "
            f"{key.name}: declare the templates, such as keys = {{{shown}}} in Meta"
        )

    def _check_own_key(self, model: type[Model], own: AnyField, key: AnyField) -> None:
        """Check a field that the model declares for a key of the table."""
        where = f"{model.__name__}.{own.name}"
        if own.kind != key.kind:
            raise ModelDefinitionError(
                f"{where} is stored as {own.kind}, and {self.name}.{key.name}, which is the same "
                f"attribute {key.attribute!r}, as {key.kind}: declare a field of the same type"
            )
        for role in ("hash_key", "range_key"):
            if getattr(own, role) != getattr(key, role):
                here = "is" if getattr(key, role) else "is not"
                raise ModelDefinitionError(
                    f"{where}: {self.name}.{key.name} {here} the {role.replace('_', ' ')} of the "
                    f"shared table: declare it with {role}={getattr(key, role)}"
                )
        if key.is_key and key.kind == "S" and getattr(own, "template", None) is None:
            raise self._make_template_error(model, key)

    def _check_declared(
        self, model: type[Model], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> None:
        if declared["discriminator"] not in (None, self.discriminator):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.discriminator is {declared['discriminator']!r}, and that of the "
                f"shared table {self.name} is {self.discriminator!r}: declare it in {self.name}.Meta alone"
            )
        for option in OPTIONS_OF_THE_TABLE:
            if declared[option] is not None:
                raise ModelDefinitionError(
                    f"{model.__name__}.Meta.{option}: {model.__name__} is in the shared table "
                    f"{self.name}: declare it in {self.name}.Meta"
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
        """Return the table's schema for a model with these fields: it has the indexes of the model's items."""
        schema = self.meta.schema
        inside = tuple(index for index in schema.indexes if _is_in(index, fields))
        return replace(schema, indexes=inside, ttl=None if ttl is None else ttl.attribute)

    def make_filter(self, meta: Options) -> SharedTableFilter:
        """Return the filter on reads of the model."""
        return SharedTableFilter(meta, self)

    def complete_meta(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a model, completed by the options of this table."""
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
        """Return the prefix of the keys of the model's sentinels: its kind, as the table has several models."""
        root = self.find_root(model)
        word = options_of(root).declared.get("kind") if root is not model else None
        word = word or root.__name__
        return word if table is None else f"{table}/{word}"

    @property
    def members(self) -> list[Options]:
        """The options of the table's models, in the order of definition."""
        return list(self._by_name.values())

    @property
    def models(self) -> list[type[Model]]:
        """The table's models, in the order of definition."""
        return [cast("type[Model]", meta.model) for meta in self.members]

    def find_model(self, item: StoredItem) -> Options | None:
        """Return the options of the model of an item, or of a key; None if it belongs to no model."""
        if self._finder is None or self._finder[0] != self.version:
            finder = ModelFinder(self.members, self.meta.schema, self.discriminator)
            self._finder = self.version, finder
        return self._finder[1].find(item)

    def check(self, meta: Options) -> None:
        """Check a model before it joins the table.

        Raises ModelDefinitionError if its items may have the keys of another model's items, or if the two
        models need different TTL attributes.
        """
        before, root = self._find_definition(meta), self.find_root(meta.model)
        for other in self._known.find_neighbours(meta):
            # The discriminator distinguishes related models.
            if other is not before and self.find_root(other.model) is not root:
                check_apart(self.name, meta, other)
                check_kinds(self.name, self.discriminator, meta, other)
        others = (self.meta, *self.members) if meta.ttl is not None else ()
        for other in others:
            if other is not before and other.ttl is not None:
                self._check_ttl(meta, other)
                break  # all models before have the same TTL attribute

    def _find_definition(self, meta: Options) -> Options | None:
        """Return the table's options for the model, possibly those of an earlier definition."""
        return self._by_name.get(get_name(meta.model))

    def join(self, meta: Options) -> None:
        """Add a checked model to the table."""
        before, name = self._find_definition(meta), get_name(meta.model)
        if before is None:
            self._by_name[name] = meta
            self._known.add(meta)
        else:
            others = {key: each for key, each in self._by_name.items() if key != name}
            self._by_name = {**others, name: meta}
            self._known = Members(self.members)
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
            f"{own.label} and {taken.label} are both TTL fields of {self.name}, and a table has one TTL "
            f"attribute: store both fields in it, by name={taken.attribute!r}"
        )

    def get_kind(self, meta: Options) -> str | None:
        """Return the kind of the model's items, or None without a discriminator."""
        return None if meta.kind is None else meta.kind.value

    def is_related(self, meta: Options, other: Options) -> bool:
        """Tell whether two models have a common base class in the table, or one is the base of the other."""
        return self.find_root(meta.model) is self.find_root(other.model)

    def find_unrelated(self, meta: Options) -> Iterator[Options]:
        """Yield the options of the models that are not related to *meta*'s."""
        for member in self.members:
            if member is not meta and not self.is_related(meta, member):
                yield member

    def find_root(self, model: type[Any]) -> type[Any]:
        """Return the topmost base class of *model* in this table, or *model*."""
        for each in reversed(model.__mro__):
            member = self._by_name.get(get_name(each))
            if member is not None and member.model is each:
                return each
        return model


def is_index(value: object) -> bool:
    """Tell whether a member of a class is an index."""
    return isinstance(value, Index)


def _find_discriminator(meta: Options) -> str | None:
    name = meta.declared["discriminator"]
    if name is not None and (not isinstance(name, str) or not name):
        raise ModelDefinitionError(
            f"{meta.name}.Meta.discriminator is {name!r}: it takes the name of the attribute that stores the "
            "model of an item, or None if the keys alone distinguish the models"
        )
    if name in meta.field_set.by_attribute:
        raise ModelDefinitionError(
            f"{meta.name}.Meta.discriminator is {name!r}, which is a field of {meta.name}: choose another "
            "name"
        )
    return name


def _find_keys(meta: Options) -> dict[str, AnyField]:
    by_attribute = meta.field_set.by_attribute
    return {key.name: by_attribute[key.name] for key in meta.schema.all_keys()}


def _is_in(index: IndexSchema, fields: FieldSet) -> bool:
    return all(key.name in fields.by_attribute for key in index.keys)


def _find_templates(model: type[Model], declared: Mapping[str, Any]) -> dict[str, Any]:
    given = declared["keys"]
    if not isinstance(given, Mapping):
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.keys is {given!r}: it takes a dict of templates by the names of "
            "the shared table's keys"
        )
    return {**given}
