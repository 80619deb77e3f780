"""What every question to a model is asked besides: not what is expired, not what is of another class.

Query sets ask DynamoDB for it. What is read by key, where DynamoDB cannot be asked so, is looked at
after reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from ..expressions import Condition, Path, Unexpired
from ..operations.base import Wire
from ..operations.items import StoredItem
from ..operations.queries import Query
from ..planning import Plan, Question, Shortcut
from .expiry import Expiry
from .inheritance.discriminator import Kind


class Standing:
    """What holds for all items that a model's reads give."""

    def __init__(self, expiry: Expiry | None, kind: Kind | None) -> None:
        """Take what hides expired items, and the class whose items there are."""
        self.expiry = expiry
        self.kind = kind if kind is not None and kind.narrows else None

    @property
    def paths(self) -> list[Path]:
        """The places in an item that :meth:`hides` looks at."""
        return [each.path for each in (self.expiry, self.kind) if each is not None]

    def condition(self) -> Condition:
        """Return the condition that an item is given, now."""
        asked = Condition()
        if self.expiry is not None:
            asked = self.expiry.unexpired()
        return asked if self.kind is None else asked & self.kind.condition()

    def visible(self, question: Question) -> Question:
        """Return *question*, asked of the items that are given."""
        everything = question.condition.is_empty and not question.order
        asked = question.condition & self.condition()
        # What asks for everything needs no .scan() to be said, unless a key tells where it is.
        scan = everything and not self._has_key(question)
        return replace(question, condition=asked, scan=question.scan or scan)

    def _has_key(self, question: Question) -> bool:
        """Tell whether a hash key that can be read holds the kind, and all items of it are there."""
        if self.kind is None:
            return False
        schema, name = self.kind.model._options().schema, self.kind.tree.attribute
        if schema.hash_key.name == name and question.index is None:
            return True
        always = {name, schema.hash_key.name, *self.kind.model._options().planner.subject.always}
        if schema.range_key is not None:
            always.add(schema.range_key.name)
        return any(
            [key.name for key in index.hash_key] == [name]
            and always.issuperset(key.name for key in index.range_key)
            and question.index in (None, index.name)
            and index.projection.kind == "ALL"
            and not question.consistent
            for index in schema.indexes
        )

    def explained(self, plan: Plan) -> Plan:
        """Return *plan* with a note that says how it leaves out what is not given, where it can tell."""
        return plan

    def hides(self, item: StoredItem) -> bool:
        """Tell whether reads do not give *item*."""
        if self.kind is not None and not self.kind.holds(item):
            return True
        return self.expiry is not None and self.expiry.hides(item)

    def hides_wires(self, wires: Mapping[str, Any]) -> bool:
        """Tell whether reads do not give the item of these attributes."""
        if self.kind is not None and not self.kind.holds_wires(wires):
            return True
        return self.expiry is not None and self.expiry.hides_wires(wires)

    def timed(self, shortcut: Shortcut | None) -> Shortcut | None:
        """Return *shortcut*, which was made of a visible question, without what is asked besides.

        It gives nothing where there are other kinds now than when it was made.
        """
        if shortcut is None:
            return None
        fill, kind = shortcut, self.kind
        if kind is None:
            return lambda wires: fill((*wires, *self._wires()))
        tree, version = kind.tree, kind.tree.version

        def filled(wires: Sequence[Wire]) -> Query | None:
            return fill((*wires, *self._wires())) if tree.version == version else None

        return filled

    def _wires(self) -> list[Wire]:
        """Return the values of :meth:`condition`, in its order."""
        wires: list[Wire] = []
        if self.expiry is not None:
            wires.append(self.expiry.now())
        if self.kind is not None:
            self.kind.condition().shape(wires)
        return wires


def standing_of(expiry: Expiry | None, kind: Kind | None) -> Standing | None:
    """Return what questions are asked besides; None where that is nothing."""
    if expiry is None and (kind is None or not kind.narrows):
        return None
    return Standing(expiry, kind)


class FilteredOptions(Protocol):
    """The options of a model, as far as filtering its items needs them."""

    @property
    def standing(self) -> Standing | None: ...
    @property
    def kind(self) -> Kind | None: ...
    @property
    def present(self) -> Condition: ...


def seen(meta: FilteredOptions, item: StoredItem | None) -> StoredItem | None:
    """Return *item* as reads of the model give it: None where it is hidden."""
    standing = meta.standing
    return None if standing is not None and item is not None and standing.hides(item) else item


def all_seen(
    meta: FilteredOptions, items: Sequence[StoredItem | None]
) -> Sequence[StoredItem | None]:
    """Return *items* as reads of the model give them."""
    return items if meta.standing is None else [seen(meta, item) for item in items]


def is_hidden(meta: FilteredOptions, wires: Mapping[str, Any] | None) -> bool:
    """Tell whether reads of the model hide the item of these attributes."""
    return meta.standing is not None and wires is not None and meta.standing.hides_wires(wires)


def is_other(meta: FilteredOptions, current: Any) -> bool:
    """Tell whether *current*, an item that is in the way, is of another class of the table.

    :param current: the attributes, an instance, or None.
    """
    kind = meta.kind
    if kind is None or current is None or not kind.narrows:
        return False
    if isinstance(current, Mapping):
        return not kind.holds_wires(current)  # pyright: ignore[reportUnknownArgumentType]
    return not isinstance(current, kind.model)


def asks_presence_alone(meta: FilteredOptions, condition: Condition | None) -> bool:
    """Tell whether *condition* asks nothing but that the item exists and is not hidden."""
    terms = () if condition is None else condition.conjuncts
    return bool(terms) and all(
        term == meta.present or isinstance(term, Unexpired) for term in terms
    )


class Scope(Protocol):
    """The items that a class of managers and query sets leaves out, beside those that no read gives."""

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
        """Raise QueryError where a batch would delete otherwise than ``delete()`` does."""
        ...
