"""The filter on reads of one model in a shared table: it leaves out the items of the other models.

If the keys distinguish the models, it uses the key, at no cost: ``begins_with`` on the range key, or the whole hash
key if its template has no parts. Otherwise it filters by the discriminator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from ...codec import from_json
from ...expressions import BeginsWith, Compare, Condition, In, Path, Value
from ...operations.base import Wire
from ...operations.items import StoredItem
from ...planning import Plan, Question
from ...planning.comparisons import EQUALS, RANGES, parse_comparison
from ..fields.base import AnyField
from ..keys.ranges import find_following
from ..visibility import ItemFilter
from .collisions import can_be_equal, can_share_prefix, get_prefix, get_template

if TYPE_CHECKING:
    from ..options.options import Options


Fixed: TypeAlias = "Mapping[str, tuple[Wire, ...]]"
"""The values of attributes that a condition determines."""


class Layout(Protocol):
    """The part of a shared table's layout that the filter uses."""

    name: str
    version: int

    def find_unrelated(self, meta: Options) -> Iterator[Options]: ...
    def get_kind(self, meta: Options) -> str | None: ...


class _Index(Struct, frozen=True, eq=False):
    """The key of the table or an index, by the fields of a model."""

    name: str | None
    hashes: tuple[AnyField, ...]
    range: AnyField | None
    whole: bool
    """Whether it has whole items."""


class _Unrelated(Struct, frozen=True, eq=False):
    """The models that reads of one model must leave out."""

    all: list[Options]
    kinds: frozenset[str | None]
    by_index: list[tuple[list[Options], bool]]
    """For the table and each index: the models that may share a hash key, and whether range keys differ."""


