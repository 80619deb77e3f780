"""Signals and their receivers: the functions that are connected to them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakMethod, WeakSet, ref

from ..flows import Flow
from ..operations.base import Call

if TYPE_CHECKING:
    import blinker

    from ..schema import HasOptions


Receiver: TypeAlias = "Callable[..., Any]"
Holder: TypeAlias = "Callable[[], Receiver | None]"
F = TypeVar("F", bound="Callable[..., Any]")

_lock = RLock()  # not a plain Lock: the garbage collector may run code that disconnects
_changes: list[Callable[[], None]] = []


def call_on_change(function: F) -> F:
    """Call *function* after each connecting and disconnecting of a receiver; return it."""
    _changes.append(function)
    return function


class Signal:
    """An event and the receivers connected to it. ``dynamodb_py.signals`` has all signals."""

    __slots__ = (
        "__weakref__",
        "_blinker",
        "_can_await",
        "_holders",
        "_senders",
        "_takes_sender",
        "_watches",
        "in_use",
        "name",
    )

    def __init__(self, name: str, *, takes_sender: bool = True, can_await: bool = True) -> None:
        """Create a signal that this package sends.

        :param takes_sender: whether a receiver can be connected for one model only.
        :param can_await: whether receivers may be async.
        """
        self.name = name
        self.in_use = False
        """Whether any receiver is connected."""
        self._takes_sender, self._can_await = takes_sender, can_await
        self._blinker: blinker.Signal | None = None
        self._senders: WeakSet[type[Any]] = WeakSet()
        self._watches: dict[tuple[int, int], Holder] = {}
        self._holders: WeakKeyDictionary[type[Any], list[Holder]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"

    # -- for users -----------------------------------------------------------------------------

    def connect(
        self, receiver: F, sender: type[HasOptions] | None = None, *, weak: bool = True
    ) -> F:
        """Connect *receiver*, a function to call whenever the signal is sent, and return it.

        A receiver that is already connected is not called twice.

        :param receiver: takes ``sender``, and the values of the event as ``**kwargs``. It may be async,
            except for ``pre_init``, ``post_init`` and ``class_prepared``.
        :param sender: only events of this model, not of its subclasses; None means all models.
        :param weak: disconnect the receiver when nothing else refers to it. Pass False to keep a lambda,
            or a function that is defined inside another one.
        :raises TypeError: *receiver* cannot take these arguments, or *sender* is not a model with a table.

        >>> from dynamodb_py.signals import post_save
        >>> def report(sender, instance, created, **kwargs):
        ...     print("created" if created else "saved", instance.player)
        >>> _ = post_save.connect(report, sender=Score)
        >>> score = Score.objects.create(player="eve", game=1)
        created eve
        >>> post_save.disconnect(report)
        True
        """
        self._check_receiver(receiver)
        self._check_sender(sender)
        import blinker  # imported only where receivers are connected

        with _lock:
            signal = self._blinker
            if signal is None:
                signal = self._blinker = blinker.Signal()
            try:
                signal.connect(receiver, blinker.ANY if sender is None else sender, weak)
            except TypeError as error:
                raise TypeError(
                    f"{self.name}: {name_of(receiver)} cannot be held weakly: pass weak=False"
                ) from error
            if sender is not None:
                self._senders.add(sender)
            if weak:
                watch: Any = WeakMethod if hasattr(receiver, "__func__") else ref
                self._watches[_identify(receiver)] = watch(receiver, self._forget_dead)
            self._refresh()
        return receiver

    def disconnect(self, receiver: Receiver, sender: type[HasOptions] | None = None) -> bool:
        """Disconnect *receiver*; return whether that changes anything.

        :param sender: the model that it was connected for; None ends all of its connections. A
            receiver of all models cannot be disconnected for one of them.

        >>> from dynamodb_py.signals import post_delete
        >>> def report(sender, instance, **kwargs):
        ...     print("deleted", instance.player)
        >>> _ = post_delete.connect(report)
        >>> post_delete.disconnect(report), post_delete.disconnect(report)
        (True, False)
        """
        with _lock:
            signal = self._blinker
            before = self._list_receivers() if sender is None else self.find_receivers(sender)
            if signal is None or not _contains(before, receiver):
                return False
            if sender is not None:
                signal.disconnect(receiver, sender)
                if _contains(signal.receivers_for(sender), receiver):
                    return False
            if not any(
                _contains(signal.receivers_for(each), receiver)
                for each in self._list_senders(sender)
            ):
                signal.disconnect(receiver)  # blinker still held it, without a sender
                self._watches.pop(_identify(receiver), None)
            self._refresh()
        return True

    def has_listeners(self, sender: type[HasOptions] | None = None) -> bool:
        """Return whether a receiver is connected for *sender*, or for any model if *sender* is None.

        >>> from dynamodb_py.signals import post_delete
        >>> def report(sender, instance, **kwargs):
        ...     print("deleted", instance.player)
        >>> _ = post_delete.connect(report)
        >>> post_delete.has_listeners(Score)
        True
        >>> _ = post_delete.disconnect(report)
        >>> post_delete.has_listeners(Score)
        False
        """
        return bool(self._list_receivers() if sender is None else self.find_receivers(sender))

    # -- for senders ---------------------------------------------------------------------------

    def find_receivers(self, sender: type[Any]) -> list[Receiver]:
        """Return the receivers connected for *sender*, in the order of connection."""
        if not self.in_use:
            return []
        holders = self._holders.get(sender)
        if holders is None:
            with _lock:
                holders = self._holders[sender] = self._find_holders(sender)
        return [each for holder in holders if (each := holder()) is not None]

    def send(self, sender: type[Any], /, **event: Any) -> Flow[None]:
        """Call the receivers in turn; if one raises an exception, the rest are not called."""
        for each in self.find_receivers(sender):
            call = partial(each, signal=self, sender=sender, **event)
            yield from Call(call, self.describe_async(each))

    def send_now(self, sender: type[Any], /, **event: Any) -> None:
        """Call the receivers without awaiting; raise TypeError if one returns an awaitable."""
        for each in self.find_receivers(sender):
            given = each(signal=self, sender=sender, **event)
            if isinstance(given, Awaitable):
                if isinstance(given, Coroutine):
                    given.close()
                raise TypeError(
                    f"{self.name}: {name_of(each)} returned an awaitable, which cannot be awaited here: "
                    "let it return None"
                )

    def describe_async(self, receiver: Receiver) -> str:
        """Return a description of *receiver* if it is async, else an empty string."""
        return f"{name_of(receiver)}, a receiver of {self.name}," if is_async(receiver) else ""

    def _list_receivers(self) -> list[Receiver]:
        return [each for holder in self._list_holders() if (each := holder()) is not None]

    def _list_holders(self) -> list[Holder]:
        """Return a function for each receiver, in the order of connection.

        It returns the receiver, or None if the receiver no longer exists.
        """
        if self._blinker is None:
            return []
        kept = list(self._blinker.receivers.copy().values())
        return [each if isinstance(each, ref) else partial(_return, each) for each in kept]

    def _find_holders(self, sender: type[Any]) -> list[Holder]:
        """Return the holders of the receivers for *sender*: blinker does not keep their order."""
        assert self._blinker is not None
        found = {_identify(each) for each in self._blinker.receivers_for(sender)}
        holders = [(holder, holder()) for holder in self._list_holders()]
        return [holder for holder, each in holders if each is not None and _identify(each) in found]

    def _list_senders(self, sender: type[Any] | None) -> list[Any]:
        """Return all senders that have receivers; none if *sender* is None."""
        if sender is None or self._blinker is None:
            return []
        return [self._blinker.ANY, *self._senders]

    def _forget_dead(self, _: object) -> None:
        if not sys.is_finalizing():
            with _lock:
                self._refresh()

    def _refresh(self) -> None:
        self._holders = WeakKeyDictionary()
        self.in_use = bool(self._list_receivers())
        for function in _changes:
            function()

    def _check_receiver(self, receiver: Receiver) -> None:
        if not callable(receiver):
            raise TypeError(f"{self.name}: a receiver is a function, not {receiver!r}")
        import inspect  # imported only where receivers are connected

        if inspect.isgeneratorfunction(receiver) or inspect.isasyncgenfunction(receiver):
            raise TypeError(
                f"{self.name}: {name_of(receiver)} is a generator, which would never run: let it "
                "return, not yield"
            )
        if not self._can_await and is_async(receiver):
            raise TypeError(
                f"{self.name}: {name_of(receiver)} is async, but this signal is sent where nothing can be "
                "awaited: write a plain function"
            )
        try:
            takes = inspect.signature(receiver).parameters.values()
        except (TypeError, ValueError):  # some builtins have no signature
            return
        if not any(each.kind is each.VAR_KEYWORD for each in takes):
            raise TypeError(
                f"{self.name}: {name_of(receiver)} takes no **kwargs, and later versions may send more "
                "values: write def receiver(sender, **kwargs)"
            )

    def _check_sender(self, sender: Any) -> None:
        if sender is None:
            return
        if not self._takes_sender:
            raise TypeError(
                f"{self.name} cannot be connected for one model only, such as {name_of(sender)}: connect "
                "it without sender="
            )
        if not isinstance(sender, type) or "_meta" not in vars(sender):
            raise TypeError(
                f"{self.name}: sender={name_of(sender)} is not a model with a table, and sends nothing: "
                "connect for each subclass, or without sender="
            )


item_changed = Signal("item_changed")
"""A record in the stream of a table reports a change of an item: ``sender``, ``record``."""


def receiver(
    signal: Signal | Iterable[Signal], *, sender: type[HasOptions] | None = None, weak: bool = True
) -> Callable[[F], F]:
    """Return a decorator that connects a function to *signal*, or to each of several signals.

    :param sender: as for :meth:`Signal.connect`.
    :param weak: as for :meth:`Signal.connect`.

    >>> from dynamodb_py import CharField, Model
    >>> from dynamodb_py.signals import post_init, receiver
    >>> class Letter(Model):
    ...     text = CharField()
    >>> @receiver(post_init, sender=Letter)
    ... def look(sender, instance, **kwargs):
    ...     print(sender.__name__, instance.text)
    >>> letter = Letter(text="hello")
    Letter hello
    >>> post_init.disconnect(look)
    True
    """
    signals = [signal] if isinstance(signal, Signal) else list(signal)

    def connect(function: F) -> F:
        for each in signals:
            each.connect(function, sender, weak=weak)
        return function

    return connect


def name_of(thing: Any) -> str:
    """Return the name of a function or class for messages."""
    name = getattr(thing, "__qualname__", None)
    return f"{thing.__module__}.{name}" if name else repr(thing)


def is_async(function: object) -> bool:
    """Tell whether calling *function* is known to return an awaitable."""
    import inspect  # imported only where there are functions to call

    if inspect.iscoroutinefunction(function):
        return True
    call: Any = getattr(type(function), "__call__", None)  # noqa: B004 - an object that is called
    return inspect.iscoroutinefunction(call)


def _return(receiver: Receiver) -> Receiver:
    return receiver


def _contains(receivers: Iterable[Receiver], receiver: Receiver) -> bool:
    return _identify(receiver) in map(_identify, receivers)


def _identify(receiver: Receiver) -> tuple[int, int]:
    """Return an identity of *receiver*; a bound method, a new object at each access, keeps its identity."""
    function, bound = getattr(receiver, "__func__", None), getattr(receiver, "__self__", None)
    return (id(receiver), 0) if function is None else (id(function), id(bound))
