"""``Model._meta``: the table, keys, fields and indexes of one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec.structs import replace

from ..codec import Unstorable, as_sent, check_text, from_json
from ..exceptions import ModelDefinitionError, QueryError, ResponseCorrupted, ValidationError
from ..expressions import Condition, Exists, FieldName, NotExists, Path, is_many
from ..limits import MAX_HASH_KEY_BYTES
from ..operations.base import Wire, WireItem
from ..schema import Index, TableSchema, declare_table
from .constraints import Constraint, compile_constraints, make_sentinels_schema
from .expiry import find_ttl_field, make_expiry
from .fields.base import AnyField, Field
from .fields.ids import UUIDField
from .fields.version import VersionField
from .foreign_keys.expansion import add_reference_constraints, expand_indexes
from .foreign_keys.field import ForeignKey
from .inheritance.declaring import (
    add_discriminator,
    inherit_table_options,
    prepare_index_keys,
)
from .inheritance.discriminator import PolymorphicIdentity
from .keys.declared import is_computed
from .records.attributes import find_assigned_keys
from .records.base import BaseRecord
from .records.checks import find_key_problem
from .records.collect import collect
from .records.fieldset import FieldSet
from .records.primary_key import NAME as PK
from .records.primary_key import PrimaryKey, compile_key_encoder, make_primary_key
from .registry import DeferredOptions
from .visibility import ItemFilter, make_filter

if TYPE_CHECKING:
    from .. import planning
    from ..batching import KeyReader
    from ..reading import keys as key_readers
    from ..schema import options as table_options
    from .attribute_values import display, spelling
    from .fields import unknown_options
    from .keys import computed_writes, rewriting
else:
    from ..lazy import (
        computed_writes,
        display,
        key_readers,
        planning,
        rewriting,
        spelling,
        table_options,
        unknown_options,
    )

TABLE_OPTIONS = (
    "stream",
    "encryption",
    "table_class",
    "deletion_protection",
    "point_in_time_recovery",
    "tags",
    "warm_throughput",
    "on_demand_maximum",
)
"""The options of the table that its schema keeps together."""

# The options of Meta and their defaults.
_DEFAULTS: dict[str, Any] = {
    "table_name": None,
    "abstract": False,
    "using": None,
    "indexes": (),
    "billing_mode": None,
    "read_capacity": None,
    "write_capacity": None,
    **dict.fromkeys(TABLE_OPTIONS),
    "allow_scan": False,
    "atomic": None,
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

# The names of the older mapper, as attributes of the class.
_OLDER = {
    "__table_name__": "table_name",
    "ReadCapacityUnits": "read_capacity",
    "WriteCapacityUnits": "write_capacity",
}


class TableLayout(Protocol):
    """The layout of a shared table, as far as the options of a model in it need it."""

    meta: Options

    def add_keys(
        self, model: type[Any], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]: ...
    def complete_meta(self, declared: Mapping[str, Any]) -> dict[str, Any]: ...
    def make_schema(self, fields: FieldSet, ttl: AnyField | None) -> TableSchema: ...
    def make_filter(self, meta: Options) -> ItemFilter: ...
    def make_scope(self, model: type[Any], table: str | None) -> str: ...
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
        declared: dict[str, Any],
        fields: FieldSet,
        kind: PolymorphicIdentity | None = None,
    ) -> None:
        self.model = model
        self.name = model.__name__
        self.declared = declared
        self.abstract: bool = declared["abstract"]
        self.observed_verbs: tuple[object, frozenset[str]] = (None, frozenset())
        """The verbs that hooks or receivers observe, and the state of the receivers then."""
        self.using: str | None = declared["using"]
        self.layout: TableLayout | None = declared.get("layout")
        """The shared table that the model is in, if it is in one."""
        self.table_name: str = declared["table_name"] or model.__name__
        self.field_set = fields
        self.indexes = expand_indexes(_collect_indexes(model, declared), fields.references)
        self.hash_key, self.range_key = self._find_keys()
        before: object = vars(model).get("_meta")
        self.referrers: tuple[ForeignKey[Any, Any], ...]
        self.referrers = () if before is None else vars(before).get("referrers", ())
        """The references to the model that have a ``related_name`` or an ``on_delete``."""
        self.keys: tuple[AnyField, ...] = (self.hash_key,)
        if self.range_key is not None:
            self.keys = (self.hash_key, self.range_key)
        self.key_names = frozenset(field.name for field in self.keys)
        self.version = self._find_version()
        self.atomic = None if declared["atomic"] is None else bool(declared["atomic"])
        """Whether instances are written only if nothing has changed since they were loaded; None: as
        the connection says."""
        self.ttl = find_ttl_field(self.name, fields.by_name, declared["ttl"])
        """The TTL field, or None."""
        self.expiry = make_expiry(self.name, self.ttl, declared["hide_expired"])
        """What finds expired items; None without ``Meta.hide_expired``."""
        self.kind = kind
        """The identity of the class among those of the table; None without ``Meta.discriminator``."""
        self.item_filter: ItemFilter | None = make_filter(self.expiry, kind)
        """The filter on all reads, or None."""
        self.schema: TableSchema = self._make_schema()
        prepare_index_keys(fields, self.schema if self.layout is None else self.layout.meta.schema)
        if self.layout is not None:
            self.item_filter = self.layout.make_filter(self)
        self.unique_table = self._find_unique_table()
        """The name of the table of the sentinels of unique values."""
        shared = self.unique_table != f"{self.table_name}-unique"
        scope = self.table_name if shared else None
        if self.layout is not None:
            scope = self.layout.make_scope(model, scope)
        self.constraints: tuple[Constraint, ...] = compile_constraints(
            self.name,
            add_reference_constraints(declared["constraints"], fields.references),
            fields.by_name,
            self.keys,
            scope,
        )
        """The unique constraints."""
        self.computed = self._make_computed()
        """The fields that are computed from others; None without key templates."""
        self.part_conditions: rewriting.PartConditions | None = None
        """What turns conditions on parts of keys into conditions on keys."""
        if self.computed is not None:
            self.part_conditions = rewriting.PartConditions(self.computed, self.schema)
        self.guarded = self.version is not None or bool(self.constraints)
        """Whether each write needs a condition or further writes, which batches do not have."""
        self.companions: tuple[TableSchema, ...] = ()
        """The tables that the model needs besides its own."""
        if self.constraints:
            self.companions = (make_sentinels_schema(self.unique_table),)
        path = Path((self.hash_key.attribute,), self.hash_key, self.hash_key.label)
        self.key_exists: Condition = Exists(path)
        """Holds if an item with the key exists, of any class."""
        self.key_missing: Condition = NotExists(path)
        """Holds if no item with the key exists."""
        self._planner: planning.Planner | None = None
        self.cache: QueryCache | None = None
        """The cache of query sets, by the shape of the query."""

    def __repr__(self) -> str:
        return f"<Options of {self.name}>"

    @property
    def fields(self) -> list[AnyField]:
        """The fields in the order of declaration, those of bases first."""
        return list(self.field_set)

    @cached_property
    def primary_key(self) -> PrimaryKey | None:
        """The key as ``pk``; None where a field has that name."""
        return make_primary_key(self.field_set, self.keys)

    def expand_pk(self, named: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *named* with the value of ``pk`` replaced by those of the key's fields."""
        if PK not in named or self.primary_key is None:
            return named
        return self.primary_key.expand(named)

    def get_field(self, name: str) -> AnyField:
        """Return the field called *name*, or the hash key alone for ``pk``.

        Raises TypeError with the names of the fields.
        """
        if name == PK and self.primary_key is not None:
            return self.primary_key.get_field()
        return self.field_set.get_field(name)

    def _find_keys(self) -> tuple[AnyField, AnyField | None]:
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

    def _find_version(self) -> VersionField | None:
        found = [field for field in self.field_set if isinstance(field, VersionField)]
        if len(found) > 1:
            names = " and ".join(field.name for field in found)
            raise ModelDefinitionError(
                f"{self.name} has {len(found)} version fields, {names}: keep one for the whole item"
            )
        return found[0] if found else None

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the constraints."""
        return frozenset(each.scope for each in self.constraints)

    def unique_attributes(self, changed: Iterable[str] | None = None) -> list[str]:
        """Return the attributes of all constraints, or of those that have one of *changed*."""
        touched = None if changed is None else set(changed)
        return list(
            dict.fromkeys(
                name
                for each in self.constraints
                if touched is None or not touched.isdisjoint(each.attributes)
                for name in each.attributes
            )
        )

    def check_writable(self, option: str, names: Iterable[str]) -> frozenset[str]:
        """Return the names of the fields that *option* lists for writing; refuse those of the key."""
        if not is_many(names):
            raise QueryError(f"{option}={names!r}: give a list of names, [{names!r}]")
        named = frozenset(self.field_set.expand_references(names))
        for name in named:
            is_part = self.computed is not None and name in self.computed.fixed
            if is_part or self.get_field(name).is_key:
                raise QueryError(
                    f"{option}: {name} is part of the key, which cannot change: leave it out"
                )
        return named

    def _make_computed(self) -> computed_writes.ComputedFields | None:
        computed = None
        if any(map(is_computed, self.field_set)):
            fields = self.field_set.by_name
            computed = computed_writes.ComputedFields(self.name, fields, self.keys)
            needed = self.unique_attributes()
            if self.ttl is not None:
                needed.append(self.ttl.attribute)
            computed.settle(self.schema, needed)
        self.field_set.computed = computed
        self.field_set.settle_defaults()
        return computed

    def _find_unique_table(self) -> str:
        declared = self.declared["unique_table"]
        name = f"{self.table_name}-unique" if declared is None else declared
        if not isinstance(name, str) or not name or name == self.table_name:
            raise ModelDefinitionError(
                f"{self.name}.Meta.unique_table is {declared!r}: it takes the name of another table than "
                "the model's"
            )
        return name

    @property
    def present(self) -> Condition:
        """Holds if the item exists and is of this class."""
        kind = self.kind
        return self.key_exists if kind is None else kind.require_class(self.key_exists)

    @property
    def absent(self) -> Condition:
        """Holds if an item may be put: there is none, or the stored one has expired and is hidden."""
        expiry = self.expiry
        return self.key_missing if expiry is None else self.key_missing | expiry.require_expired()

    @property
    def free(self) -> Condition | None:
        """Holds if an update may change or make the item; None if it always may."""
        kind = self.kind
        return None if kind is None or not kind.is_subclass else self.key_missing | self.present

    @property
    def table_schema(self) -> TableSchema:
        """The table with the indexes and the TTL of all classes that share it."""
        kind = self.kind
        if self.layout is not None:
            return self.layout.meta.schema
        table = None if kind is None else kind.hierarchy.table
        return self.schema if table is None else table.schema

    @property
    def visible(self) -> Condition:
        """Holds if the item exists and is not hidden."""
        expiry = self.expiry
        return self.present if expiry is None else self.present & expiry.require_unexpired()

    def _make_schema(self) -> TableSchema:
        if self.layout is not None:
            return self.layout.make_schema(self.field_set, self.ttl)

        def lookup(name: str) -> tuple[str, str]:
            field = self.field_set.by_name.get(name)
            if field is None and name in self.field_set.references:
                field = self.field_set.references[name].single
            if field is None and name not in keys and hasattr(self.model, "_layout"):
                return name, ""  # the models in a shared table have the fields of its indexes
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
                billing_mode=self.declared["billing_mode"],
                read_capacity=self.declared["read_capacity"],
                write_capacity=self.declared["write_capacity"],
                options=self._make_table_options(),
            )
            return schema if self.ttl is None else replace(schema, ttl=self.ttl.attribute)
        except ModelDefinitionError as error:
            raise ModelDefinitionError(f"{self.name}: {error}") from None

    def _make_table_options(self) -> table_options.TableOptions | None:
        """Return the further options of the table; None if there are none."""
        if all(self.declared[name] is None for name in TABLE_OPTIONS):
            return None
        return table_options.declare_options(self.declared)

    @property
    def home(self) -> Options:
        """The options of the table: those of the shared table, or these."""
        return self if self.layout is None else self.layout.meta

    def forget_plans(self) -> None:
        """Drop cached plans, as another class was added to the table."""
        self.field_set.forget_plan()
        if self.cache is not None:
            self.cache.forget()

    @property
    def planner(self) -> planning.Planner:
        """The planner of queries to this model."""
        if self._planner is None:
            names = {field.attribute: field.name for field in self.field_set}
            usual = cast("Any", Field).find_key_problem
            subject = planning.Subject(
                name=self.name,
                schema=self.schema,
                fields=names,
                problem=self._find_key_problem,
                plain_keys=all(type(f).find_key_problem is usual for f in self.field_set),
                allow_scan=bool(self.declared["allow_scan"]),
                # Without fields with a default, which items from before the field was declared lack.
                always=frozenset(f.attribute for f in self.field_set if f.required).union(
                    () if self.computed is None else self.computed.always
                ),
                complete=frozenset(str(each.name) for each in self.home.indexes if each.complete),
                parts={} if self.computed is None else self.computed.parts,
            )
            self._planner = planning.Planner(subject)
        return self._planner

    def _find_key_problem(self, attribute: str, wire: Wire) -> str | None:
        """Return the problem of a value of a key attribute of the table or an index, or None."""
        field = self.field_set.by_attribute.get(attribute)
        if field is None:
            return None
        problem = find_key_problem(field, wire)
        if problem is not None and not field.hash_key and self._is_hash(attribute):
            # A value that is too long for a range key may be one of a hash key.
            field = copy(field)
            field.key_limit = MAX_HASH_KEY_BYTES
            problem = find_key_problem(field, wire)
        return problem

    def _is_hash(self, attribute: str) -> bool:
        """Tell whether an index or the table has *attribute* in its hash key."""
        keys = [self.schema.hash_key, *(key for i in self.schema.indexes for key in i.hash_key)]
        return any(key.name == attribute for key in keys)

    def key(
        self,
        given: tuple[Any, ...],
        named: Mapping[str, Any],
        spelled: Mapping[str, Wire] | None = None,
    ) -> WireItem:
        """Return the primary key on the wire, from values in order or by name.

        :param spelled: the attribute values of some of the fields, where they are known.

        Raises TypeError for values that are not those of the key's fields, ValidationError for values
        that no key can have.
        """
        keys = self.keys
        if given:
            if named or len(given) > len(keys):
                raise self._make_key_error(
                    f"not {given!r} and {dict(named)!r}" if named else f"not {given!r}"
                )
            if self.computed is None and len(given) == len(keys):  # nearly always
                return self.encode_key_values(*given)
            named = dict(zip([field.name for field in keys], given, strict=False))
        if named.keys() == self.key_names and not spelled and self.computed is None:
            return self._encode_key(named)  # nearly always
        if not given and PK in named:
            named = self.expand_pk(named)
        if not given and self.field_set.references:
            spelled = spelled or self.field_set.spell_references(named)
            named = self.field_set.expand_values(named)
        if self.computed is not None:
            try:
                named = self.computed.compose_key_values(named)
            except KeyError:
                raise self._make_key_error(f"not {', '.join(named) or 'nothing'}") from None
        if named.keys() != self.key_names:
            raise self._make_key_error(f"not {', '.join(named) or 'nothing'}")
        if not spelled:
            return {field.attribute: self.key_value(field, named[field.name]) for field in keys}
        return {
            field.attribute: spelled.get(field.name) or self.key_value(field, named[field.name])
            for field in keys
        }

    @cached_property
    def _encode_key(self) -> Callable[[Mapping[str, Any]], WireItem]:
        return compile_key_encoder(self.keys, self.key_value, by_name=True)

    @cached_property
    def encode_key_values(self) -> Callable[..., WireItem]:
        """The function that encodes the values of the key's fields, in order, as ``key_value`` does each."""
        return compile_key_encoder(self.keys, self.key_value, by_name=False)

    def is_key(self, named: Mapping[str, Any]) -> bool:
        """Tell whether *named* are the fields of the key, or its parts, and nothing else."""
        if PK in named:
            named = self.expand_pk(named)
        if self.field_set.references and not self.field_set.references.keys().isdisjoint(named):
            named = dict.fromkeys(self.field_set.expand_references(named))
        if self.computed is not None:
            return self.computed.is_key(named)
        return named.keys() == self.key_names

    def _make_key_error(self, problem: str) -> TypeError:
        names = " and ".join(field.name for field in self.keys)
        if self.computed is not None:
            names = f"{self.computed.key_names}, or {names}"
        return TypeError(f"the key of {self.name} is {names}, {problem}")

    def key_of(self, given: Any) -> WireItem:
        """Return the key on the wire of an instance, or of a key as a dict, a tuple or a value."""
        if type(given) is tuple:
            return self.key(cast("tuple[Any, ...]", given), {})
        if isinstance(given, self.model):
            return dict(self.key_of_record(given))
        if isinstance(given, Mapping):
            return self.key((), cast("Mapping[str, Any]", given))
        parts = cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (given,)
        return self.key(parts, {})

    def key_of_record(self, record: BaseRecord) -> WireItem:
        """Return the key of an instance on the wire: as it is stored, unless another one was assigned.

        Raises ValidationError where that is a loaded instance, whose key cannot change.
        """
        stored = self.find_stored_key(record)
        assigned = None if stored is None else self._find_assigned_key(record, stored)
        if stored is not None and assigned is None:
            return stored
        if self.computed is None:
            values = {field.name: getattr(record, field.name) for field in self.keys}
        else:
            values = self.computed.compose_key(record)
        key = self.key(
            (), values, find_assigned_keys(record) if self.field_set.references else None
        )
        if stored is not None and assigned is not None and record._stored is not None:
            raise self.make_changed_error(assigned, stored)
        return key

    def find_stored_key(self, record: BaseRecord) -> WireItem | None:
        """Return the key of an instance as whoever wrote it spelled it; None if it never was stored."""
        if record._stored is not None:
            try:
                return dict(self._read_key(record._stored))
            except ResponseCorrupted:  # made by hand, or without its key
                if not record._decoded:
                    record._decode()
                return self.stored_key(from_json(record._stored))
        known = None if record._state is None else record._state.known_key
        return None if known is None else dict(known)

    def _find_assigned_key(self, record: BaseRecord, key: Mapping[str, Wire]) -> AnyField | None:
        """Return a field of the key that has another value than in *key*; None if there is none."""
        values = record.__dict__
        for field in self.keys:
            if self.computed is not None and field.name in self.computed.by_name:
                if self.computed.is_key_changed(record, field.name, key):
                    return field
            elif field.name in values and not spelling.stays_same(
                field, key[field.attribute], values[field.name]
            ):
                return field
        return None

    @cached_property
    def _read_key(self) -> KeyReader:
        return key_readers.make_key_reader(self.schema.key)

    def stored_key(self, stored: Mapping[str, Wire]) -> WireItem:
        """Return the key among stored attributes; raise ValidationError where it was not loaded."""
        key: WireItem = {}
        for field in self.keys:
            if (wire := stored.get(field.attribute)) is None:
                raise self._make_value_error(field, "it is part of the key, and was not loaded")
            key[field.attribute] = as_sent(wire) if "B" in wire else wire
        return key

    def make_changed_error(self, field: AnyField, stored: Mapping[str, Wire]) -> ValidationError:
        """Return the error for a loaded instance whose *field*, of the key, has another value now."""
        return self._make_value_error(
            field,
            f"it is part of the key and was {display.decode_or_free(field, stored[field.attribute])!r} when "
            "loaded: an item's key cannot change; create a new item and delete this one",
        )

    def check_own_key(self, key: WireItem) -> WireItem:
        """Return *key*, or raise ValidationError if it is the key of another model's item.

        In a shared table that is a text which the template does not make.
        """
        for field in self.keys if self.layout is not None else ():
            template = getattr(field, "bound_template", None)
            text = key[field.attribute].get("S", "")
            if template is not None and template.parse_wires(text) is None:
                raise self._make_value_error(
                    field, f"{text!r} is no text of the template {template}"
                )
        return key

    def key_value(self, field: AnyField, value: Any) -> Wire:
        """Return one part of a key on the wire."""
        try:
            wire = check_text(field.to_wire(value) or {}) if value is not None else None
        except Unstorable as error:
            raise self._make_value_error(field, str(error)) from None
        if not wire:
            raise self._make_value_error(field, "it is required: give it a value")
        if (reason := field.find_key_problem(wire)) is not None:
            raise self._make_value_error(field, reason)
        return wire

    def _make_value_error(self, field: AnyField, reason: str) -> ValidationError:
        return ValidationError({field.name: [reason]}, model=self.name)

    def condition(self, condition: Condition | None) -> Condition | None:
        """Return *condition* with the names of ``F`` replaced by the paths of fields."""
        if condition is None:
            return None
        if not isinstance(condition, Condition):
            raise TypeError(
                f"condition= takes a condition, such as {self.name}.{self.hash_key.name}.exists(), "
                f"not {condition!r}"
            )
        condition = condition.bind(self.resolve)
        return (
            condition
            if self.part_conditions is None
            else self.part_conditions.rewrite_condition(condition)
        )

    def resolve(self, path: Path) -> Path:
        """Return *path* with a field's name at its beginning replaced by the path of the field."""
        name = str(path.parts[0])
        field: Any = self.field_set.by_name.get(name) or self.field_set.references.get(name)
        if field is None and name == PK and isinstance(path, FieldName):
            field = self.get_field(name)  # F("pk") is an attribute of that name
        if field is None:
            return path
        resolved: Path = field._path()
        for part in path.parts[1:]:
            resolved = resolved.follow(part)
        return resolved


