"""Fields that a function computes from others: ``CompositeField("a", "b", merge=...)``.

A :class:`BoundMerge` has the methods of a bound template. Only the whole value has a meaning: the result of
a function cannot be split into its parts, and does not sort as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...codec import Unstorable
from ...exceptions import DynamoDBError, ValidationError
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.refusals import REQUIRED
from .ranges import KeyRange, Prefix


class MergedPart(Struct, frozen=True):
    """A field that the function takes."""

    name: str
    field: AnyField
    lossy: bool = True
    """Whether the result does not determine its value."""
    sorts: bool = False


class BoundMerge:
    """A function of other fields, with the fields of a model."""

    sorts = False

    def __init__(
        self, field: AnyField, merge: Callable[..., object], parts: Sequence[AnyField]
    ) -> None:
        self.field, self._merge = field, merge
        self.parts = tuple(MergedPart(part.name, part) for part in parts)
        self.names = tuple(part.name for part in self.parts)
        self.by_name = {part.name: part for part in self.parts}

    def compose(self, values: Mapping[str, Any]) -> Any:
        """Return the value that the function makes of these; raise ValidationError if one is missing."""
        wires: dict[str, Wire] = {}
        errors: dict[str, list[str]] = {}
        for part in self.parts:
            value = values.get(part.name)
            try:
                wire = None if value is None else part.field.to_wire(value)
            except Unstorable as error:
                errors.update(error.errors(part.name))
                continue
            if wire is None:
                errors[part.name] = [REQUIRED]
            else:
                wires[part.name] = wire
        if errors:
            raise ValidationError(errors, model=self.field.owner)
        wire = self.compose_wire(wires)
        return None if wire is None else self.field.decode(wire)

    def compose_wire(self, wires: Mapping[str, Wire]) -> Wire | None:
        """Return the stored form of the function's result, or None if the result is None.

        Raises ValidationError if the function raises, or returns a value that the field cannot hold.

        :param wires: the stored values of the parts, by the names of their fields.
        """
        values = [part.field.decode(wires[part.name]) for part in self.parts]
        try:
            value = self._merge(*values)
            if value is None and self.field.is_key:
                raise Unstorable("merge= returned None, and a key always has a value")
            return None if value is None else self.field.to_wire(value)
        except DynamoDBError:
            raise
        except Exception as error:  # whatever the function of the user raises
            reason = str(error) if isinstance(error, Unstorable) else f"merge= raised {error!r}"
            raise ValidationError(
                {self.field.name: [f"{reason}; it was made of {self._describe(values)}"]},
                model=self.field.owner,
            ) from error

    def _describe(self, values: Sequence[Any]) -> str:
        return ", ".join(
            f"{name}={each!r:.80}" for name, each in zip(self.names, values, strict=True)
        )

    def parse(self, text: Any) -> dict[str, Any]:
        """Return no parts: the result of the function cannot be split into them."""
        del text
        return {}

    parse_wires = parse

    def prefix_wires(self, equals: Mapping[str, Wire]) -> Prefix:
        """Return an empty prefix: the parts do not determine how the value begins."""
        del equals
        return Prefix("", (), complete=False, exact=False)

    def bounds_wires(self, *_: Any) -> KeyRange | None:
        """Return None: there are no ranges of parts."""

    def __str__(self) -> str:
        return f"{getattr(self._merge, '__name__', 'merge')}({', '.join(self.names)})"

    def __repr__(self) -> str:
        return f"<BoundMerge {self}>"
