"""What a model class knows of itself: ``Model._meta``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, Protocol, cast

from msgspec.structs import replace

from ..codec import Unstorable, checked_text
from ..exceptions import ModelDefinitionError, QueryError, ValidationError
from ..expressions import Condition, Exists, NotExists, Path
from ..operations.base import Wire, WireItem
from ..planning import Planner, Subject
from ..schema import Index, TableSchema, declare_table
from .constraints import Constraint, compiled, sentinels_schema
from .expiry import expiry_of, ttl_field
from .fields.base import AnyField
from .fields.scalars import UUIDField
from .fields.version import VersionField
from .foreign_keys.expansion import with_parts, with_references
from .inheritance.declaring import sharing, united, with_kind
from .inheritance.discriminator import Kind
from .keys.computed_writes import Composing, composing_of
from .keys.rewriting import PartConditions
from .records.collect import collect
from .records.fieldset import FieldSet
from .registry import Waiting
from .visibility import Standing, standing_of

# What Meta may say, and what it is where neither the class nor a base says it.
_DEFAULTS: dict[str, Any] = {
    "table_name": None,
    "abstract": False,
    "using": None,
    "indexes": (),
    "billing_mode": None,
    "read_capacity": None,
    "write_capacity": None,
    "allow_scan": False,
    "atomic": False,
    "ttl": None,
    "hide_expired": False,
    "constraints": (),
    "unique_table": None,
    "discriminator": None,
    "kind": None,
    "unknown_kind": "warn",
    "table": None,
    "keys": {},
}
_NOT_INHERITED = frozenset({"table_name", "unique_table", "abstract", "kind"})

# The spelling of the older mapper, on the class itself.
_OLDER = {
    "__table_name__": "table_name",
    "ReadCapacityUnits": "read_capacity",
    "WriteCapacityUnits": "write_capacity",
}


class TableLayout(Protocol):
    """The layout of a shared table, as far as the options of a model in it need it."""

    meta: Options

    def fields(
        self, model: type[Any], said: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]: ...
    def said(self, said: Mapping[str, Any]) -> dict[str, Any]: ...
    def schema(self, fields: FieldSet, ttl: AnyField | None) -> TableSchema: ...
    def filter(self, meta: Options) -> Standing: ...
    def scope(self, model: type[Any], table: str | None) -> str: ...
    def check(self, meta: Options) -> None: ...
    def join(self, meta: Options) -> None: ...


class QueryCache(Protocol):
    """What query sets keep of the queries of one model."""

    def forget(self) -> None: ...


class Options:
    """The table, keys, fields and indexes of one model."""

    def __init__(
        self,
        model: type[Any],
        said: dict[str, Any],
        fields: FieldSet,
        kind: Kind | None = None,
    ) -> None:
        self.model = model
        self.name = model.__name__
        self.said = said
        self.abstract: bool = said["abstract"]
        self.using: str | None = said["using"]
        self.place: TableLayout | None = said.get("place")
        """The shared table that the model is in, if it is in one."""
        self.table_name: str = said["table_name"] or model.__name__
        self.field_set = fields
        self.indexes = with_parts(_indexes(model, said), fields.references)
        self.hash_key, self.range_key = self._keys()
        self.keys = (self.hash_key,) if self.range_key is None else (self.hash_key, self.range_key)
        self.version = self._version()
        self.atomic = bool(said["atomic"])
        """Whether writes by instances count only where nothing changed since they were loaded."""
        self.ttl = ttl_field(self.name, fields.by_name, said["ttl"])
        """The field that says when DynamoDB may delete an item, if there is one."""
        self.expiry = expiry_of(self.name, self.ttl, said["hide_expired"])
        """What hides expired items; None where ``Meta.hide_expired`` does not say so."""
        self.kind = kind
        """Which of the classes of the table it is; None where there are not several."""
        self.standing: Standing | None = standing_of(self.expiry, kind)
        """What every question is asked besides, if anything is."""
        self.schema: TableSchema = self._schema()
        if self.place is not None:
            self.standing = self.place.filter(self)
        self.unique_table = self._unique_table()
        """The table of the sentinels of what is unique, if anything is."""
        shared = self.unique_table != f"{self.table_name}-unique"
        scope = self.table_name if shared else None
        if self.place is not None:
            scope = self.place.scope(model, scope)
        self.constraints: tuple[Constraint, ...] = compiled(
            self.name,
            with_references(said["constraints"], fields.references),
            fields.by_name,
            self.keys,
            scope,
        )
        """What is unique."""
        self.composing = self._composing()
        """What composes the key templates; None where there are none."""
        self.parts: PartConditions | None = None
        """What turns conditions on the parts of keys into conditions on the keys."""
        if self.composing is not None:
            self.parts = PartConditions(self.composing, self.schema)
        self.guarded = self.version is not None or bool(self.constraints)
        """Whether each write of an item needs a condition or companions, which no batch has."""
        self.companions: tuple[TableSchema, ...] = ()
        """The tables beside the model's own."""
        if self.constraints:
            self.companions = (sentinels_schema(self.unique_table),)
        path = Path((self.hash_key.attribute,), self.hash_key, self.hash_key.label)
        present = Exists(path)
        self.present: Condition = present if kind is None else kind.present(present)
        """Holds where the item exists, and is of this class."""
        self.taken: Condition = present
        """Holds where there is an item with the key, of whatever class."""
        self.missing: Condition = NotExists(path)
        """Holds where there is no item at all."""
        self._planner: Planner | None = None
        self.cache: QueryCache | None = None
        """Where query sets keep what those of one shape have in common."""

    def __repr__(self) -> str:
        return f"<Options of {self.name}>"

    @property
    def fields(self) -> list[AnyField]:
        """The fields, bases' first, in the order of their declaration."""
        return list(self.field_set)

    def get_field(self, name: str) -> AnyField:
        """Return the field called *name*; raise TypeError, with the names that there are."""
        return self.field_set.named(name)

    def _keys(self) -> tuple[AnyField, AnyField | None]:
        hashes = [field for field in self.field_set if field.hash_key]
        ranges = [field for field in self.field_set if field.range_key]
        for role, found in (("hash", hashes), ("range", ranges)):
            if len(found) > 1:
                names = " and ".join(field.name for field in found)
                raise ModelDefinitionError(
                    f"{self.name} has {len(found)} {role} keys, {names}: keep {role}_key=True on one"
                )
        if not hashes:
            name = ranges[0].name
            raise ModelDefinitionError(
                f"{self.name}.{name} is a range key, but there is no hash key: "
                "declare one field with hash_key=True"
            )
        return hashes[0], ranges[0] if ranges else None

    def _version(self) -> VersionField | None:
        found = [field for field in self.field_set if isinstance(field, VersionField)]
        if len(found) > 1:
            names = " and ".join(field.name for field in found)
            raise ModelDefinitionError(
                f"{self.name} has {len(found)} version fields, {names}: one counts for the whole item"
            )
        return found[0] if found else None

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the constraints."""
        return frozenset(each.scope for each in self.constraints)

    def unique_beside(self, changed: Iterable[str] | None = None) -> list[str]:
        """Return the attributes of all constraints, or of those that one of *changed* is in."""
        touched = None if changed is None else set(changed)
        return list(
            dict.fromkeys(
                name
                for each in self.constraints
                if touched is None or not touched.isdisjoint(each.attributes)
                for name in each.attributes
            )
        )

    def to_write(self, option: str, names: Iterable[str]) -> frozenset[str]:
        """Return the names of the fields that *option* asks to write; refuse those of the key."""
        if isinstance(names, str):
            raise QueryError(f"{option}={names!r}: give a list of names, [{names!r}]")
        named = frozenset(self.field_set.spread(names))
        for name in named:
            made = self.composing is not None and name in self.composing.fixed
            if made or self.get_field(name).is_key:
                raise QueryError(
                    f"{option}: {name} is part of the key, which cannot change: leave it out"
                )
        return named

    def _composing(self) -> Composing | None:
        composing = composing_of(self.name, self.field_set.by_name, self.keys)
        if composing is not None:
            needed = self.unique_beside()
            if self.ttl is not None:
                needed.append(self.ttl.attribute)
            composing.settle(self.schema, needed)
        self.field_set.composing = composing
        return composing

    def _unique_table(self) -> str:
        said = self.said["unique_table"]
        name = f"{self.table_name}-unique" if said is None else said
        if not isinstance(name, str) or not name or name == self.table_name:
            raise ModelDefinitionError(
                f"{self.name}.Meta.unique_table is {said!r}: it takes the name of another table than "
                "the model's"
            )
        return name

    @property
    def absent(self) -> Condition:
        """Holds where an item may be put: there is none, or ``Meta.hide_expired`` hides it by now."""
        expiry = self.expiry
        return self.missing if expiry is None else self.missing | expiry.expired()

    @property
    def free(self) -> Condition | None:
        """Holds where an item of this class is, or may be made by an update; None where anywhere is."""
        kind = self.kind
        return None if kind is None or not kind.narrows else self.missing | self.present

    @property
    def table_schema(self) -> TableSchema:
        """The table with what all classes need that share it."""
        kind = self.kind
        if self.place is not None:
            return self.place.meta.schema
        return self.schema if kind is None else united(list(kind.tree.metas.values()))

    @property
    def visible(self) -> Condition:
        """Holds where the item exists and is not hidden by now."""
        expiry = self.expiry
        return self.present if expiry is None else self.present & expiry.unexpired()

    def _schema(self) -> TableSchema:
        if self.place is not None:
            return self.place.schema(self.field_set, self.ttl)

        def lookup(name: str) -> tuple[str, str]:
            field = self.field_set.by_name.get(name)
            if field is None and name in self.field_set.references:
                field = self.field_set.references[name].single
            if field is None and name not in keys and not getattr(self.model, "_is_kind", True):
                return name, ""  # what an index of a shared table holds is of the models in it
            if field is None:
                known = ", ".join(self.field_set.by_name)
                raise ModelDefinitionError(f"there is no field {name!r}: the fields are {known}")
            return field.attribute, field.kind

        keys = {key for each in self.indexes for key in (*each.hash_fields, *each.range_fields)}
        try:
            schema = declare_table(
                self.table_name,
                self.hash_key.name,
                None if self.range_key is None else self.range_key.name,
                lookup=lookup,
                indexes=self.indexes,
                billing_mode=self.said["billing_mode"],
                read_capacity=self.said["read_capacity"],
                write_capacity=self.said["write_capacity"],
            )
            return schema if self.ttl is None else replace(schema, ttl=self.ttl.attribute)
        except ModelDefinitionError as error:
            raise ModelDefinitionError(f"{self.name}: {error}") from None

    @property
    def home(self) -> Options:
        """What knows the table: of a model in a shared table, the options of that."""
        return self if self.place is None else self.place.meta

    def forget_plans(self) -> None:
        """Plan anew from now on: a class came to the table after questions were asked."""
        if self.cache is not None:
            self.cache.forget()

    @property
    def planner(self) -> Planner:
        """What plans the questions to this model."""
        if self._planner is None:
            names = {field.attribute: field.name for field in self.field_set}
            subject = Subject(
                name=self.name,
                schema=self.schema,
                fields=names,
                problem=self._key_problem,
                allow_scan=bool(self.said["allow_scan"]),
                # Not those with a default: items from before the field was declared lack it.
                always=frozenset(f.attribute for f in self.field_set if f.required).union(
                    () if self.composing is None else self.composing.always
                ),
            )
            self._planner = Planner(subject)
        return self._planner

    def _key_problem(self, attribute: str, wire: Wire) -> str | None:
        """Return what is wrong with a value of an attribute that is a key of the table or an index."""
        field = self.field_set.by_attribute.get(attribute)
        if field is None:
            return None
        if field.kind not in wire:
            return f"it is of type {next(iter(wire))}, and this key is of type {field.kind}"
        problem = field.key_problem(wire)
        if problem is not None and not field.hash_key and self._is_hash(attribute):
            # The hash key of an index may be longer than what the field took it for.
            field = copy(field)
            field.hash_key = True
            problem = field.key_problem(wire)
        return problem

    def _is_hash(self, attribute: str) -> bool:
        """Tell whether an index or the table has *attribute* in its hash key."""
        keys = [self.schema.hash_key, *(key for i in self.schema.indexes for key in i.hash_key)]
        return any(key.name == attribute for key in keys)

    # -- keys ----------------------------------------------------------------------------------

    def key(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> WireItem:
        """Return the primary key on the wire, of values in order or by name.

        Raises TypeError where they are not just the key's fields, ValidationError for values that
        no key can have.
        """
        keys = self.keys
        if given:
            if named or len(given) > len(keys):
                raise self._no_key(
                    f"not {given!r} and {dict(named)!r}" if named else f"not {given!r}"
                )
            named = dict(zip([field.name for field in keys], given, strict=False))
        elif self.field_set.references:
            named = self.field_set.expanded(named)
        if self.composing is not None:
            try:
                named = self.composing.texts(named)
            except KeyError:
                raise self._no_key(f"not {', '.join(named) or 'nothing'}") from None
        if len(named) != len(keys):
            raise self._no_key(f"not {', '.join(named) or 'nothing'}")
        try:
            return {field.attribute: self.key_value(field, named[field.name]) for field in keys}
        except KeyError:
            raise self._no_key(f"not {', '.join(named)}") from None

    def is_key(self, named: Mapping[str, Any]) -> bool:
        """Tell whether *named* are just the fields of the key, or its parts."""
        if self.field_set.references and not self.field_set.references.keys().isdisjoint(named):
            named = dict.fromkeys(self.field_set.spread(named))
        if self.composing is not None:
            return self.composing.is_key(named)
        return len(named) == len(self.keys) and all(field.name in named for field in self.keys)

    def _no_key(self, said: str) -> TypeError:
        names = " and ".join(field.name for field in self.keys)
        if self.composing is not None:
            names = f"{self.composing.key_names}, or {names}"
        return TypeError(f"the key of {self.name} is {names}, {said}")

    def key_of(self, given: Any) -> WireItem:
        """Return the key on the wire of what names an item: an instance, a dict, a tuple, a value."""
        if isinstance(given, self.model):
            return dict(given._key())
        if isinstance(given, Mapping):
            return self.key((), cast("Mapping[str, Any]", given))
        parts = cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (given,)
        return self.key(parts, {})

    def own_key(self, key: WireItem) -> WireItem:
        """Return *key*, which is to be written to; raise ValidationError for another model's.

        In a shared table, a text that the template does not make is a key of something else.
        """
        for field in self.keys if self.place is not None else ():
            template = getattr(field, "bound_template", None)
            text = key[field.attribute].get("S", "")
            if template is not None and template.parse_wires(text) is None:
                raise self._wrong(field, f"{text!r} is no text of the template {template}")
        return key

    def key_value(self, field: AnyField, value: Any) -> Wire:
        """Return one part of a key on the wire."""
        try:
            wire = checked_text(field.spell(value) or {}) if value is not None else None
        except Unstorable as error:
            raise self._wrong(field, str(error)) from None
        if not wire:
            raise self._wrong(field, "it is required: give it a value")
        if (reason := field.key_problem(wire)) is not None:
            raise self._wrong(field, reason)
        return wire

    def _wrong(self, field: AnyField, reason: str) -> ValidationError:
        return ValidationError({field.name: [reason]}, model=self.name)

    def condition(self, condition: Condition | None) -> Condition | None:
        """Return *condition* with the names that ``F`` gives in it turned into the fields' paths."""
        if condition is None:
            return None
        if not isinstance(condition, Condition):
            raise TypeError(
                f"condition= takes a condition, such as {self.name}.{self.hash_key.name}.exists(), "
                f"not {condition!r}"
            )
        condition = condition.bind(self.resolve)
        return condition if self.parts is None else self.parts.condition(condition)

    def resolve(self, path: Path) -> Path:
        """Return the path of a field for one that begins with its name; others are left alone."""
        name = str(path.parts[0])
        field = self.field_set.by_name.get(name)
        if field is None and (reference := self.field_set.references.get(name)) is not None:
            field = reference.single
        if field is None:
            return path
        resolved = field._path()
        for part in path.parts[1:]:
            resolved = resolved.follow(part)
        return resolved


