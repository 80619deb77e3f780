"""Parses the paths of prefetches, such as ``lines__product``, into relations level by level."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....exceptions import QueryError
from ...foreign_keys.field import ForeignKey
from .wants import Branch, Prefetchable, Selection, Tree


def tree_of(model: type[Any], paths: Iterable[str | Selection]) -> Tree:
    """Return the relations of *model* that *paths* name, level by level.

    :raises QueryError: a path names no relation, or has a query set that cannot read it.
    """
    tree: Tree = {}
    for each in paths:
        if not isinstance(each, (str, Selection)):
            raise QueryError(
                f"prefetch_related({each!r}): it takes names of relations, such as author__publisher for "
                "the publishers of authors, and Prefetch(...)"
            )
        selection = each if isinstance(each, Selection) else None
        path = each if isinstance(each, str) else each.path
        *before, last = path.split("__")
        at, kind = tree, model
        for name in before:
            branch = at.get(name)
            kind = _find_target_class(kind, name if branch is None else branch.name, path)
            at = at.setdefault(name, Branch(name, {})).below
        if selection is None and last in at:
            continue
        target = _find_target_class(kind, last, path)
        if selection is not None:
            _check_selection(selection, kind, last, target)
        branch = at.setdefault(
            (selection and selection.to_attr) or last, Branch(last, {}, selection)
        )
        if branch.selection is not selection:
            raise QueryError(
                f"prefetch_related({path!r}) occurs twice, with different items: give one of them a to_attr= "
                "of its own"
            )
    return tree


def _check_selection(selection: Selection, kind: Any, name: str, target: Any) -> None:
    by_key = True
    if kind is not None:
        descriptor = getattr(kind, name, None)
        if isinstance(descriptor, Prefetchable):
            by_key = descriptor.reads_by_key
        elif name not in kind._fieldset.references:
            raise QueryError(
                f"Prefetch({selection.path!r}): {kind.__name__}.{name} is a field that holds references or "
                "documents: pass its name as a str, without Prefetch()"
            )
    selection.check(target, by_key=by_key)
    if selection.to_attr is not None and kind is not None:
        _check_free(selection, kind)


def _check_free(selection: Selection, kind: Any) -> None:
    """Raise QueryError if instances of *kind* already have an attribute called ``to_attr``."""
    name = selection.to_attr
    if name in kind._fieldset.by_name or any(name in vars(base) for base in kind.__mro__):
        raise QueryError(
            f"Prefetch({selection.path!r}, to_attr={name!r}): {kind.__name__} has an attribute of that "
            "name: give another one"
        )


def _find_target_class(kind: Any, name: str, path: str) -> Any:
    """Return the class of the items that *name* of a *kind* leads to; None if they may be of any class."""
    if kind is None:
        return None
    if not all(reference.is_settled for reference in kind._fieldset.references.values()):
        kind._settle_references()
    if name in kind._fieldset.references:
        return kind._fieldset.references[name].target
    descriptor = getattr(kind, name, None)
    if isinstance(descriptor, Prefetchable):
        return descriptor.leads_to
    if name in kind._fieldset.by_name:
        inner: Any = kind._fieldset.by_name[name]
        while getattr(inner, "inner", None) is not None:
            inner = inner.inner
        if isinstance(inner, ForeignKey):
            return inner.target
        found = getattr(inner, "document", None) or getattr(inner, "model", None)
        if found is not None:
            return found
    relations = [n for n in dir(kind) if isinstance(getattr(kind, n, None), Prefetchable)]
    known = [*kind._fieldset.references, *relations]
    raise QueryError(
        f"prefetch_related({path!r}): {kind.__name__}.{name} leads to no other item: its relations are "
        f"{', '.join(known) or 'none'}, and fields that hold references or documents"
    )
