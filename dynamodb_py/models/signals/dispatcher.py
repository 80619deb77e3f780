"""Receivers: the functions that want to hear of something, and the signals that call them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakMethod, WeakSet, ref

from ...flows import Flow
from ...operations.base import Call

if TYPE_CHECKING:
    import blinker

    from ..instance import Instance


Receiver: TypeAlias = "Callable[..., Any]"
Holder: TypeAlias = "Callable[[], Receiver | None]"
F = TypeVar("F", bound="Callable[..., Any]")

_lock = RLock()  # not a plain Lock: the garbage collector may run code that disconnects
_changes: list[Callable[[], None]] = []


def on_change(function: F) -> F:
    """Have *function* called whenever a receiver was connected or disconnected."""
    _changes.append(function)
    return function


class Signal:
    """One kind of event, and who wants to hear of it. ``dynamodb_py.signals`` has those that there are."""

    __slots__ = (
        "__weakref__",
        "_blinker",
        "_holders",
        "_names_models",
        "_senders",
        "_waits",
        "_watches",
        "in_use",
        "name",
    )

    def __init__(self, name: str, *, names_models: bool = True, waits: bool = True) -> None:
        """Make a signal; this package sends it.

        :param names_models: whether a receiver can ask for one model only.
        :param waits: whether it is sent where something can be awaited.
        """
        self.name = name
        self.in_use = False
        """Whether any receiver is connected."""
        self._names_models, self._waits = names_models, waits
        self._blinker: blinker.Signal | None = None
        self._senders: WeakSet[type[Any]] = WeakSet()
        self._watches: dict[tuple[int, int], Holder] = {}
        self._holders: WeakKeyDictionary[type[Any], list[Holder]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"

    # -- for users -----------------------------------------------------------------------------

    def connect(self, receiver: F, sender: type[Instance] | None = None, *, weak: bool = True) -> F:
        """Have *receiver* called whenever this is sent, and return it. Connecting twice is once.

        :param receiver: takes ``sender`` and, as ``**kwargs``, what is said of the event. It may be
            async, except for what happens where nothing can be awaited: ``pre_init``,
            ``post_init`` and ``class_prepared``.
        :param sender: hear of this model only, not of its subclasses; None stands for all models.
        :param weak: forget the receiver when nothing else holds it. False keeps it: a lambda, or a
            function made inside another one.
        :raises TypeError: *receiver* cannot be called so, or *sender* is no model with a table.
        """
        self._check_receiver(receiver)
        self._check_sender(sender)
        import blinker  # who connects nothing does not pay for its import

        with _lock:
            signal = self._blinker
            if signal is None:
                signal = self._blinker = blinker.Signal()
            try:
                signal.connect(receiver, blinker.ANY if sender is None else sender, weak)
            except TypeError as error:
                raise TypeError(
                    f"{self.name}: {said(receiver)} cannot be held weakly: say weak=False"
                ) from error
            if sender is not None:
                self._senders.add(sender)
            if weak:
                watch: Any = WeakMethod if hasattr(receiver, "__func__") else ref
                self._watches[_identity(receiver)] = watch(receiver, self._died)
            self._changed()
        return receiver

    def disconnect(self, receiver: Receiver, sender: type[Instance] | None = None) -> bool:
        """Call *receiver* no more; tell whether that changes anything.

        :param sender: the model that it was connected for; None ends all of its connections. One
            that was connected for all models cannot be disconnected for one of them.
        """
        with _lock:
            signal = self._blinker
            before = self._all() if sender is None else self.listeners(sender)
            if signal is None or not _has(before, receiver):
                return False
            if sender is not None:
                signal.disconnect(receiver, sender)
                if _has(signal.receivers_for(sender), receiver):
                    return False
            if not any(_has(signal.receivers_for(each), receiver) for each in self._known(sender)):
                signal.disconnect(receiver)  # blinker held it, though for nobody
                self._watches.pop(_identity(receiver), None)
            self._changed()
        return True

    def has_listeners(self, sender: type[Instance] | None = None) -> bool:
        """Tell whether anybody hears this of *sender*; of any model where that is None."""
        return bool(self._all() if sender is None else self.listeners(sender))

    # -- for what sends ------------------------------------------------------------------------

    def listeners(self, sender: type[Any]) -> list[Receiver]:
        """Return who hears this of *sender*, in the order of connecting."""
        if not self.in_use:
            return []
        holders = self._holders.get(sender)
        if holders is None:
            with _lock:
                holders = self._holders[sender] = self._find(sender)
        return [each for holder in holders if (each := holder()) is not None]

    def send(self, sender: type[Any], /, **event: Any) -> Flow[None]:
        """Call the receivers one after the other; what one raises is raised."""
        for each in self.listeners(sender):
            call = partial(each, signal=self, sender=sender, **event)
            yield from Call(call, self.awaits(each))

    def tell(self, sender: type[Any], /, **event: Any) -> None:
        """Do as :meth:`send` does, where nothing can be awaited."""
        for each in self.listeners(sender):
            given = each(signal=self, sender=sender, **event)
            if isinstance(given, Awaitable):
                if isinstance(given, Coroutine):
                    given.close()
                raise TypeError(
                    f"{self.name}: {said(each)} returned something to be awaited, and nothing can be "
                    "awaited where this is sent: let it return None"
                )

    def awaits(self, receiver: Receiver) -> str:
        """Return, in words, that *receiver* is async; nothing where that is not known."""
        return f"{said(receiver)}, a receiver of {self.name}," if is_async(receiver) else ""

    # -- inside --------------------------------------------------------------------------------

    def _all(self) -> list[Receiver]:
        """Return all receivers, in the order of connecting."""
        return [each for holder in self._held() if (each := holder()) is not None]

    def _held(self) -> list[Holder]:
        """Return what gives the receivers, in the order of connecting; None for those that are gone."""
        if self._blinker is None:
            return []
        kept = list(self._blinker.receivers.copy().values())
        return [each if isinstance(each, ref) else partial(_same, each) for each in kept]

    def _find(self, sender: type[Any]) -> list[Holder]:
        """Return what gives the receivers for *sender*; blinker knows which, but not their order."""
        assert self._blinker is not None
        found = {_identity(each) for each in self._blinker.receivers_for(sender)}
        holders = [(holder, holder()) for holder in self._held()]
        return [holder for holder, each in holders if each is not None and _identity(each) in found]

    def _known(self, sender: type[Any] | None) -> list[Any]:
        """Return all senders that anything was connected for, where *sender* is but one of them."""
        return (
            [] if sender is None or self._blinker is None else [self._blinker.ANY, *self._senders]
        )

    def _died(self, _: object) -> None:
        if not sys.is_finalizing():
            with _lock:
                self._changed()

    def _changed(self) -> None:
        self._holders = WeakKeyDictionary()
        self.in_use = bool(self._all())
        for function in _changes:
            function()

    def _check_receiver(self, receiver: Receiver) -> None:
        if not callable(receiver):
            raise TypeError(f"{self.name}: a receiver is a function, not {receiver!r}")
        import inspect  # who connects nothing does not pay for its import

        if inspect.isgeneratorfunction(receiver) or inspect.isasyncgenfunction(receiver):
            raise TypeError(
                f"{self.name}: {said(receiver)} is a generator, which would never run: let it "
                "return, not yield"
            )
        if not self._waits and is_async(receiver):
            raise TypeError(
                f"{self.name}: {said(receiver)} is async, and nothing can be awaited where this is "
                "sent: write a plain function"
            )
        try:
            takes = inspect.signature(receiver).parameters.values()
        except (TypeError, ValueError):  # of some builtins nobody knows
            return
        if not any(each.kind is each.VAR_KEYWORD for each in takes):
            raise TypeError(
                f"{self.name}: {said(receiver)} takes no **kwargs, in which signals say what there is "
                "to say, more in later versions: write def receiver(sender, **kwargs)"
            )

    def _check_sender(self, sender: Any) -> None:
        if sender is None:
            return
        if not self._names_models:
            raise TypeError(
                f"{self.name} cannot be heard of one model only, such as {said(sender)}: connect "
                "without sender="
            )
        if not isinstance(sender, type) or "_meta" not in vars(sender):
            raise TypeError(
                f"{self.name}: sender={said(sender)} is no model with a table, and nothing would be "
                "heard of it; a model's subclasses are heard by their own names, or without sender="
            )


def receiver(
    signal: Signal | Iterable[Signal], *, sender: type[Instance] | None = None, weak: bool = True
) -> Callable[[F], F]:
    """Connect the function below to *signal*, or to each of several.

    :param sender: as for :meth:`Signal.connect`.
    :param weak: as for :meth:`Signal.connect`.

    >>> from dynamodb_py import CharField, Model
    >>> from dynamodb_py.models.signals import post_init, receiver
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


def said(thing: Any) -> str:
    """Return what a function or class is called, in messages."""
    name = getattr(thing, "__qualname__", None)
    return f"{thing.__module__}.{name}" if name else repr(thing)


def is_async(function: object) -> bool:
    """Tell whether calling *function* is known to give something to be awaited."""
    import inspect  # only who has functions to be called pays for its import

    if inspect.iscoroutinefunction(function):
        return True
    call: Any = getattr(type(function), "__call__", None)  # noqa: B004 - an object that is called
    return inspect.iscoroutinefunction(call)


def _same(receiver: Receiver) -> Receiver:
    return receiver


def _has(receivers: Iterable[Receiver], receiver: Receiver) -> bool:
    wanted = _identity(receiver)
    return any(_identity(each) == wanted for each in receivers)


def _identity(receiver: Receiver) -> tuple[int, int]:
    """Return what makes two receivers the same: methods are other objects whenever asked for."""
    function, bound = getattr(receiver, "__func__", None), getattr(receiver, "__self__", None)
    return (id(receiver), 0) if function is None else (id(function), id(bound))
