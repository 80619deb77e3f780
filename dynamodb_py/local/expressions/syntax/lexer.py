"""The words of an expression."""

from __future__ import annotations

import re
from typing import NoReturn

from ....limits import MAX_EXPRESSION_BYTES
from ...database.errors import ServiceError, make_invalid
from .words import Word, Words

_WORD = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<hash>\#[A-Za-z0-9_]+)"
    r"|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)"
    r"|(?P<sign><=|>=|<>|[=<>()\[\].,+-])"
    r"|(?P<wrong>[^ \t\r\n])"
)


def check_text(text: object, kind: str) -> str:
    """Return the text of an expression; raise a ValidationException if it is empty or too long."""
    if not isinstance(text, str):
        raise make_invalid(f"Invalid {kind}: An expression must be a string")
    if not text.strip(" \t\r\n"):
        raise make_invalid(f"Invalid {kind}: The expression can not be empty;")
    if len(text) * 3 > MAX_EXPRESSION_BYTES:
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_EXPRESSION_BYTES:
            raise make_invalid(
                f"Invalid {kind}: Expression size has exceeded the maximum allowed size; "
                f"expression size: {size}"
            )
    return text


class Lexer(Words):
    """The words of an expression, of the kinds name, hash, value, number, sign, wrong and end.

    A hash is the placeholder of a name, and a value the placeholder of a value.

    :param kind: the name of the request's member with the expression, for errors.
    """

    def __init__(self, text: str, kind: str) -> None:
        self._text, self._kind = text, kind
        words = [_make_word(found) for found in _WORD.finditer(text)]
        super().__init__([*words, Word("end", "<EOF>", len(text), 0, "<EOF>")])

    def expect(self, key: str) -> None:
        """Take the next word, which must be *key*."""
        if not self.accept(key):
            self.refuse_word()

    def refuse(self, reason: str) -> NoReturn:
        """Raise a ValidationException that names the request's member."""
        raise make_invalid(f"Invalid {self._kind}: {reason}")

    def refuse_word(self) -> NoReturn:
        """Raise a ValidationException: the next word is not allowed here."""
        raise self.make_error()

    def make_error(self) -> ServiceError:
        """Return the error for a next word that is not allowed, with the words around it."""
        before = 2 if self.word.kind == "end" else 1
        first = self._words[max(self._at - before, 0)]
        last = self._words[min(self._at + 1, len(self._words) - 1)]
        near = self._text[first.start : last.start + last.length].rstrip()
        return make_invalid(
            f'Invalid {self._kind}: Syntax error; token: "{self.word.text}", near: "{near}"'
        )


def _make_word(found: re.Match[str]) -> Word:
    kind, text = str(found.lastgroup), found.group()
    key = text.upper() if kind == "name" else text
    return Word(kind, text, found.start(), len(text), key)
