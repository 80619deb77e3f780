"""The type of ``Model.objects`` for type checkers.

Its type on an instance, where access raises, is Never: the attribute of a class is then compatible
with that of its base, whatever managers they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..instance import Instance

if TYPE_CHECKING:
    from typing_extensions import Never

    from .manager import Manager


M = TypeVar("M", bound=Instance)
Q = TypeVar("Q")


class Objects:
    """A manager of the model that it is asked of. At run time each of them is a Manager."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[M]) -> Manager[M]: ...
        @overload
        def __get__(self, instance: object, owner: type[Any]) -> Never: ...
        def __get__(self, instance: object | None, owner: type[Any]) -> Any: ...


class ObjectsAs(Objects, Generic[Q]):
    """What ``as_manager()`` gives: it has the methods of a class of query sets."""

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type[Any]) -> Q: ...
        @overload
        def __get__(self, instance: object, owner: type[Any]) -> Never: ...
        def __get__(self, instance: object | None, owner: type[Any]) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]
