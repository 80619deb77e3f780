"""``Model._meta``: the table, keys, fields and indexes of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec.structs import replace

from ...exceptions import ModelDefinitionError, QueryError
from ...expressions import Condition, Exists, FieldName, NotExists, Path, is_many
from ...limits import MAX_HASH_KEY_BYTES
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...schema import TableSchema, declare_table
from ..constraints import Constraint, compile_constraints, make_sentinels_schema
from ..expiry import find_ttl_field, make_expiry
from ..fields.base import AnyField, Field
from ..fields.version import VersionField
from ..foreign_keys.expansion import add_reference_constraints, expand_indexes
from ..foreign_keys.field import ForeignKey
from ..inheritance.declaring import prepare_index_keys
from ..inheritance.discriminator import PolymorphicIdentity
from ..keys.declared import is_computed
from ..records.checks import find_key_problem
from ..records.fieldset import FieldSet
from ..records.primary_key import NAME as PK
from ..visibility import ItemFilter, make_filter
from .item_keys import ItemKeys
from .meta import TABLE_OPTIONS, collect_indexes

if TYPE_CHECKING:
    from ... import planning
    from ...schema import options as table_options
    from ..keys import computed_writes, rewriting
else:
    from ...lazy import computed_writes, planning, rewriting, table_options


class TableLayout(Protocol):
    """The part of a shared table's layout that the options of its models use."""

    meta: Options

    def add_keys(
        self, model: type[Any], declared: Mapping[str, Any], fields: Mapping[str, AnyField]
    ) -> dict[str, AnyField]: ...
    def complete_meta(self, declared: Mapping[str, Any]) -> dict[str, Any]: ...
    def find_model(self, item: StoredItem) -> Options | None: ...
    def make_schema(self, fields: FieldSet, ttl: AnyField | None) -> TableSchema: ...
    def make_filter(self, meta: Options) -> ItemFilter: ...
    def make_scope(self, model: type[Any], table: str | None) -> str: ...
    def check(self, meta: Options) -> None: ...
    def join(self, meta: Options) -> None: ...


class QueryCache(Protocol):
    """The compiled queries of one model, which query sets keep."""

    def forget(self) -> None: ...


class Options(ItemKeys):
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
        """The state of the receivers, and the verbs that hooks or receivers observe in that state."""
        self.using: str | None = declared["using"]
        self.layout: TableLayout | None = declared.get("layout")
        """The layout of the shared table that the model is in; None without ``Meta.table``."""
        self.table_name: str = declared["table_name"] or model.__name__
        self.field_set = fields
        self.indexes = expand_indexes(collect_indexes(model, declared), fields.references)
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
        """Whether instances are written only if their items did not change since they were loaded.

        None means the default of the connection.
        """
        self.ttl = find_ttl_field(self.name, fields.by_name, declared["ttl"])
        """The TTL field, or None."""
        self.expiry = make_expiry(self.name, self.ttl, declared["hide_expired"])
        """The test for expired items; None without ``Meta.hide_expired``."""
        self.kind = kind
        """The identity of the class among those of the table; None without ``Meta.discriminator``."""
        self.item_filter: ItemFilter | None = make_filter(self.expiry, kind)
        """The filter on all reads, or None."""
        self.schema: TableSchema = self._make_schema()
        prepare_index_keys(fields, self.schema if self.layout is None else self.layout.meta.schema)
        if self.layout is not None:
            self.item_filter = self.layout.make_filter(self)
        self.unique_table = self._find_unique_table()
        """The name of the table with the sentinels, the items that claim unique values."""
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
        """The fields that are computed from other fields; None without key templates."""
        self.part_conditions: rewriting.PartConditions | None = None
        """The rewriter of conditions on parts of keys to conditions on keys."""
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
        """The compiled queries of the model, by the shape of the query."""

    def __repr__(self) -> str:
        return f"<Options of {self.name}>"

    @property
    def fields(self) -> list[AnyField]:
        """The fields in the order of declaration, those of bases first."""
        return list(self.field_set)

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
        """Return the attributes of all constraints, or of those with an attribute in *changed*."""
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
                f"{self.name}.Meta.unique_table is {declared!r}: it takes the name of a table, but not of "
                "the model's own table"
            )
        return name

    @property
    def present(self) -> Condition:
        """Holds if the item exists and is of this class."""
        kind = self.kind
        return self.key_exists if kind is None else kind.require_class(self.key_exists)

    @property
    def absent(self) -> Condition:
        """Holds if an item may be inserted: none has the key, or the stored item has expired and is hidden."""
        expiry = self.expiry
        return self.key_missing if expiry is None else self.key_missing | expiry.require_expired()

    @property
    def free(self) -> Condition | None:
        """Holds if an update may change or create the item; None if it always may."""
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
        """Return the options of the table in TABLE_OPTIONS; None if none is declared."""
        if all(self.declared[name] is None for name in TABLE_OPTIONS):
            return None
        return table_options.declare_options(self.declared)

    @property
    def home(self) -> Options:
        """The options that declare the table: those of the shared table, or these."""
        return self if self.layout is None else self.layout.meta

    def forget_plans(self) -> None:
        """Drop cached plans: called when another class is added to the table."""
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
                # Fields with a default are left out: items that are older than such a field lack it.
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
            # The field's limit is that of a range key; a hash key may be longer.
            field = copy(field)
            field.key_limit = MAX_HASH_KEY_BYTES
            problem = find_key_problem(field, wire)
        return problem

    def _is_hash(self, attribute: str) -> bool:
        """Tell whether an index or the table has *attribute* in its hash key."""
        keys = [self.schema.hash_key, *(key for i in self.schema.indexes for key in i.hash_key)]
        return any(key.name == attribute for key in keys)

    def find_class(self, item: StoredItem, /, *, whole: bool) -> type[Any] | None:
        """Return the class of an item of the table, expired or not; None if it is of another model.

        The options of a shared table return the table's class for an item of no model.

        :param whole: False if *item* is only a key, which may be one of several models.
        """
        own: type[Any] = self.model
        found: type[Any] | None = own
        layout: TableLayout | None = self.layout or getattr(own, "_layout", None)
        if layout is not None:
            meta = layout.find_model(item)
            if self.layout is None:
                return own if meta is None else meta.model
            found = None if meta is None else meta.model
        elif self.kind is not None:
            found = self.kind.hierarchy.class_of(self.kind.hierarchy.root, item)
        if found is None or issubclass(found, own):
            return found
        return own if not whole and issubclass(own, found) else None

    def check_own_key(self, key: WireItem) -> WireItem:
        """Return *key*; raise ValidationError if it is a key of another model in the shared table.

        Such a key has a text that does not match the model's key template.
        """
        for field in self.keys if self.layout is not None else ():
            template = getattr(field, "bound_template", None)
            text = key[field.attribute].get("S", "")
            if template is not None and template.parse_wires(text) is None:
                raise self._make_value_error(
                    field, f"{text!r} does not match the template {template}"
                )
        return key

    def condition(self, condition: Condition | None) -> Condition | None:
        """Return *condition* with ``F("name")`` replaced by the path of the field."""
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

    def find_name(self, attribute: str, /) -> str | None:
        """Return the name of the field that is stored as *attribute*; None if none is."""
        field = self.field_set.by_attribute.get(attribute)
        return None if field is None else field.name

    def resolve(self, path: Path) -> Path:
        """Return *path* with its first part, the name of a field, replaced by the path of the field."""
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
