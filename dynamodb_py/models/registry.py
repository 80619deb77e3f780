"""Model classes by name, for ``ForeignKey("Author")``, and the models whose references wait for a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary, ref

from ..exceptions import ModelDefinitionError

_MODELS: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()
"""The models by full name: module and qualified name. A class that is defined again replaces the first."""
_WAITING: dict[str, ref[type[Any]]] = {}
"""The classes that refer to models which are not defined yet, by full name."""
_WAITING_FOR: dict[str, dict[str, None]] = {}
"""The full names of the waiting classes, by the name of the model that they wait for, without its module."""
_DEFINED: dict[str, None] = {}
"""The names of the classes that were defined since the last call of :func:`find_deferred`."""

UNCONNECTED: list[Any] = []
"""The relations whose models are not all defined yet."""


class Late:
    """A relation that is connected when its model is complete."""


def _full_name(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _cut_module(name: str) -> str:
    return name.rpartition(".")[2]


def list_models(name: str | None = None) -> list[type[Any]]:
    """Return the models called *name*, in any module; all models by default.

    A full name, with its module, finds one model at most.
    """
    if name is not None and "." in name:
        return [_MODELS[name]] if name in _MODELS else []
    return [each for each in list(_MODELS.values()) if name in (None, each.__name__)]


def find_nearby(name: str, model: type[Any]) -> type[Any] | None:
    """Return the model called *name* in the module or function that defines *model*.

    Returns None if there is none yet: it may be defined later.
    """
    if name in ("self", model.__name__, _full_name(model)):
        return model
    if "." in name:
        return _MODELS.get(name)
    scope = _full_name(model).rpartition(".")[0]  # its module, or the function that defines it
    return _MODELS.get(f"{scope}.{name}") or _MODELS.get(f"{model.__module__}.{name}")


def find_anywhere(name: str, model: type[Any], field: str) -> type[Any]:
    """Return the model called *name*, of the module of *model* or else of another module.

    :param field: the label of the reference, for messages.
    :raises ModelDefinitionError: no model, or several, have this name.
    """
    found = find_nearby(name, model)
    if found is not None:
        return found
    others = list_models(name)
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
        f"{field} refers to {name!r}, and several models have that name, {names}: use the full name, "
        "or the class"
    )


def register(model: type[Any]) -> type[Any] | None:
    """Record that *model* is complete; return the model that had its full name before, or None."""
    name = _full_name(model)
    before = _MODELS.get(name)
    _MODELS[name] = model
    _WAITING.pop(name, None)
    _DEFINED[_cut_module(name)] = None
    return before


def unregister(model: type[Any], before: type[Any] | None) -> None:
    """Forget *model*, whose definition is refused, and restore *before*, the result of :func:`register`."""
    if before is None:
        _MODELS.pop(_full_name(model), None)
    else:
        _MODELS[_full_name(model)] = before


def defer(model: type[Any], *, named: bool = True) -> None:
    """Record that *model* refers to a class that is not defined yet.

    :param named: whether references may name *model*: False for documents, which have no key.
    """
    name = _full_name(model)
    if named:
        _MODELS[name] = model
        # A reference to *model* needs only its key, which may be known already.
        _DEFINED[_cut_module(name)] = None
    _wait(model)


def _wait(model: type[Any]) -> None:
    name = _full_name(model)
    _WAITING[name] = ref(model)
    for each in _find_unsettled(model):
        target = each.to if isinstance(each.to, str) else _full_name(each.to)
        _WAITING_FOR.setdefault(_cut_module(target), {})[name] = None


def find_deferred() -> Iterator[type[Any]]:
    """Yield the classes that wait for a class which was defined since the last call.

    If the caller resolves some references of a class, but not all, the class counts as newly defined: its
    key may be known now, and others may wait for that.
    """
    while _DEFINED:
        waiting = [(word, name) for word in list(_DEFINED) for name in _WAITING_FOR.get(word, ())]
        _DEFINED.clear()
        for target, name in waiting:
            _WAITING_FOR[target].pop(name, None)
            # Removed first: if the definition is refused now, later classes are not refused because of it.
            weak = _WAITING.pop(name, None)
            model = None if weak is None else weak()
            if model is None:
                continue
            before = len(_find_unsettled(model))
            yield model
            left = len(_find_unsettled(model))
            if left and name not in _WAITING:
                _wait(model)
            if left < before and name in _MODELS:
                _DEFINED[_cut_module(name)] = None


def _find_unsettled(model: type[Any]) -> list[Any]:
    return [each for each in model._fieldset.references.values() if not each.is_settled]


class DeferredOptions:
    """Placeholder for ``_meta`` of a model with unresolved references: any access resolves them."""

    def __init__(self, model: type[Any]) -> None:
        vars(self)["model"] = model

    def _resolve(self) -> Any:
        model = vars(self)["model"]
        model._settle_references()
        return model.__dict__["_meta"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._resolve(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._resolve(), name, value)
