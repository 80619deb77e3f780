"""Hooks: ``before_save()`` and the like, which a model may override."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from ...exceptions import ModelDefinitionError
from ..fields.base import Field
from ..records.clean_hooks import takes_arguments

# The methods, with how many arguments they take.
_HOOKS = {"before_save": 1, "after_save": 1, "before_delete": 0, "after_delete": 0}


class Hooked:
    """The methods that a model may override; each may be async. A field cannot have their names."""

    __slots__ = ()

    _heard: ClassVar[tuple[object, frozenset[str]]] = (None, frozenset())
    """When it was found out which verbs of the class somebody hears of, and these."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._heard = (None, frozenset())
        _check_hooks(cls)

    def before_save(self, created: bool) -> Awaitable[None] | None:
        """Do something before this is saved; an exception prevents that. ``async def`` is welcome.

        It is called before the values are checked, and may change them.

        :param created: whether it was neither loaded nor saved before.
        """

    def after_save(self, created: bool) -> Awaitable[None] | None:
        """Do something after this was saved. ``async def`` is welcome.

        :param created: whether it was neither loaded nor saved before.
        """

    def before_delete(self) -> Awaitable[None] | None:
        """Do something before this is deleted; an exception prevents that. ``async def`` is welcome."""

    def after_delete(self) -> Awaitable[None] | None:
        """Do something after this was deleted. ``async def`` is welcome."""


def _check_hooks(kind: type[Hooked]) -> None:
    """Refuse hooks that could not be called; ``before_save = None`` turns one of a base class off."""
    for name, count in _HOOKS.items():
        own: Any = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
        if own is getattr(Hooked, name) or own is None or isinstance(own, Field):
            continue  # fields are refused where they are collected
        code = getattr(getattr(own, "__func__", own), "__code__", None)
        yields = code is not None and code.co_flags & (0x20 | 0x200)
        if not callable(getattr(kind, name)) or yields or takes_arguments(own, count) is False:
            takes = "self, created" if count else "self"
            raise ModelDefinitionError(
                f"{kind.__name__}.{name} is the method that is called around saving and deleting: "
                f"write def {name}({takes}), or rename what you have"
            )
