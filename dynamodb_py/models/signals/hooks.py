"""Checks that the hooks of a model, such as ``before_save()``, can be called."""

from __future__ import annotations

from typing import Any

from ...exceptions import ModelDefinitionError
from ..fields.base import Field
from ..instance import Instance
from ..records.clean_hooks import takes_arguments

# The number of arguments of each hook, without self.
_HOOKS = {"before_save": 1, "after_save": 1, "before_delete": 0, "after_delete": 0}


def check_hooks(kind: type[Instance]) -> None:
    """Refuse hooks that cannot be called; ``before_save = None`` disables the hook of a base class."""
    for name, count in _HOOKS.items():
        own: Any = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
        if own is getattr(Instance, name) or own is None or isinstance(own, Field):
            continue  # fields are checked where they are collected
        code = getattr(getattr(own, "__func__", own), "__code__", None)
        yields = code is not None and code.co_flags & (0x20 | 0x200)
        if not callable(getattr(kind, name)) or yields or takes_arguments(own, count) is False:
            takes = "self, created" if count else "self"
            raise ModelDefinitionError(
                f"{kind.__name__}.{name} is the name of a hook, which is called around saving and deleting: "
                f"declare it as def {name}({takes}), or choose another name"
            )
