"""Finding the modules and models that a command line names."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..models.model import Model
from ..tables.many import list_models as list_models_of
from .statuses import UsageError


def add_current_directory() -> str:
    """Make modules of the current directory importable, and return its path."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    return here


def import_module(name: str) -> ModuleType:
    """Import a module, from the current directory too; raise UsageError if that fails."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{name!r} names no module: write it as in an import, shop.models")
    here = add_current_directory()
    try:
        return importlib.import_module(name)
    except Exception as error:  # any code of the module may raise
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"there is no module {error.name}, in {here} or installed") from None
        frames = error.__traceback__
        while frames is not None and _is_of_importing(frames.tb_frame.f_code.co_filename):
            frames = frames.tb_next
        message = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise UsageError(message) from error.with_traceback(frames)


def _is_of_importing(file: str) -> bool:
    return file in {__file__, importlib.__file__} or file.startswith("<frozen importlib")


def find_model(text: str) -> type[Model]:
    """Return the model with the name *text*, such as ``shop.models:User``; raise UsageError if it does not exist."""
    module, _, name = text.partition(":")
    if not module or not name:
        raise UsageError(f"{text!r} names no model: write module:Model, such as shop.models:User")
    found: Any = import_module(module)
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise UsageError(f"{module} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise UsageError(f"{text} is not a model but {found!r}: name the class of a model")
    if "_meta" not in vars(found):
        raise UsageError(f"{text} is abstract, so it has no table: name one of its subclasses")
    return found


def list_models(names: Iterable[str]) -> list[type[Model]]:
    """Return the models of *names*: ``shop.models:User`` is one, ``shop.models`` all that have a table."""
    found: dict[type[Model], None] = {}
    for name in names:
        if ":" in name:
            found[find_model(name)] = None
            continue
        models = list_models_of(import_module(name))
        if not models:
            raise UsageError(f"{name} defines no model with a table: name the module that does")
        found |= dict.fromkeys(models)
    return list(found)
