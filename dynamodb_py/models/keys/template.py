"""Key templates: composing texts such as ``USER#{user_id}``, and parsing them.

Texts sort as the tuples of their parts do, and no two tuples have the same text. For a part of any length
before a literal, this depends on the literal's first character *c*. If *c* is below ``/``, each character up
to *c* is escaped, and so is the character after *c*, which is the escape character. With ``#``:

>>> escape("a b#c", "#")
'a$Pb$Sc'

If *c* is ``/`` or above, digits and letters would have to be escaped. So a value with *c* in it is refused,
and texts have no order. The last part is never escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from msgspec import Struct

from ...codec import Unstorable
from ...exceptions import ModelDefinitionError, ValidationError
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.refusals import REQUIRED
from .overlap import Outline
from .parts import NumberPart, PartCodec, TextPart, make_codec
from .ranges import KeyRange, Prefix, escape, find_following, unescape


class Part(Struct, frozen=True):
    """A part of a template: a field's name, and a format or ""."""

    name: str
    format: str = ""


class KeyTemplate:
    """A template, parsed into literals and parts.

    >>> KeyTemplate("ORDER#{created:%Y-%m-%d}#{number:08d}").names
    ('created', 'number')

    :param text: literals and ``{field}`` or ``{field:format}``; ``{{`` and ``}}`` are braces.
    :param label: its name in messages.
    """

    def __init__(self, text: str, label: str = "template") -> None:
        self.text, self.label = text, label
        self.pieces: tuple[str | Part, ...] = tuple(self._parse())
        self.names = tuple(each.name for each in self.pieces if isinstance(each, Part))
        if not self.pieces:
            raise self.make_error("is empty: name a field in it, as in USER#{user_id}, or a word")
        for name in self.names:
            if self.names.count(name) > 1:
                raise self.make_error(f"names {name} twice: once is enough")

    def _parse(self) -> Iterator[str | Part]:
        if not isinstance(self.text, str):
            raise self.make_error("is not a text")
        literal = ""
        try:
            for before, name, format_, conversion in Formatter().parse(self.text):
                literal += before
                if name is None:
                    continue
                if conversion or not name.isidentifier() or "{" in (format_ or ""):
                    raise self.make_error(
                        f"has {{{name}}}: write a field's name, maybe a colon and a format"
                    )
                if literal:
                    yield literal
                literal = ""
                yield Part(name, format_ or "")
        except ValueError as error:
            raise self.make_error(
                f"cannot be read: {error}; {{{{ and }}}} stand for braces"
            ) from None
        if literal:
            yield literal

    def make_error(self, problem: str) -> ModelDefinitionError:
        """Return the error that names this template."""
        return ModelDefinitionError(f"{self.label}: template={self.text!r} {problem}")

    def bind(self, fields: Mapping[str, AnyField]) -> BoundTemplate:
        """Return the template with the codecs of its parts, for the fields of a model.

        Raises ModelDefinitionError for unknown fields, and for fields that cannot be parts of keys.
        """
        return BoundTemplate(self, fields)

    def __repr__(self) -> str:
        return f"<KeyTemplate {self.text!r}>"


class BoundPart:
    """A part at its position, which decides how it ends."""

    def __init__(self, codec: PartCodec, behind: str | None, *, last: bool) -> None:
        self.codec, self.name, self.field = codec, codec.name, codec.field
        self.last = last
        """Whether it is the last piece."""
        self.literal_after = behind or ""
        """The literal behind it."""
        self.ends = "" if last or codec.width is not None or behind is None else behind[0]
        """The character that ends it; "" if it ends by its width, or with the key."""
        self.escapes = bool(self.ends) and ord(self.ends) < ord("/")
        self.sorts = codec.sorts and (not self.ends or self.escapes)
        self.lossy = codec.lossy

    def text(self, wire: Wire) -> str:
        """Return the text of a stored value in a key; raise Unstorable."""
        text = self.codec.text(wire)
        if self.escapes:
            return escape(text, self.ends)
        if self.ends and self.ends in text:
            raise self.codec.make_refusal(
                wire, f"has {self.ends!r} in it, which ends this part of the key: use another value"
            )
        return text

    def wire(self, text: str) -> Wire | None:
        """Return the stored value of a text in a key; None for a text that no value has."""
        found = unescape(text, self.ends) if self.escapes else text
        return None if found is None else self.codec.wire(found)