def prepare(
    model: type[Any], base: type[Any], *, late: bool = False
) -> tuple[FieldSet, Options | None]:
    """Return the fields and the options of a new model class; no options where it is abstract.

    Of a model that refers to classes which are not there yet, they are such that know when they are.

    :param late: find the classes that references name wherever they are.
    """
    said = _said(model)
    fields = collect(model, base, late=late)
    references = model._references
    if said["abstract"]:
        if said["kind"] is not None:
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.kind: the class is abstract, and no item is of it: drop one of "
                "them"
            )
        return FieldSet(model.__name__, fields), None
    if said["table"] is not None:
        place = _layout_of(model, said)
        fields = place.fields(model, said, fields)
        said = place.said(said)
    elif said["keys"]:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.keys is for models in a shared table, which Meta.table names: give "
            "the fields themselves a template="
        )
    said = sharing(model, said)
    unsettled = [each for each in references.values() if not each.is_settled]
    if not any(field.is_key for field in (*fields.values(), *unsettled)):
        fields = {"id": _default_key(model, fields), **fields}
    if unsettled:
        waiting: Any = Waiting(model)
        return FieldSet(model.__name__, fields, references), waiting
    fields, kind = with_kind(model, base, said, fields)
    field_set = FieldSet(model.__name__, fields, references)
    options = Options(model, said, field_set, kind)
    if options.place is not None:
        options.place.check(options)
    return field_set, options