class SharedTableFilter(ItemFilter):
    """The filter on reads of one model in a shared table."""

    def __init__(self, meta: Options, layout: Layout) -> None:
        super().__init__(meta.expiry, meta.kind)
        self._meta, self._layout = meta, layout
        self._indexes = _indexes(meta)
        self._unrelated: tuple[int, _Unrelated] = (-1, _Unrelated([], frozenset(), []))

    @property
    def paths(self) -> list[Path]:
        kind = self._meta.kind
        return [*super().paths, *([] if kind is None or self.kind is not None else [kind.path])]

    def apply_to(self, question: Question) -> Question:
        everything = question.condition.is_empty and not question.order
        question = self._rewrite_parts(question)
        if not question.scan:
            question = self._with_constants(question)
        everything = everything and question.condition.is_empty
        condition = question.condition & self._exclude_others(question) & self.condition()
        question = replace(question, condition=condition, scan=question.scan or everything)
        kind, computed = self._meta.kind, self._meta.computed
        if (
            kind is not None
            and computed is not None
            and kind.hierarchy.attribute in computed.virtual
        ):
            return self._rewrite_parts(question)  # the kind is a part of the key itself
        return question

    def _rewrite_parts(self, question: Question) -> Question:
        """Return *question* with conditions on parts replaced by conditions on keys: these distinguish models."""
        parts = self._meta.part_conditions
        return question if parts is None else parts.rewrite(question)

    def explain(self, plan: Plan) -> Plan:
        explanation = plan.explanation
        if (
            plan.kind == "nothing"
            or explanation is None
            or self.kind is not None
            or not self.unrelated
        ):
            return plan  # PolymorphicIdentity adds the note for subclasses
        kind = self._meta.kind
        names = {path.parts[0] for path in explanation.filter.paths()}
        filtered = kind is not None and kind.hierarchy.attribute in names
        how = f"by a filter on {kind.hierarchy.attribute}" if filtered and kind else "by the key"
        note = f"only {self._meta.name}, of the models in {self._layout.name}: selected {how}"
        return replace(plan, explanation=replace(explanation, notes=(*explanation.notes, note)))

    @property
    def basis(self) -> object:
        return self._find_unrelated()  # kinds are models of the table too

    def is_stable(self, given: Condition, filtered: Condition) -> bool:
        kind, computed = self._meta.kind, self._meta.computed
        virtual = () if computed is None else computed.virtual
        if kind is not None and kind.hierarchy.attribute in virtual:
            return False
        named, fixed = {path.parts[0] for path in given.paths()}, find_fixed_values(filtered)
        known = zip(self._indexes, self._find_unrelated().by_index, strict=True)
        for index, (unrelated, apart) in known:
            keys = [*index.hashes, *([] if index.range is None else [index.range])]
            if any(get_template(key) is not None and key.attribute in named for key in keys):
                return False  # other values may match another model's template
            is_fixed = index.range is not None and index.range.attribute in fixed
            if is_fixed and unrelated and not apart:
                return False  # whether other models can have that key depends on its value
        return True

    def hides(self, item: StoredItem) -> bool:
        kind = self._meta.kind
        if kind is None and self._has_other_key(cast("Mapping[str, Wire]", from_json(item))):
            return True
        if kind is not None and self._is_foreign(kind.hierarchy.kind_of(item)):
            return True
        return super().hides(item)

    def hides_wires(self, wires: Mapping[str, Any]) -> bool:
        kind = self._meta.kind
        if kind is None and self._has_other_key(wires):
            return True
        if kind is not None and self._is_foreign(wires.get(kind.hierarchy.attribute, {}).get("S")):
            return True
        return super().hides_wires(wires)

    def _is_foreign(self, kind: str | None) -> bool:
        """Tell whether an item of this kind belongs to an unrelated model."""
        return kind is not None and kind in self._find_unrelated().kinds

    def _has_other_key(self, wires: Mapping[str, Wire]) -> bool:
        """Tell whether the key of an item does not match the templates of this model."""
        known = [field for field in self._meta.keys if field.attribute in wires]
        return not all(_make_matcher(field)(wires[field.attribute]) for field in known)

    @property
    def unrelated(self) -> list[Options]:
        """The unrelated models; reads leave out their items."""
        return self._find_unrelated().all

    def _find_unrelated(self) -> _Unrelated:
        """Return the unrelated models of the table; the result is cached until a model joins."""
        version, found = self._unrelated
        if version != self._layout.version:
            unrelated = list(self._layout.find_unrelated(self._meta))
            found = _Unrelated(
                unrelated,
                frozenset(map(self._layout.get_kind, unrelated)),
                [_find_sharing(index, unrelated) for index in self._indexes],
            )
            self._unrelated = self._layout.version, found
        return found

    def _with_constants(self, question: Question) -> Question:
        """Return *question* with conditions on the keys that are the same for all items of this model."""
        fixed = find_fixed_values(question.condition)
        indexes = [index for index in self._indexes if question.index in (None, index.name)]
        chosen = next((index for index in indexes if _has_hash_key(index, fixed)), None)
        if chosen is None and not any(_has_hash_key(index, fixed) for index in self._indexes):
            chosen = next((index for index in indexes if self._is_constant(index, question)), None)
        if chosen is None:
            return question
        keys = [*chosen.hashes, *([] if chosen.range is None else [chosen.range])]
        for field in keys:
            template = get_template(field)
            if field.attribute not in fixed and template is not None and not template.parts:
                same = Compare(_path(field), "=", Value({"S": template.literal_prefix}))
                question = replace(question, condition=question.condition & same)
        return question

    def _is_constant(self, index: _Index, question: Question) -> bool:
        """Tell whether all items of the model have one hash key there, which the question can get."""
        if index.name is not None and (
            question.consistent or not index.whole or not self._has_all(index)
        ):
            return False
        templates = [get_template(field) for field in index.hashes]
        return all(template is not None and not template.parts for template in templates)

    def _has_all(self, index: _Index) -> bool:
        """Tell whether every item of the model is in an index."""
        keys = (*index.hashes, *([] if index.range is None else [index.range]))
        names = [field.attribute for field in keys]
        return not self._meta.planner.subject.find_optional(index.name, names, ())

    def _exclude_others(self, question: Question) -> Condition:
        """Return the condition that leaves out the items of other models; it may be empty."""
        fixed, known = find_fixed_values(question.condition), self._find_unrelated()
        for index, (unrelated, apart) in zip(self._indexes, known.by_index, strict=True):
            if question.index not in (None, index.name) and index.name is not None:
                continue
            if not _has_hash_key(index, fixed):
                continue
            if not all(all(map(_make_matcher(f), fixed[f.attribute])) for f in index.hashes):
                return self._filter_by_kind()  # the templates of this model do not make these keys
            if index.range is not None and index.range.attribute in fixed:
                unrelated = [each for each in unrelated if _can_have(index.range, fixed, each)]
                apart = apart or not unrelated
            if not unrelated and self.kind is None:
                return Condition()
            begins = _require_prefix(index.range, question.condition)
            if index.range is not None and apart:
                return begins
            return begins & self._filter_by_kind() if index.name is None else self._filter_by_kind()
        return self._filter_by_kind() if known.all else Condition()

    def _filter_by_kind(self) -> Condition:
        """Return the filter for the items of this model."""
        kind = self._meta.kind
        if self.kind is not None:
            return Condition()  # condition() has this filter
        if kind is None:
            fields = [field for field in self._meta.keys if get_prefix(field)]
            begins = [BeginsWith(_path(each), Value({"S": get_prefix(each)})) for each in fields]
            condition = Condition()
            for term in begins:
                condition = condition & term
            return condition
        values = tuple(Value({"S": each}) for each in kind.values)
        return Compare(kind.path, "=", values[0]) if len(values) == 1 else In(kind.path, values)


