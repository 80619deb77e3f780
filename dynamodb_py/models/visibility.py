"""The filter on every read of a model: expired items and items of other classes are left out.

Query sets send it to DynamoDB. Items read by key, which DynamoDB does not filter, are checked after
reading. Soft deletes are in ``soft_delete``, other models of a shared table in ``shared_tables``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from ..expressions import Condition, Path, Unexpired
from ..operations.items import StoredItem
from .expiry import Expiry
from .inheritance.discriminator import PolymorphicIdentity

if TYPE_CHECKING:
    from ..planning import Plan, Question
    from .keys.rewriting import PartConditions


class ItemFilter:
    """The filter on the reads of a model; *expiry* and *kind* are None if it has none."""

    def __init__(self, expiry: Expiry | None, kind: PolymorphicIdentity | None) -> None:
        self.expiry = expiry
        self.kind = kind if kind is not None and kind.is_subclass else None

    @property
    def paths(self) -> list[Path]:
        """The paths in an item that :meth:`hides` reads."""
        return [each.path for each in (self.expiry, self.kind) if each is not None]

    def condition(self) -> Condition:
        """Return the condition that an item is visible now."""
        condition = Condition() if self.expiry is None else self.expiry.require_unexpired()
        return condition if self.kind is None else condition & self.kind.condition()

    def apply_to(self, question: Question) -> Question:
        """Return *question* with the condition that the items are visible."""
        everything = question.condition.is_empty and not question.order
        condition = question.condition & self.condition()
        # A question for all items may scan in spite of the added condition, unless a key finds the items.
        scan = everything and not self._has_key(question)
        return replace(question, condition=condition, scan=question.scan or scan)

    def _has_key(self, question: Question) -> bool:
        """Tell whether the table or an index has the kind as hash key, and holds all items of it."""
        if self.kind is None:
            return False
        schema, name = self.kind.model._meta.schema, self.kind.hierarchy.attribute
        if schema.hash_key.name == name and question.index is None:
            return True
        subject = self.kind.model._meta.planner.subject
        return any(
            [key.name for key in index.hash_key] == [name]
            and not subject.find_optional(index.name, [key.name for key in index.range_key], [name])
            and question.index in (None, index.name)
            and index.projection.kind == "ALL"
            and not question.consistent
            for index in schema.indexes
        )

    def explain(self, plan: Plan) -> Plan:
        """Return *plan* with a note on how it leaves out other items, if the filter adds one."""
        return plan

    def hides(self, item: StoredItem) -> bool:
        """Tell whether reads leave out *item*."""
        if self.kind is not None and not self.kind.holds(item):
            return True
        return self.expiry is not None and self.expiry.hides(item)

    def hides_wires(self, wires: Mapping[str, Any]) -> bool:
        """Tell whether reads leave out the item with these attributes."""
        if self.kind is not None and not self.kind.holds_wires(wires):
            return True
        return self.expiry is not None and self.expiry.hides_wires(wires)

    @property
    def basis(self) -> object:
        """An object that is replaced when the filter adds other conditions to the same question."""
        return None if self.kind is None else self.kind.condition()

    def is_stable(self, given: Condition, filtered: Condition) -> bool:
        """Tell whether the filter treats *given* and the same condition with other values alike.

        :param filtered: *given* after the filter.
        """
        return True


def make_filter(expiry: Expiry | None, kind: PolymorphicIdentity | None) -> ItemFilter | None:
    """Return the filter on reads of a model; None if it has nothing to filter by."""
    if expiry is None and (kind is None or not kind.is_subclass):
        return None
    return ItemFilter(expiry, kind)


class FilteredOptions(Protocol):
    """The options of a model, as far as filtering its items needs them."""

    item_filter: ItemFilter | None
    kind: PolymorphicIdentity | None

    @property
    def present(self) -> Condition: ...


def filter_item(meta: FilteredOptions, item: StoredItem | None) -> StoredItem | None:
    """Return *item*, or None if reads of the model hide it."""
    hiding = meta.item_filter
    return None if hiding is not None and item is not None and hiding.hides(item) else item


def filter_items(
    meta: FilteredOptions, items: Sequence[StoredItem | None]
) -> Sequence[StoredItem | None]:
    """Return *items* with None in place of each item that reads of the model hide."""
    return items if meta.item_filter is None else [filter_item(meta, item) for item in items]


def is_hidden(meta: FilteredOptions, wires: Mapping[str, Any] | None) -> bool:
    """Tell whether reads of the model hide the item of these attributes."""
    hiding = meta.item_filter
    return hiding is not None and wires is not None and hiding.hides_wires(wires)


def is_of_other_class(meta: FilteredOptions, current: Any) -> bool:
    """Tell whether *current*, the item that made a condition fail, is of another class of the table.

    :param current: the attributes, an instance, or None.
    """
    kind = meta.kind
    if kind is None or current is None or not kind.is_subclass:
        return False
    if isinstance(current, Mapping):
        return not kind.holds_wires(current)  # pyright: ignore[reportUnknownArgumentType]
    return not isinstance(current, kind.model)


def requires_existence_only(meta: FilteredOptions, condition: Condition | None) -> bool:
    """Tell whether *condition* requires only that the item exists and is not hidden."""
    terms = () if condition is None else condition.conjuncts
    return bool(terms) and all(
        term == meta.present or isinstance(term, Unexpired) for term in terms
    )


class FilteredQuestions(Protocol):
    """The options of a model, as far as :func:`filter_question` needs them."""

    item_filter: ItemFilter | None
    part_conditions: PartConditions | None

    @property
    def layout(self) -> object: ...


def filter_question(meta: FilteredQuestions, question: Question) -> Question:
    """Return *question* with the filter on reads, and with conditions on keys in place of their parts."""
    if meta.item_filter is not None:
        question = meta.item_filter.apply_to(question)
    # The filter of a shared table has replaced the parts already.
    if meta.part_conditions is not None and meta.layout is None:
        question = meta.part_conditions.rewrite(question)
    return question


class Scope(Protocol):
    """The items that a class of managers and query sets leaves out, besides those that all reads hide."""

    def condition(self, model: type[Any], /) -> Condition:
        """Return the condition that an item is not left out."""
        ...

    def attribute(self, model: type[Any], /) -> str:
        """Return the attribute that :meth:`hides` looks at."""
        ...

    def hides(self, instance: Any, /) -> bool:
        """Tell whether an instance, which may have been read in part, is left out."""
        ...

    def check_batch_delete(self, model: type[Any], /) -> None:
        """Raise QueryError if a batch cannot delete items as ``delete()`` does."""
        ...
