"""Reads the wanted items of a prefetch by their keys, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from ....batching import identify_key
from ....connections import Connection
from ....exceptions import BatchIncomplete, ConfigurationError, RequestError
from ....flows import Flow
from ....operations.items import StoredItem
from ....reading.keys import make_identity_reader
from ...attribute_values.fetch import read_items
from ...instance import options_of
from ...persistence.stored import key_of
from ...visibility import filter_item
from .wants import Dangling, Objects, Selection, Want


def read_wanted(wants: list[Want], dangling: list[Dangling], link: Connection) -> Flow[None]:
    """Read the items of *wants*, each once, and pass each to ``take`` of its wants.

    :param dangling: the list to which references to missing items are added.
    """
    if not wants:
        return
    for want in {(each.model, id(each.alias)): each for each in wants}.values():
        if want.link is not link:
            raise ConfigurationError(
                f"{type(want.owners[0]).__name__}.{want.name}: {want.model.__name__} is on the "
                f"connection {want.link.alias!r}, and this prefetch reads from {link.alias!r}: "
                "prefetch from one connection at a time"
            )
    if selected := [each for each in wants if each.selection is not None]:
        yield from _read_selected(selected, dangling)
        wants = [each for each in wants if each.selection is None]
    items = yield from _read_items(wants, link)
    loaded: dict[tuple[int, type[Any]], Any] = {}  # an item with two wants is one object
    found: list[tuple[Want, Any]] = []
    for want, item in zip(wants, items, strict=True):
        model = want.model
        if item is None or (item := filter_item(model._meta, item)) is None:
            _add_dangling(want, dangling)
            want.take(want, None)
            continue
        place = id(item), model
        if (target := loaded.get(place)) is None:
            target = loaded[place] = model._load(item)
            if want.alias is not None:
                target.__dict__["_using"] = want.alias
        if want.keep is None:
            want.take(want, target)
        else:
            found.append((want, target))
    hidden = yield from _find_hidden(found)
    for want, target in found:
        want.take(want, None if id(target) in hidden else target)


def _read_items(wants: list[Want], link: Connection) -> Flow[Sequence[StoredItem | None]]:
    """Return the items of *wants*, None for missing items."""
    if not wants:
        return ()
    metas = {model: options_of(model) for model in {want.model for want in wants}}
    tables = {model: link.table_name(meta.table_name) for model, meta in metas.items()}
    readers = {tables[model]: make_identity_reader(m.schema.key) for model, m in metas.items()}
    keys = [(tables[want.model], want.key) for want in wants]
    try:
        return (
            yield from read_items(
                keys, wants, readers, link=link, consistent=None, workers=1, progress=None
            )
        )
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [want.stub for want in error.unprocessed]
        raise


def _read_selected(wants: list[Want], dangling: list[Dangling]) -> Flow[None]:
    """Read the items of *wants* by their query sets, and pass each to ``take`` of its wants."""
    groups: dict[int, list[Want]] = {}
    for want in wants:
        groups.setdefault(id(want.selection), []).append(want)
    for group in groups.values():
        selection = cast("Selection", group[0].selection)
        found, shown = yield from selection.read_by_key([each.stub for each in group])
        ids = set(map(id, shown))
        for want in group:
            target = found.get(identify_key(key_of(want.stub)))
            if target is None:
                _add_dangling(want, dangling)
            want.take(want, target if id(target) in ids else None)


def _add_dangling(want: Want, dangling: list[Dangling]) -> None:
    key = want.stub.primary_key
    dangling += [Dangling(owner, want.name, want.model, key) for owner in want.owners]


def _find_hidden(found: list[tuple[Want, Any]]) -> Flow[set[int]]:
    """Return the ids of the items that their relations leave out."""
    kinds: dict[type[Any], tuple[Callable[[Objects], Flow[Objects]], dict[int, Any]]] = {}
    for want, target in found:
        if want.keep is not None:
            kinds.setdefault(want.model, (want.keep, {}))[1][id(target)] = target
    hidden: set[int] = set()
    for keep, targets in kinds.values():
        kept = yield from keep(list(targets.values()))
        hidden |= targets.keys() - set(map(id, kept))
    return hidden