def _layout_of(model: type[Any], said: Mapping[str, Any]) -> TableLayout:
    """Return the layout of the shared table that ``Meta.table`` names.

    Raises ModelDefinitionError if it names no shared table.
    """
    table = said["table"]
    layout: TableLayout | None = vars(table).get("_place") if isinstance(table, type) else None
    if layout is None:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.table is {table!r}: it takes a subclass of SharedTable; "
            "a table of the model's own is named by table_name"
        )
    return layout


def _members(model: type, meta: object) -> dict[str, Any]:
    """Return what the class Meta says, and what the bases of that class say."""
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{model.__name__}.Meta is {meta!r}: write class Meta: ...")
    others = {id(base.__dict__.get("Meta")) for base in model.__mro__[1:]}
    return {
        name: value
        for base in reversed(meta.__mro__[:-1])
        # The Meta of a base class of the model speaks for itself.
        if id(base) not in others
        for name, value in vars(base).items()
        if name[0] != "_"
    }


def _default_key(model: type[Any], fields: dict[str, AnyField]) -> AnyField:
    if "id" in fields:
        raise ModelDefinitionError(
            f"{model.__name__} has a field id but no key: give one field hash_key=True"
        )
    from uuid import uuid4  # only models without a key of their own pay for its import

    field = UUIDField(hash_key=True, default=uuid4).bound_to(model.__name__, "id")
    model.id = field
    return field