def prepare(
    model: type[Any], base: type[Any], *, late: bool = False
) -> tuple[FieldSet, Options | None]:
    """Return the fields and the options of a new model class; no options if it is abstract.

    The options of a model with unresolved references are a placeholder that resolves them.

    :param late: find the classes that references name in all modules.
    """
    declared = _collect_meta(model)
    fields, references = collect(model, base, late=late)
    if declared["abstract"]:
        if declared["kind"] is not None:
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.kind: the class is abstract, and no item is of it: drop one of "
                "them"
            )
        return FieldSet(model.__name__, fields, references, model), None
    if declared["table"] is not None:
        layout = _find_layout(model, declared)
        fields = layout.add_keys(model, declared, fields)
        declared = layout.complete_meta(declared)
    elif declared["keys"]:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.keys is for models in a shared table, which Meta.table names: give "
            "the fields themselves a template="
        )
    declared = inherit_table_options(model, declared)
    unsettled = [each for each in references.values() if not each.is_settled]
    if not any(field.is_key for field in (*fields.values(), *unsettled)):
        fields = {"id": _add_default_key(model, fields), **fields}
    if unsettled:
        waiting: Any = DeferredOptions(model)
        return FieldSet(model.__name__, fields, references, model), waiting
    fields, kind = add_discriminator(model, base, declared, fields)
    field_set = FieldSet(model.__name__, fields, references, model)
    options = Options(model, declared, field_set, kind)
    if options.layout is not None:
        options.layout.check(options)
    return field_set, options


