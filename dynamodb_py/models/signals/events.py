"""Signals: what happens to models, told to functions that asked to hear of it.

They are called as Django's are, ``f(sender, **kwargs)``, in the order in which they were connected::

    @receiver(post_save, sender=Order)
    def mail(sender, instance, created, **kwargs): ...

``sender`` is the model's class, and ``sender=`` that class alone: its subclasses are models of their
own, as in Django. ``async def`` is welcome where something is sent: ``asave()`` awaits it. Models have
methods that are called at the same times, :class:`Hooked`.

What writes calls the flows of this module: ``saving`` before and ``saved`` after, ``deleting`` and
``deleted``, ``batch_writing`` and ``batch_written``. Where nobody hears, :func:`is_heard` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from ...flows import Flow
from ...operations.base import Call
from ..instance import Instance
from ..records.base import observe_loading
from .dispatcher import Signal, is_async, on_change, said

class_prepared = Signal("class_prepared", names_models=False, waits=False)
"""A model with a table is complete: ``sender``."""

pre_init = Signal("pre_init", waits=False)
"""A model is about to be made by ``Model(...)``: ``sender``, ``args``, ``kwargs``."""

post_init = Signal("post_init", waits=False)
"""There is an instance, made or loaded: ``sender``, ``instance``."""

pre_save = Signal("pre_save")
"""An instance is about to be written: ``sender``, ``instance``, ``created``, ``update_fields``, ``using``."""

post_save = Signal("post_save")
"""An instance was written: ``sender``, ``instance``, ``created``, ``update_fields``, ``using``."""

pre_delete = Signal("pre_delete")
"""An instance is about to be deleted: ``sender``, ``instance``, ``using``."""

post_delete = Signal("post_delete")
"""An instance was deleted: ``sender``, ``instance``, ``using``."""

pre_batch_write = Signal("pre_batch_write")
"""Many items are about to be written: ``sender``, ``instances``, ``deleted``, ``using``."""

post_batch_write = Signal("post_batch_write")
"""Many items were written: ``sender``, ``instances``, ``deleted``, ``using``."""

transaction_committed = Signal("transaction_committed", names_models=False)
"""A transaction was carried out: ``sender`` is its class, ``transaction``, ``instances``."""

T = TypeVar("T")
Verb: TypeAlias = Literal["save", "delete", "batch_write"]

_AROUND: dict[Verb, tuple[Signal, Signal]] = {
    "save": (pre_save, post_save),
    "delete": (pre_delete, post_delete),
    "batch_write": (pre_batch_write, post_batch_write),
}


# -- who hears -----------------------------------------------------------------------------------
_now: object = object()
"""Another object whenever a receiver was connected or disconnected."""


def is_heard(kind: type[Instance], verb: Verb) -> bool:
    """Tell whether a method of *kind*, or a receiver, hears of *verb*; it costs next to nothing."""
    when, heard = kind._meta.observed_verbs
    return verb in (heard if when is _now else _find_out(kind))


def _find_out(kind: type[Instance]) -> frozenset[str]:
    when = _now  # before looking: who connects meanwhile is then asked again
    heard = frozenset(
        verb
        for verb, signals in _AROUND.items()
        if any(_own(kind, f"{place}_{verb}") is not None for place in ("before", "after"))
        or any(signal.has_listeners(kind) for signal in signals)
    )
    kind._meta.observed_verbs = (when, heard)
    return heard


def _own(kind: type[Instance], name: str) -> Callable[..., Any] | None:
    """Return the hook *name* of *kind*, None where it has none of its own."""
    hook: Callable[..., Any] | None = getattr(kind, name, None)
    return None if hook is getattr(Instance, name, None) else hook


# -- what is called when ---------------------------------------------------------------------------
def saving(
    instance: Instance, *, created: bool, update_fields: Iterable[str] | None = None
) -> Flow[None]:
    """Call what wants to be called before *instance* is saved; what it raises prevents that.

    A blocking call within a running event loop is refused here, if anything async is to be called
    before or after.
    """
    yield from _look_ahead(type(instance), "save")
    yield from _hook(instance, "before_save", created)
    yield from pre_save.send(
        type(instance), **_event(instance, created=created, update_fields=_frozen(update_fields))
    )


def saving_all(instances: Sequence[tuple[Instance, bool]]) -> Flow[None]:
    """Do as :func:`saving` for many instances, of any models, before any of them is written.

    :param instances: each with whether it is created.
    """
    for kind in dict.fromkeys(type(each) for each, _ in instances):
        yield from _look_ahead(kind, "save")
    for each, created in instances:
        yield from saving(each, created=created)


def saved(
    instance: Instance, *, created: bool, update_fields: Iterable[str] | None = None
) -> Flow[None]:
    """Call what wants to be called after *instance* was saved."""
    yield from post_save.send(
        type(instance), **_event(instance, created=created, update_fields=_frozen(update_fields))
    )
    yield from _hook(instance, "after_save", created)


def deleting(instance: Instance) -> Flow[None]:
    """Call what wants to be called before *instance* is deleted; the rest is as for :func:`saving`."""
    yield from _look_ahead(type(instance), "delete")
    yield from _hook(instance, "before_delete")
    yield from pre_delete.send(type(instance), **_event(instance))


def deleted(instance: Instance) -> Flow[None]:
    """Call what wants to be called after *instance* was deleted."""
    yield from post_delete.send(type(instance), **_event(instance))
    yield from _hook(instance, "after_delete")


def batch_writing(
    model: type[Instance], instances: Sequence[Instance], deleted: Sequence[Any], *, using: str
) -> Flow[None]:
    """Call who hears of batches before one is sent; what is raised prevents it.

    :param deleted: what was given to name the items to delete: keys, or instances.
    :param using: the alias of the connection.
    """
    yield from _look_ahead(model, "batch_write")
    yield from pre_batch_write.send(
        model, instances=tuple(instances), deleted=tuple(deleted), using=using
    )


def batch_written(
    model: type[Instance], instances: Sequence[Instance], deleted: Sequence[Any], *, using: str
) -> Flow[None]:
    """Call who hears of batches after all of one was written."""
    yield from post_batch_write.send(
        model, instances=tuple(instances), deleted=tuple(deleted), using=using
    )


def around_batch(
    flow: Flow[T],
    instances: Sequence[Instance],
    deleted: Sequence[tuple[type[Instance], Any]] = (),
    *,
    using: str,
) -> Flow[T]:
    """Carry out *flow*, and call who hears of batches before and after it, for each model in turn.

    What *flow* does before its first step comes after the former: they may change the instances.

    :param deleted: models, and what was given to name the items of theirs to delete.
    """
    kinds = dict.fromkeys([*map(type, instances), *(kind for kind, _ in deleted)])
    heard = [
        (
            kind,
            [each for each in instances if type(each) is kind],
            [given for model, given in deleted if model is kind],
        )
        for kind in kinds
        if is_heard(kind, "batch_write")
    ]
    try:
        for kind, _, _ in heard:
            yield from _look_ahead(kind, "batch_write")
        for kind, mine, gone in heard:
            yield from batch_writing(kind, mine, gone, using=using)
        outcome = yield from flow
    finally:
        flow.close()
    for kind, mine, gone in heard:
        yield from batch_written(kind, mine, gone, using=using)
    return outcome


def committing(transaction: object) -> Flow[None]:
    """Refuse, before a transaction is sent, what could not be awaited after it."""
    yield from _check_awaits(
        transaction_committed.awaits(each)
        for each in transaction_committed.listeners(type(transaction))
    )


def committed(transaction: object, instances: Iterable[Instance] = ()) -> Flow[None]:
    """Call who hears of transactions after one was carried out, which wrote *instances*."""
    yield from transaction_committed.send(
        type(transaction), transaction=transaction, instances=tuple(instances)
    )


def _event(instance: Instance, **more: Any) -> dict[str, Any]:
    return {"instance": instance, **more, "using": instance._link.alias}


def _frozen(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _hook(instance: Instance, name: str, *given: Any) -> Flow[None]:
    if _own(type(instance), name) is not None:
        hook = getattr(instance, name)
        yield from Call(partial(hook, *given), _awaits_hook(hook))


def _awaits_hook(hook: Callable[..., Any]) -> str:
    return f"{said(hook)}()" if is_async(hook) else ""


def _look_ahead(kind: type[Instance], verb: Verb) -> Flow[None]:
    """Refuse what cannot be awaited before anything is called or sent."""
    hooks = [_own(kind, f"{place}_{verb}") for place in ("before", "after")]
    yield from _check_awaits(
        [
            *(_awaits_hook(hook) for hook in hooks if hook is not None),
            *(signal.awaits(each) for signal in _AROUND[verb] for each in signal.listeners(kind)),
        ]
    )


def _check_awaits(words: Iterable[str]) -> Flow[None]:
    awaits = next((each for each in words if each), "")
    if awaits:
        yield from Call(None, awaits)


# -- init signals ----------------------------------------------------------------------------------


def fill_with_signals(
    instance: Instance, args: tuple[Any, ...], values: dict[str, Any], fill: Callable[[], None]
) -> None:
    """Call *fill*, which fills a new instance, with ``pre_init`` before and ``post_init`` after it."""
    kind = type(instance)
    pre_init.tell(kind, args=args, kwargs=values)
    fill()
    post_init.tell(kind, instance=instance)


def _send_post_init(record: Any) -> None:
    if isinstance(record, Instance):
        post_init.tell(type(record), instance=record)


@on_change
def _note_change() -> None:
    global _now
    _now = object()
    # Loading takes a fraction of a microsecond: it calls an observer only while a receiver is connected.
    observe_loading(_send_post_init if post_init.in_use else None)
