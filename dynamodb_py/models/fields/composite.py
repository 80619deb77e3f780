"""CompositeField: a text composed of other fields, with a separator between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from ...exceptions import ModelDefinitionError
from .scalars import CharField

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from .base import Yes

    class CompositeOptions(TypedDict, total=False):
        """The keywords of a CompositeField."""

        name: str | None
        separator: str
        width: Mapping[str, int]
        prefix: str
        store_parts: bool

    TextN = TypeVar("TextN", default="str | None")
else:
    from typing import TypeVar

    TextN = TypeVar("TextN")


class CompositeField(CharField[TextN]):
    """Text composed of other fields, with a separator between them.

    It is a :class:`CharField` whose template has their names.

    >>> CompositeField("user", "kind", "id", width={"id": 8}, hash_key=True).template
    '{user}#{kind}#{id:08d}'

    :param parts: the names of the fields.
    :param separator: the text between them; with ``#`` and the like, texts keep their order.
    :param width: the number of digits of ints by name, so that they sort; ints without a width can be
        compared by equality alone.
    :param prefix: the text before them.
    :param store_parts: as for :class:`CharField`.
    """

    @overload
    def __init__(
        self: CompositeField[str], *parts: str, hash_key: Yes, **o: Unpack[CompositeOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str], *parts: str, range_key: Yes, **o: Unpack[CompositeOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str | None], *parts: str, **o: Unpack[CompositeOptions]
    ) -> None: ...
    def __init__(
        self,
        *parts: str,
        separator: str = "#",
        width: Mapping[str, int] | None = None,
        prefix: str = "",
        **options: Any,
    ) -> None:
        widths = dict(width or {})
        if not parts or not all(isinstance(each, str) and each.isidentifier() for each in parts):
            raise ModelDefinitionError(f"CompositeField takes the names of fields, not {parts!r}")
        if not isinstance(separator, str) or not separator:
            raise ModelDefinitionError(
                f"CompositeField({', '.join(parts)}): separator={separator!r}: give a text such as '#'"
            )
        if strange := widths.keys() - set(parts):
            raise ModelDefinitionError(
                f"CompositeField({', '.join(parts)}): width= names {', '.join(sorted(strange))}, "
                "which is none of its parts"
            )
        template = _literal(separator).join(
            f"{{{each}:0{widths[each]}d}}" if each in widths else f"{{{each}}}" for each in parts
        )
        plain: Any = CharField
        plain.__init__(self, template=_literal(prefix) + template, **options)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