def _find_layout(model: type[Any], declared: Mapping[str, Any]) -> TableLayout:
    """Return the layout of the shared table that ``Meta.table`` names.

    Raises ModelDefinitionError if it names no shared table.
    """
    table = declared["table"]
    layout: TableLayout | None = vars(table).get("_layout") if isinstance(table, type) else None
    if layout is None:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.table is {table!r}: it takes a subclass of SharedTable; "
            "a table of the model's own is named by table_name"
        )
    return layout


def _read_meta(model: type, meta: object) -> dict[str, Any]:
    """Return the options of the class *meta* and of its bases."""
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{model.__name__}.Meta is {meta!r}: write class Meta: ...")
    others = {id(base.__dict__.get("Meta")) for base in model.__mro__[1:]}
    return {
        name: value
        for base in reversed(meta.__mro__[:-1])
        # The Meta of a base class of the model is collected from that class.
        if id(base) not in others
        for name, value in vars(base).items()
        if name[0] != "_"
    }


def _add_default_key(model: type[Any], fields: dict[str, AnyField]) -> AnyField:
    if "id" in fields:
        raise ModelDefinitionError(
            f"{model.__name__} has a field id but no key: give one field hash_key=True"
        )
    from uuid import uuid4  # imported only for models without a key

    field = UUIDField(hash_key=True, default=uuid4).bound_to(model.__name__, "id")
    model.id = field
    return field


