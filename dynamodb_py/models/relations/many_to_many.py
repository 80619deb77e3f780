"""Many-to-many relations, stored as items of a model between the two models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from ...exceptions import ModelDefinitionError
from ...flows import Flow
from ..foreign_keys.field import ForeignKey
from ..instance import options_of
from ..queryset.execution import read_all
from ..queryset.prefetch.wants import Branch, Prefetchable, Want, want_stub
from ..registry import Late, find_anywhere, find_nearby
from .index_choice import choose_index
from .many_set import ManySet

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..instance import Instance


T = TypeVar("T", bound="Instance")
Reference = ForeignKey[Any, Any]


class _Across(Prefetchable, Generic[T]):
    """A descriptor for the items of another model that are related by a model between the two."""

    name: str
    reads_by_key = True

    def related(self, instance: Any) -> ManySet[Any]:
        """Return the set of *instance*; nothing is read."""
        raise NotImplementedError

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        """Read the items between *owner* and the related items, which are then read by key."""
        related = self.related(owner)
        rows = yield from read_all(related.rows())
        targets: dict[int, Any] = {}
        kept: list[Any] = []

        def taker(at: int) -> Callable[[Want, Any], None]:
            def take(_: Want, target: Any) -> None:
                if target is not None:
                    targets[at] = target
                    kept[:] = [targets[each] for each in sorted(targets)]

            return take

        if branch.to_attr is not None:
            owner.__dict__[branch.to_attr] = kept
        else:
            related._kept = kept
            owner.__dict__[self.name] = related
        # The caller's query set replaces the one of ``objects``.
        keep, selection = related.keep_shown, branch.selection
        for at, stub in enumerate(related.stubs(rows)):
            want = want_stub(owner, self.name, stub, taker(at))
            if branch.queryset is None:
                want.keep = keep
            else:
                want.selection = selection
            wants.append(want)

    def reached(self, owner: Any) -> Iterable[Any]:
        kept: ManySet[Any] | None = owner.__dict__.get(self.name)
        return () if kept is None else kept._kept or ()

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> ManySet[T]: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | ManySet[T]:
        if instance is None:
            return self
        kept = instance.__dict__.get(self.name)
        return self.related(instance) if kept is None else cast("ManySet[T]", kept)


class ManyToManyField(_Across[T], Late):
    """A relation to many items of another model, stored as items of a model with references to both.

    ::

        class BookTag(Model):
            book = ForeignKey("Book", hash_key=True)
            tag = ForeignKey(Tag, range_key=True)
            by_tag = GlobalIndex(hash_key="tag", range_key="book")

    The item itself stores nothing of the relation. The key of the model between, or of one of its
    indexes, must begin with the reference to this model; with *related_name*, another key must begin
    with the other reference.

    :param to: the other model, or its name.
    :param through: the model between, or its name.
    :param related_name: the attribute of the other model's instances for the reverse relation.
    :param through_fields: the names of the references to this model and to the other, if the model
        between has several.
    """

    @overload
    def __init__(
        self,
        to: type[T],
        *,
        through: type[Instance] | str,
        related_name: str | None = None,
        through_fields: tuple[str, str] | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: ManyToManyField[Any],
        to: str,
        *,
        through: type[Instance] | str,
        related_name: str | None = None,
        through_fields: tuple[str, str] | None = None,
    ) -> None: ...
    def __init__(
        self,
        to: Any,
        *,
        through: Any,
        related_name: str | None = None,
        through_fields: tuple[str, str] | None = None,
    ) -> None:
        self.to, self.through, self.related_name = to, through, related_name
        self.through_fields = through_fields
        self.model: Any = None
        self.name = ""
        self._ends: tuple[Reference, Reference] | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.model, self.name = owner, name

    @property
    def label(self) -> str:
        """``Model.field``, for messages."""
        return f"{self.model.__name__}.{self.name}" if self.model is not None else self.name

    @property
    def leads_to(self) -> type[Any]:
        """The other model."""
        return self.get_ends()[1].target

    def connect(self) -> bool:
        """Connect the two models if both are defined; return whether they are.

        :raises ModelDefinitionError: the model between lacks a reference or an index.
        """
        if self._ends is not None:
            return True
        to, through = self._find_models(lambda name: find_nearby(name, self.model))
        if to is None or through is None or not _is_settled(through) or not _is_settled(to):
            return False
        self._connect(to, through)
        return True

    def get_ends(self) -> tuple[Reference, Reference]:
        """Return the references of the model between, to this model and to the other."""
        if self._ends is not None:
            return self._ends
        to, through = self._find_models(lambda name: find_anywhere(name, self.model, self.label))
        options_of(through).name  # noqa: B018 - deferred options look for the referenced models
        return self._connect(to, through)

    def _find_models(self, find: Callable[[str], Any]) -> list[Any]:
        """Return the other model and the model between; *find* looks up a model that is given by name."""
        return [find(each) if isinstance(each, str) else each for each in (self.to, self.through)]

    def _connect(self, to: Any, through: Any) -> tuple[Reference, Reference]:
        references: dict[str, Reference] = through._fieldset.references
        if self.through_fields is not None:
            for name in self.through_fields:
                if name not in references:
                    raise self._make_error(f"{through.__name__} has no reference {name}")
            near, far = (references[name] for name in self.through_fields)
        else:
            found = [r for r in references.values() if issubclass(self.model, r.target)]
            near = self._choose_one(found, through, self.model)
            others = [r for r in references.values() if r.target is to and r is not near]
            far = self._choose_one(others, through, to)
        reason = f"{self.label} needs an index of {through.__name__}"
        choose_index(through._meta, near, reason, far)
        if self.related_name is not None:
            reason = f"related_name={self.related_name!r} of {self.label} needs an index"
            choose_index(through._meta, far, reason, near)
            self._add_reverse(to)
        self._ends = (near, far)
        return self._ends

    def _choose_one(self, found: list[Reference], through: Any, model: Any) -> Reference:
        if len(found) == 1:
            return found[0]
        problem, advice = "no reference", f"give it a ForeignKey({model.__name__})"
        if found:
            problem = "several references"
            advice = 'give through_fields=("to this one", "to the other")'
        raise self._make_error(f"{through.__name__} has {problem} to {model.__name__}: {advice}")

    def _add_reverse(self, to: Any) -> None:
        name = str(self.related_name)
        there: Any = getattr(to, name, None)
        again = isinstance(there, ManyRelated) and there.field.label == self.label
        if there is not None and not again:
            raise self._make_error(
                f"related_name={name!r}: {to.__name__} has that already: choose another name"
            )
        setattr(to, name, ManyRelated(self, name))

    def _make_error(self, problem: str) -> ModelDefinitionError:
        return ModelDefinitionError(f"{self.label}: {problem}")

    def related(self, instance: Any) -> ManySet[Any]:
        """Return the set of *instance*; nothing is read."""
        near, far = self.get_ends()
        return ManySet(instance, near, far)

    if not TYPE_CHECKING:

        def __set__(self, instance: Any, value: Any) -> None:
            raise AttributeError(
                f"{self.label} is stored by {self.through!r} and cannot be assigned: call "
                f"{self.name}.set([...]), which writes the items"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"


class ManyRelated(_Across[Any]):
    """The reverse relation of a :class:`ManyToManyField`."""

    def __init__(self, field: ManyToManyField[Any], name: str) -> None:
        self.field, self.name = field, name

    @property
    def leads_to(self) -> type[Any]:
        """The model with the field."""
        return self.field.get_ends()[0].target

    def related(self, instance: Any) -> ManySet[Any]:
        """Return the set of *instance*; nothing is read."""
        near, far = self.field.get_ends()
        return ManySet(instance, far, near)

    if not TYPE_CHECKING:

        def __set__(self, instance: Any, value: Any) -> None:
            raise AttributeError(
                f"{type(instance).__name__}.{self.name} cannot be assigned: call {self.name}.set([...]), "
                "which writes the items"
            )


def _is_settled(model: Any) -> bool:
    return "_meta" in vars(model) and all(
        each.is_settled for each in model._fieldset.references.values()
    )
