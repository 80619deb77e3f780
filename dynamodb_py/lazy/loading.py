"""Functions, and names of modules and packages, that are loaded at their first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def load(room: str, name: str) -> Any:
    """Return *name* of *room*, a module of this package, as ``from room import name`` does.

    :raises ImportError: there is no such room or name. An AttributeError would look like a missing verb.
    """
    module = __import__(f"{_PACKAGE}.{room}", fromlist=[name])
    try:
        return getattr(module, name)
    except AttributeError:
        raise ImportError(f"{module.__name__} has no {name}", name=module.__name__) from None


class LazyFunction:
    """A function that is loaded at its first use. In the body of a class, it becomes a method.

    The first access by the class or by an instance replaces it by the loaded method. So inspect, help(),
    pickle and subclasses find the method. Only ``vars(cls)`` may show this object.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: list[Any] = []
        self._owner: type | None = None
        self._name = ""
        self.names: tuple[str, str, str] | None = None
        """The name, qualified name and module that the function gets; with None it keeps its own."""

    def __set_name__(self, owner: type, name: str) -> None:
        if self._owner is None:
            self._owner, self._name = owner, name

    def load(self) -> Any:
        """Return the function; concurrent threads get the same one."""
        if not self._made:
            made = self._make()
            if self.names is not None:
                made.__name__, made.__qualname__, made.__module__ = self.names
            self._made.append(made)
        made = self._made[0]
        if self._owner is not None and vars(self._owner).get(self._name) is self:
            setattr(self._owner, self._name, made)
        return made

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self.load().__get__(instance, owner)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.load()(*args, **kwargs)


class LazyRoom:
    """A module that is loaded when a name is first read from it, unless that name is one of *verbs*.

    :param verbs: the names of functions for bodies of classes; a call or access of the method loads them.
    """

    def __init__(self, room: str, verbs: str = "") -> None:
        self.room, self.verbs = room, frozenset(verbs.split())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # tools look for protocols by such names
            raise AttributeError(name)
        if name in self.verbs:
            return LazyFunction(lambda: load(self.room, name))
        found = vars(self)[name] = load(self.room, name)  # later reads do not come here
        return found


def export_lazily(
    rooms: Mapping[str, str], names: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package that loads some exports at their first use.

    :param rooms: the names from each room, separated by spaces.
    :param names: the globals of the package; a loaded name is stored there.
    """
    places = {name: room for room, exported in rooms.items() for name in exported.split()}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {names['__name__']!r} has no attribute {name!r}")
        found = names[name] = load(places[name], name)
        return found

    def list_names() -> list[str]:
        return sorted({*names, *places})

    return find, list_names
