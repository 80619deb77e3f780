"""The signals of models, and the functions that send them and call the hooks.

Receivers are called like Django's, ``f(sender, **kwargs)``, in the order of connection::

    @receiver(post_save, sender=Order)
    def mail(sender, instance, created, **kwargs): ...

``sender`` is the model's class; a subclass is a sender of its own, as in Django. Writes call
``send_pre_save``, ``send_post_save`` and similar functions, which also call the hooks of the model
(``hooks``). Writes skip these calls if :func:`is_observed` is False.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from ...dispatching import Signal, call_on_change, is_async, name_of
from ...flows import Flow
from ...observing import Observer
from ...operations.base import Call
from ..instance import Instance
from ..records.base import observe_loading

if TYPE_CHECKING:
    from ...observing.requests import SentRequest

class_prepared = Signal("class_prepared", takes_sender=False, can_await=False)
"""A model with a table is complete. Arguments: ``sender``."""

pre_init = Signal("pre_init", can_await=False)
"""An instance is about to be made by ``Model(...)``. Arguments: ``sender``, ``args``, ``kwargs``."""

post_init = Signal("post_init", can_await=False)
"""An instance was made or loaded. Arguments: ``sender``, ``instance``."""

pre_save = Signal("pre_save")
"""An instance is about to be written. Arguments: ``sender``, ``instance``, ``created``, ``update_fields``, ``using``."""

post_save = Signal("post_save")
"""An instance was written. Arguments: ``sender``, ``instance``, ``created``, ``update_fields``, ``using``."""

pre_delete = Signal("pre_delete")
"""An instance is about to be deleted. Arguments: ``sender``, ``instance``, ``using``."""

post_delete = Signal("post_delete")
"""An instance was deleted. Arguments: ``sender``, ``instance``, ``using``."""

pre_batch_write = Signal("pre_batch_write")
"""Many items are about to be written. Arguments: ``sender``, ``instances``, ``deleted``, ``using``."""

post_batch_write = Signal("post_batch_write")
"""Many items were written. Arguments: ``sender``, ``instances``, ``deleted``, ``using``."""

transaction_committed = Signal("transaction_committed", takes_sender=False)
"""A transaction was committed. Arguments: ``sender`` (its class), ``transaction``, ``instances``."""

request_sent = Signal("request_sent", takes_sender=False)
"""A request ended. Arguments: ``sender`` (the class of the operation), ``operation``, ``table``, ``index``,
``seconds``, ``attempts``, ``units``, ``bytes``, ``error``, ``request``."""

T = TypeVar("T")
Verb: TypeAlias = Literal["save", "delete", "batch_write"]

_AROUND: dict[Verb, tuple[Signal, Signal]] = {
    "save": (pre_save, post_save),
    "delete": (pre_delete, post_delete),
    "batch_write": (pre_batch_write, post_batch_write),
}

_version: object = object()
"""Replaced whenever a receiver is connected or disconnected; cached results of older versions are invalid."""


def is_observed(kind: type[Instance], verb: Verb) -> bool:
    """Tell whether *kind* has a hook or a receiver for *verb*; the answer is cached."""
    version, verbs = kind._meta.observed_verbs
    return verb in (verbs if version is _version else _find_observed_verbs(kind))


def _find_observed_verbs(kind: type[Instance]) -> frozenset[str]:
    version = _version  # read first: connecting a receiver meanwhile outdates the result
    verbs = frozenset(
        verb
        for verb, signals in _AROUND.items()
        if _find_hooks(kind, verb) or any(signal.has_listeners(kind) for signal in signals)
    )
    kind._meta.observed_verbs = (version, verbs)
    return verbs


def _find_hook(kind: type[Instance], name: str) -> Callable[..., Any] | None:
    """Return the hook *name* of *kind*; None if the model does not override the empty one."""
    hook: Callable[..., Any] | None = getattr(kind, name, None)
    return None if hook is getattr(Instance, name, None) else hook


def _find_hooks(kind: type[Instance], verb: Verb) -> list[Callable[..., Any]]:
    hooks = (_find_hook(kind, f"{place}_{verb}") for place in ("before", "after"))
    return [hook for hook in hooks if hook is not None]


# -- sending -----------------------------------------------------------------------------------------
def send_pre_save(
    instance: Instance, *, created: bool, update_fields: Iterable[str] | None = None
) -> Flow[None]:
    """Call the hook and the receivers before *instance* is saved; an exception prevents the save.

    In a blocking call within a running event loop, async hooks and receivers, also those after the save,
    are refused here.
    """
    yield from _check_async(type(instance), "save")
    yield from _call_hook(instance, "before_save", created)
    yield from pre_save.send(
        type(instance),
        **_make_event(instance, created=created, update_fields=_freeze(update_fields)),
    )


def send_pre_save_for_all(instances: Sequence[tuple[Instance, bool]]) -> Flow[None]:
    """Call :func:`send_pre_save` for many instances, before any of them is written.

    :param instances: pairs of an instance and whether it is created.
    """
    for kind in dict.fromkeys(type(each) for each, _ in instances):
        yield from _check_async(kind, "save")
    for each, created in instances:
        yield from send_pre_save(each, created=created)


def send_post_save(
    instance: Instance, *, created: bool, update_fields: Iterable[str] | None = None
) -> Flow[None]:
    """Call the receivers and the hook after *instance* was saved."""
    yield from post_save.send(
        type(instance),
        **_make_event(instance, created=created, update_fields=_freeze(update_fields)),
    )
    yield from _call_hook(instance, "after_save", created)


def send_pre_delete(instance: Instance) -> Flow[None]:
    """Like :func:`send_pre_save`, before *instance* is deleted."""
    yield from _check_async(type(instance), "delete")
    yield from _call_hook(instance, "before_delete")
    yield from pre_delete.send(type(instance), **_make_event(instance))


def send_post_delete(instance: Instance) -> Flow[None]:
    """Call the receivers and the hook after *instance* was deleted."""
    yield from post_delete.send(type(instance), **_make_event(instance))
    yield from _call_hook(instance, "after_delete")


def send_pre_batch_write(
    model: type[Instance], instances: Sequence[Instance], deleted: Sequence[Any], *, using: str
) -> Flow[None]:
    """Call the receivers before a batch is sent; an exception prevents the batch.

    :param deleted: the keys or instances of the items to delete, as the caller gave them.
    :param using: the alias of the connection.
    """
    yield from _check_async(model, "batch_write")
    yield from pre_batch_write.send(
        model, instances=tuple(instances), deleted=tuple(deleted), using=using
    )


def send_post_batch_write(
    model: type[Instance], instances: Sequence[Instance], deleted: Sequence[Any], *, using: str
) -> Flow[None]:
    """Call the receivers after a whole batch was written."""
    yield from post_batch_write.send(
        model, instances=tuple(instances), deleted=tuple(deleted), using=using
    )


def send_around_batch(
    flow: Flow[T],
    instances: Sequence[Instance],
    deleted: Sequence[tuple[type[Instance], Any]] = (),
    *,
    using: str,
) -> Flow[T]:
    """Run *flow*, with the batch signals of each model before and after it.

    Receivers may change the instances: *flow* starts after the calls.

    :param deleted: pairs of a model and a key or an instance of an item to delete.
    """
    kinds = dict.fromkeys([*map(type, instances), *(kind for kind, _ in deleted)])
    observed = [
        (
            kind,
            [each for each in instances if type(each) is kind],
            [given for model, given in deleted if model is kind],
        )
        for kind in kinds
        if is_observed(kind, "batch_write")
    ]
    try:
        for kind, _, _ in observed:
            yield from _check_async(kind, "batch_write")
        for kind, written, gone in observed:
            yield from send_pre_batch_write(kind, written, gone, using=using)
        outcome = yield from flow
    finally:
        flow.close()
    for kind, written, gone in observed:
        yield from send_post_batch_write(kind, written, gone, using=using)
    return outcome


def check_commit_receivers(transaction: object) -> Flow[None]:
    """Refuse async receivers of a commit, before it is sent, if they cannot be awaited."""
    yield from _refuse_async(
        transaction_committed.describe_async(each)
        for each in transaction_committed.find_receivers(type(transaction))
    )


def send_transaction_committed(
    transaction: object, instances: Iterable[Instance] = ()
) -> Flow[None]:
    """Call the receivers after a transaction that wrote *instances* was committed."""
    yield from transaction_committed.send(
        type(transaction), transaction=transaction, instances=tuple(instances)
    )


def _make_event(instance: Instance, **more: Any) -> dict[str, Any]:
    return {"instance": instance, **more, "using": instance._link.alias}


def _freeze(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _call_hook(instance: Instance, name: str, *given: Any) -> Flow[None]:
    if _find_hook(type(instance), name) is not None:
        hook = getattr(instance, name)
        yield from Call(partial(hook, *given), _describe_async_hook(hook))


def _describe_async_hook(hook: Callable[..., Any]) -> str:
    return f"{name_of(hook)}()" if is_async(hook) else ""


def _check_async(kind: type[Instance], verb: Verb) -> Flow[None]:
    """Refuse async hooks and receivers that cannot be awaited, before anything is called or sent."""
    yield from _refuse_async(
        [
            *map(_describe_async_hook, _find_hooks(kind, verb)),
            *(
                signal.describe_async(each)
                for signal in _AROUND[verb]
                for each in signal.find_receivers(kind)
            ),
        ]
    )


def _refuse_async(descriptions: Iterable[str]) -> Flow[None]:
    if first := next(filter(None, descriptions), ""):
        yield from Call(None, first)


# -- requests ----------------------------------------------------------------------------------------
def _send_request_sent(request: SentRequest) -> Flow[None]:
    """Call the receivers of :data:`request_sent`; log their exceptions, which do not reach the caller."""
    kind = type(request.call)
    event = {"signal": request_sent, "sender": kind, **request.fields, "request": request}
    event["error"] = request.error
    for each in request_sent.find_receivers(kind):
        try:
            yield from Call(partial(each, **event), request_sent.describe_async(each))
        except Exception:
            import logging  # loaded only if a receiver fails

            logging.getLogger("dynamodb_py").exception(
                "request_sent: the receiver %s failed", name_of(each)
            )


_REQUESTS = Observer(_send_request_sent, asks_units=True)


def _observe_requests() -> None:
    _REQUESTS.end()
    if request_sent.in_use:
        _REQUESTS.begin()


# -- making and loading ------------------------------------------------------------------------------
def fill_with_signals(
    instance: Instance, args: tuple[Any, ...], values: dict[str, Any], fill: Callable[[], None]
) -> None:
    """Call *fill*, which fills a new instance, with ``pre_init`` before and ``post_init`` after it."""
    kind = type(instance)
    pre_init.send_now(kind, args=args, kwargs=values)
    fill()
    post_init.send_now(kind, instance=instance)


def _send_post_init(record: Any) -> None:
    if isinstance(record, Instance):
        post_init.send_now(type(record), instance=record)


@call_on_change
def _note_change() -> None:
    global _version
    _version = object()
    # Loading is hot: it calls an observer only while a receiver is connected.
    observe_loading(_send_post_init if post_init.in_use else None)
    _observe_requests()
