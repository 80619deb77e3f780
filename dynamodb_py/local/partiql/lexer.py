"""The words of a statement."""

from __future__ import annotations

import re
from typing import NoReturn

from ..database.errors import ServiceError, make_invalid
from ..expressions.syntax.words import Word, Words
from .keywords import KEYWORDS

_SPACE = re.compile(r"(?:[ \t\r\n\f\v]+|--[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r'|"(?P<quoted>(?:[^"]|"")*)"'
    r"|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<sign><<|>>|<=|>=|<>|!=|[=<>()\[\]{},.:;?*+-])"
)
_QUOTES = {"quoted": '"', "text": "'"}


def make_malformed(detail: str) -> ServiceError:
    """Return the error for a statement that is not valid PartiQL."""
    return make_invalid(f"Statement wasn't well formed, can't be processed: {detail}")


class Lexer(Words):
    """The words of a statement, of the kinds number, name, keyword, quoted, text, sign and end.

    A quoted word is a name in double quotation marks. The text of such a word, or of a text, has no quotation marks.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_split(text))
        self._text = text

    def expect(self, key: str) -> Word:
        """Take the next word, which must be *key*."""
        if self.word.key != key:
            self.refuse(f"Expected {key}")
        return self.take()

    def refuse(self, detail: str) -> NoReturn:
        """Raise the error for a statement that is not valid PartiQL."""
        raise make_malformed(detail)

    def locate(self, word: Word) -> str:
        """Return the line, the column and the length of a word, as errors show them."""
        before = self._text[: word.start]
        line = before.count("\n") + 1
        column = word.start - before.rfind("\n")
        return f"{line}:{column}:{word.length}"


def _split(text: str) -> list[Word]:
    words: list[Word] = []
    at = _skip_space(text, 0)
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise make_malformed("")
        words.append(_make_word(found))
        at = _skip_space(text, found.end())
    words.append(Word("end", "", len(text), 0, ""))
    return words


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _make_word(found: re.Match[str]) -> Word:
    kind = str(found.lastgroup)
    text, start = found[kind], found.start()
    length = found.end() - start
    if kind in _QUOTES:
        quote = _QUOTES[kind]
        return Word(kind, text.replace(quote * 2, quote), start, length, "")
    if kind != "name":
        return Word(kind, text, start, length, text if kind == "sign" else "")
    key = text.upper()
    return Word("keyword" if key in KEYWORDS else "name", text, start, length, key)