def _indexes(meta: Options) -> tuple[_Index, ...]:
    """Return the keys of the table, and of its global indexes that have items of the model."""
    fields = meta.field_set.by_attribute
    found = [_Index(None, (meta.hash_key,), meta.range_key, whole=True)]
    for index in meta.schema.indexes:
        ranges = [fields[key.name] for key in index.range_key]
        hashes = tuple(fields[key.name] for key in index.hash_key) or (meta.hash_key,)
        whole = index.projection.kind == "ALL"
        if index.scope == "global":
            found.append(_Index(index.name, hashes, ranges[0] if len(ranges) == 1 else None, whole))
    return tuple(found)


def _has_hash_key(index: _Index, fixed: Fixed) -> bool:
    return all(field.attribute in fixed for field in index.hashes)


def _find_sharing(index: _Index, unrelated: Sequence[Options]) -> tuple[list[Options], bool]:
    """Return the models whose items may share a hash key, and whether no range keys can be equal."""
    found = [each for each in unrelated if _can_share(index.hashes, each)]
    return found, index.range is not None and _differ_in_prefix(index.range, found)


def _can_share(hashes: Sequence[AnyField], other: Options) -> bool:
    """Tell whether an item of *other* could have the same hash key as an item with these key fields."""
    by_attribute = other.field_set.by_attribute
    for field in hashes:
        twin = by_attribute.get(field.attribute)
        if twin is None or not can_be_equal(field, twin):
            return False
    return True


def _can_have(field: AnyField, fixed: Fixed, other: Options) -> bool:
    """Tell whether an item of *other* could have one of the range keys in the condition."""
    twin = other.field_set.by_attribute.get(field.attribute)
    return twin is not None and any(map(_make_matcher(twin), fixed[field.attribute]))


def _make_matcher(field: AnyField) -> Callable[[Wire], bool]:
    """Return a function that returns whether a key field can have a value."""
    template = get_template(field)

    def made(wire: Wire) -> bool:
        text = wire.get("S")
        return template is None or (text is not None and template.parse_wires(text) is not None)

    return made


def _differ_in_prefix(field: AnyField, unrelated: list[Options]) -> bool:
    """Tell whether no range key of *unrelated* can begin like those of *field*."""
    found = [each.field_set.by_attribute.get(field.attribute) for each in unrelated]
    return not any(
        other is not None and can_share_prefix(get_prefix(field), get_prefix(other))
        for other in found
    )


def _require_prefix(field: AnyField | None, condition: Condition) -> Condition:
    """Return the condition on the prefix of the model's range keys, unless *condition* implies it."""
    prefix = get_prefix(field)
    if field is None or not prefix or _implies_prefix(condition, field.attribute, prefix):
        return Condition()
    return BeginsWith(_path(field), Value({"S": prefix}))


def _implies_prefix(condition: Condition, attribute: str, prefix: str) -> bool:
    """Tell whether *condition* allows only values of an attribute with this prefix."""
    low, high, after = False, False, find_following(prefix)
    for name, operator, wires in filter(None, map(parse_comparison, condition.conjuncts)):
        if name != attribute or operator not in RANGES | {"="}:
            continue
        first, last = (str(wires[at].get("S", "")) for at in (0, -1))
        if operator == "=":
            return first.startswith(prefix)
        if operator == "begins_with" and first.startswith(prefix):
            return True
        low = low or (operator in (">", ">=", "between") and first >= prefix)
        high = high or (operator == "<" and prefix <= last <= after)
        high = high or (operator in ("<=", "between") and prefix <= last < after)
    return low and high


def find_fixed_values(condition: Condition) -> Fixed:
    """Return the values that *condition* fixes, by attribute."""
    comparisons = filter(None, map(parse_comparison, condition.conjuncts))
    return {name: wires for name, operator, wires in comparisons if operator in EQUALS}


def _path(field: AnyField) -> Path:
    return Path((field.attribute,), field, field.label)
