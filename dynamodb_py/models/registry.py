"""Model classes by name: what ``ForeignKey("Author")`` means, and which models wait for that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary, ref

from ..exceptions import ModelDefinitionError

_MODELS: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()
"""By module and qualified name: a class that is made again, as notebooks do, takes its own place."""

_WAITING: dict[str, ref[type[Any]]] = {}
"""The models that refer to classes which are not there yet, in the order of their making."""


def _full_name(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _scope(model: type[Any]) -> str:
    """Return what a class's full name begins with: its module, or the function that made it."""
    return _full_name(model).rpartition(".")[0]


def _called(name: str) -> list[type[Any]]:
    return [each for each in list(_MODELS.values()) if each.__name__ == name]


def nearby(name: str, model: type[Any]) -> type[Any] | None:
    """Return the model that *name* means to *model*, by what is defined where *model* is.

    None where that is not settled yet: another class of that name may still be made there.
    """
    if name in ("self", model.__name__, _full_name(model)):
        return model
    if "." in name:
        return _MODELS.get(name)
    found = {_full_name(each): each for each in _called(name)}
    return found.get(f"{_scope(model)}.{name}") or found.get(f"{model.__module__}.{name}")


def anywhere(name: str, model: type[Any], field: str) -> type[Any]:
    """Return the model that *name* means to *model*, from wherever it is.

    :param field: what refers to it, for messages.
    :raises ModelDefinitionError: there is none, or there are several.
    """
    found = nearby(name, model)
    if found is not None:
        return found
    others = [] if "." in name else _called(name)
    own = [each for each in others if each.__module__ == model.__module__]
    if len(others) > 1 and len(own) == 1:
        others = own
    if len(others) == 1:
        return others[0]
    if not others:
        raise ModelDefinitionError(
            f"{field} refers to {name!r}, and there is no model of that name: define it, or import "
            f"its module, before {model.__name__} is used"
        )
    names = ", ".join(sorted(map(_full_name, others)))
    raise ModelDefinitionError(
        f"{field} refers to {name!r}, which may be one of {names}: give the full name, or the class"
    )


def made(model: type[Any]) -> None:
    """Note that *model* is complete."""
    _MODELS[_full_name(model)] = model
    _WAITING.pop(_full_name(model), None)


def wait(model: type[Any], *, named: bool = True) -> None:
    """Note that *model* refers to a class that is not there yet.

    :param named: whether others may refer to it, as they may not to documents.
    """
    name = _full_name(model)
    if named:
        _MODELS[name] = model
    _WAITING.pop(name, None)
    _WAITING[name] = ref(model)


def waiting() -> Iterator[type[Any]]:
    """Yield the models that wait."""
    for name, weak in list(_WAITING.items()):
        model = weak()
        if model is None:
            _WAITING.pop(name, None)
        elif _WAITING.get(name) is weak:
            yield model
            if all(each.is_settled for each in model._references.values()):
                _WAITING.pop(name, None)


class Waiting:
    """What stands for the options of a model that waits: who asks it anything needs them now."""

    def __init__(self, model: type[Any]) -> None:
        vars(self)["model"] = model

    def _settled(self) -> Any:
        model = vars(self)["model"]
        model._settle_references()
        return model.__dict__["_meta"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._settled(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._settled(), name, value)
