"""CompositeField: a text that is made of other fields, with a separator between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from ...exceptions import ModelDefinitionError
from .scalars import CharField

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from .base import Yes

    class Said(TypedDict, total=False):
        """The keywords of what is made of other fields."""

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
    """Text that is made of other fields, with a separator between them.

    It is a :class:`CharField` whose template is their names.

    >>> CompositeField("user", "kind", "id", width={"id": 8}, hash_key=True).template
    '{user}#{kind}#{id:08d}'

    :param parts: the names of the fields.
    :param separator: what stands between them; of ``#`` and the like, texts keep their order.
    :param width: how many digits ints have, by name, so that they sort; other ints are written as they
        are, and can be asked for by equality alone.
    :param prefix: what stands before them.
    :param store_parts: as for :class:`CharField`.
    """

    @overload
    def __init__(
        self: CompositeField[str], *parts: str, hash_key: Yes, **o: Unpack[Said]
    ) -> None: ...
    @overload
    def __init__(
        self: CompositeField[str], *parts: str, range_key: Yes, **o: Unpack[Said]
    ) -> None: ...
    @overload
    def __init__(self: CompositeField[str | None], *parts: str, **o: Unpack[Said]) -> None: ...
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