def _said(model: type[Any]) -> dict[str, Any]:
    """Return what the class and its bases say in Meta and in the older spelling."""
    said = dict(_DEFAULTS)
    for ancestor in reversed(model.__mro__):
        own = vars(ancestor)
        here: dict[str, Any] = {}
        meta = own.get("Meta")
        if meta is not None:
            here = _members(ancestor, meta)
            for unknown in here.keys() - _DEFAULTS.keys():
                raise ModelDefinitionError(
                    f"{ancestor.__name__}.Meta.{unknown} is unknown: "
                    f"Meta takes {', '.join(_DEFAULTS)}"
                )
        here.update({name: own[older] for older, name in _OLDER.items() if older in own})
        if ancestor is not model:
            here = {name: value for name, value in here.items() if name not in _NOT_INHERITED}
        if isinstance(keys := here.get("keys"), Mapping):  # a class may add to those of its bases
            here["keys"] = {**said["keys"], **cast("Mapping[str, Any]", keys)}
        said.update(here)
    if said["table_name"] is not None and not isinstance(said["table_name"], str):
        raise ModelDefinitionError(f"{model.__name__}: the table's name is a str")
    return said


def _indexes(model: type[Any], said: dict[str, Any]) -> list[Index]:
    found: dict[str, Index] = {}
    for ancestor in reversed(model.__mro__):
        for name, value in vars(ancestor).items():
            if isinstance(value, Index):
                found[name] = value
            elif name in found:
                del found[name]
    if not isinstance(said["indexes"], (list, tuple)):
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.indexes is {said['indexes']!r}: it takes a list of indexes"
        )
    declared = cast("list[Index] | tuple[Index, ...]", said["indexes"])
    indexes = [*found.values(), *declared]
    for index in indexes:
        if not isinstance(index, Index):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.indexes holds {index!r}: it takes GlobalIndex and LocalIndex"
            )
    return indexes