class BoundTemplate:
    """A template with the fields of a model: composes keys, and parses them.

    Methods accept and return values of the fields' types; those with ``_wires`` in the name, attribute values.
    """

    def __init__(self, template: KeyTemplate, fields: Mapping[str, AnyField]) -> None:
        self.template = template
        self.label = template.label
        self.pieces: tuple[str | BoundPart, ...] = tuple(self._bind(fields))
        self.literal_prefix = self.pieces[0] if isinstance(self.pieces[0], str) else ""
        """The literal at the beginning of all its texts."""
        self.parts = tuple(each for each in self.pieces if isinstance(each, BoundPart))
        self.names = template.names
        self._uses = tuple(self._describe_use(count) for count in range(len(self.parts) + 1))
        self.parses_all = all(part.codec.parses_all for part in self.parts)
        """Whether each key that it composes can be parsed."""
        self.by_name = {part.name: part for part in self.parts}
        self.sorts = all(part.sorts for part in self.parts)
        """Whether keys sort as the tuples of their parts do."""
        self._outline = Outline.of(
            piece if isinstance(piece, str) else piece.codec.width for piece in self.pieces
        )

    def _bind(self, fields: Mapping[str, AnyField]) -> Iterator[str | BoundPart]:
        pieces = self.template.pieces
        for at, piece in enumerate(pieces):
            if isinstance(piece, str):
                yield piece
                continue
            if (field := fields.get(piece.name)) is None:
                raise self.template.make_error(
                    f"names {piece.name}, and there is no such field: the fields are "
                    f"{', '.join(fields)}"
                )
            try:
                codec = make_codec(field, piece.format)
            except ValueError as error:
                raise self.template.make_error(f"cannot compose a key: {error}") from None
            behind = pieces[at + 1] if at + 1 < len(pieces) else None
            self._check_end(codec, behind)
            literal = behind if isinstance(behind, str) else None
            yield BoundPart(codec, literal, last=behind is None)

    def _check_end(self, codec: PartCodec, behind: str | Part | None) -> None:
        """Refuse a part whose end cannot be found."""
        if codec.width is not None or behind is None:
            return
        if isinstance(behind, Part):
            raise self.template.make_error(
                f"has nothing between {codec.name} and {behind.name}, so the end of "
                f"{codec.name} cannot be found: put a character such as # between them"
            )
        if isinstance(codec, NumberPart) and behind[0] in "0123456789":
            raise self.template.make_error(
                f"has {behind[0]!r} after {codec.name}, which is a number: begin with another "
                "character, such as #, or give it a width, as in {number:08d}"
            )

    def _describe_use(self, count: int) -> tuple[tuple[str, ...], bool, bool]:
        """Return the fields of a :class:`Prefix` with the first *count* parts, except its text."""
        used = self.parts[:count]
        names = tuple(part.name for part in used)
        return names, count == len(self.parts), not any(part.lossy for part in used)

    def compose(self, values: Mapping[str, Any]) -> str:
        """Return the key of these values.

        Raises :class:`~dynamodb_py.exceptions.ValidationError` with every part that is missing or has a
        value that a key cannot contain.
        """
        wires: dict[str, Wire] = {}
        errors: dict[str, list[str]] = {}
        for part in self.parts:
            try:
                wires[part.name] = self._to_wire(part, values.get(part.name))
            except Unstorable as error:
                errors[part.name] = [str(error)]
        if errors:
            raise ValidationError(errors, model=self._model)
        return self.compose_wires(wires)

    def compose_wires(self, wires: Mapping[str, Wire]) -> str:
        """Return the key of these values, as they are stored, by the names of their fields."""
        text = ""
        errors: dict[str, list[str]] = {}
        for piece in self.pieces:
            if isinstance(piece, str):
                text += piece
                continue
            try:
                text += piece.text(wires[piece.name])
            except Unstorable as error:
                errors[piece.name] = [str(error)]
        if errors:
            raise ValidationError(errors, model=self._model)
        return text

    @property
    def _model(self) -> str:
        return self.parts[0].field.owner

    def _to_wire(self, part: BoundPart, value: Any) -> Wire:
        wire = None if value is None else part.field.to_wire(value)
        if wire is None:
            raise Unstorable(REQUIRED)
        return wire

    def parse(self, text: str) -> dict[str, Any] | None:
        """Return the values of a key's parts; None if *text* is not a key of this template.

        Parts whose format loses something, such as a moment by its day, are left out.
        """
        wires = self.parse_wires(text)
        if wires is None:
            return None
        return {name: self.by_name[name].field.decode(wire) for name, wire in wires.items()}

    def parse_wires(self, text: str) -> dict[str, Wire] | None:
        """Do as :meth:`parse`, but return attribute values."""
        at = 0
        wires: dict[str, Wire] = {}
        for piece in self.pieces:
            if isinstance(piece, str):
                if not text.startswith(piece, at):
                    return None
                at += len(piece)
                continue
            end = self._find_end(piece, text, at)
            wire = piece.wire(text[at:end]) if at <= end <= len(text) else None
            if wire is None:
                return None
            if not piece.lossy:
                wires[piece.name] = wire
            at = end
        return wires if at == len(text) else None

    def _find_end(self, part: BoundPart, text: str, at: int) -> int:
        if part.codec.width is not None:
            return at + part.codec.width
        return text.find(part.ends, at) if part.ends else len(text)

    def prefix_wires(self, equals: Mapping[str, Wire]) -> Prefix:
        """Return the beginning of the keys whose first parts have these values."""
        text = ""
        used = 0
        for piece in self.pieces:
            if isinstance(piece, str):
                text += piece
                continue
            if (wire := equals.get(piece.name)) is None:
                break
            text += self._part_text(piece, wire)
            used += 1
        return Prefix(text, *self._uses[used])

    def _part_text(self, part: BoundPart, wire: Wire) -> str:
        try:
            return part.text(wire)
        except Unstorable as error:
            raise ValidationError({part.name: [str(error)]}, model=self._model) from None

    def bounds_wires(
        self, equals: Mapping[str, Wire], part: str, operator: str, values: Sequence[Wire]
    ) -> KeyRange | None:
        """Return the range of the keys that begin with the parts *equals*, and whose next part compares as given.

        :param operator: ``<``, ``<=``, ``>``, ``>=``, ``between`` with two values, ``begins_with``.
        :return: None if *part* is not the next one, or has no order in the key.
        """
        return self.bounds_after(self.prefix_wires(equals), part, operator, values)

    def bounds_after(
        self, prefix: Prefix, part: str, operator: str, values: Sequence[Wire]
    ) -> KeyRange | None:
        """Do as :meth:`bounds_wires`, for keys that begin with *prefix*."""
        at = len(prefix.parts)
        if at == len(self.parts) or self.parts[at].name != part:
            return None
        next_ = self.parts[at]
        exact = prefix.exact and not next_.lossy
        if operator == "begins_with":
            return self._find_prefix_range(prefix.text, next_, values[0], exact)
        if not next_.sorts:
            return None
        if operator != "between":
            return self._find_range(prefix.text, next_, operator, values[0], exact)
        low = self._find_range(prefix.text, next_, ">=", values[0], exact)
        high = self._find_range(prefix.text, next_, "<=", values[1], exact)
        return KeyRange(low.low, high.high, low.open_low, high.open_high, exact=exact)

    def _find_prefix_range(
        self, prefix: str, part: BoundPart, wire: Wire, exact: bool
    ) -> KeyRange | None:
        if not isinstance(part.codec, TextPart) or "S" not in wire:
            return None
        begins: str = wire["S"]
        if part.ends and not part.escapes and part.ends in begins:
            return None
        text = prefix + (escape(begins, part.ends) if part.escapes else begins)
        return KeyRange(prefix=text, exact=exact)

    def _find_range(
        self, prefix: str, part: BoundPart, operator: str, wire: Wire, exact: bool
    ) -> KeyRange:
        """Return the range of the keys after *prefix* whose part compares as given with a value.

        A lossy format has the same text for neighbouring values.
        """
        text = prefix + self._part_text(part, wire) + part.literal_after
        if operator in (">", ">="):
            after, open_high = self._find_end_of_range(prefix, part)
            open_low = False
            if operator == ">" and not part.lossy:
                open_low = part.last and part.codec.width is None
                text = text if open_low else find_following(text)
            return KeyRange(text, after, open_low, open_high, exact=exact)
        low = prefix or None
        if operator == "<" and not part.lossy:
            return KeyRange(low, text, open_high=True, exact=exact)
        if part.last and not part.lossy:
            return KeyRange(low, text, exact=exact)
        return KeyRange(low, find_following(text), open_high=True, exact=exact)

    def _find_end_of_range(self, prefix: str, part: BoundPart) -> tuple[str | None, bool]:
        """Return the upper bound of the keys after *prefix*, and whether it is exclusive."""
        if part.last and part.codec.greatest is not None:
            return prefix + part.codec.greatest, False
        return find_following(prefix) if prefix else None, True

    def can_equal(self, other: BoundTemplate) -> bool:
        """Tell whether both templates may make one text; False if their literals rule it out."""
        return self._outline.can_equal(other._outline)

    def __str__(self) -> str:
        return self.template.text

    def __repr__(self) -> str:
        return f"<BoundTemplate {self.template.text!r}>"