def _collect_meta(model: type[Any]) -> dict[str, Any]:
    """Return the options of the class and its bases, from Meta and by the older names."""
    declared, here = dict(_DEFAULTS), dict[str, Any]()
    for ancestor in reversed(model.__mro__):
        own = vars(ancestor)
        here = {}
        meta = own.get("Meta")
        if meta is not None:
            here = _read_meta(ancestor, meta)
            for unknown in here.keys() - _DEFAULTS.keys():
                raise ModelDefinitionError(
                    f"{ancestor.__name__}.Meta.{unknown} is unknown: "
                    f"Meta takes {', '.join(_DEFAULTS)}"
                    f"{unknown_options.advise([unknown], unknown_options.META_OPTIONS)}"
                )
        here.update({name: own[older] for older, name in _OLDER.items() if older in own})
        if ancestor is not model:
            here = {name: value for name, value in here.items() if name not in _NOT_INHERITED}
        if isinstance(
            keys := here.get("keys"), Mapping
        ):  # a class may add to the keys of its bases
            here["keys"] = {**declared["keys"], **cast("Mapping[str, Any]", keys)}
        declared.update(here)
    name = declared["table_name"]
    if (name is not None and not isinstance(name, str)) or ("table_name" in here and not name):
        raise ModelDefinitionError(
            f"{model.__name__}: the table's name is a str that is not empty, not {name!r}: leave table_name "
            "out, and the table has the name of the class"
        )
    return declared


def _collect_indexes(model: type[Any], options: dict[str, Any]) -> list[Index]:
    found: dict[str, Index] = {}
    for ancestor in reversed(model.__mro__):
        for name, value in vars(ancestor).items():
            if isinstance(value, Index):
                found[name] = value
            elif name in found:
                del found[name]
    if not isinstance(options["indexes"], (list, tuple)):
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.indexes is {options['indexes']!r}: it takes a list of indexes"
        )
    declared = cast("list[Index] | tuple[Index, ...]", options["indexes"])
    indexes = [*found.values(), *declared]
    for index in indexes:
        if not isinstance(index, Index):
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.indexes holds {index!r}: it takes GlobalIndex and LocalIndex"
            )
    return indexes
