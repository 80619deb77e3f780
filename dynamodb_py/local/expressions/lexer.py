"""The words of an expression."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from ...limits import MAX_EXPRESSION_BYTES, MAX_OPERATORS
from ..errors import make_invalid

_TOKEN = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<hash>\#[A-Za-z0-9_]+)"
    r"|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)"
    r"|(?P<sign><=|>=|<>|[=<>()\[\].,+-])"
    r"|(?P<wrong>[^ \t\r\n])"
)
_COUNTED = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "+", "-", "AND", "OR", "NOT", "BETWEEN", "IN"}
)


class Token(NamedTuple):
    """A word: its kind (name, hash, value, number, sign or end), its text and where it is."""

    kind: str
    text: str
    start: int
    word: str
    """The text in capitals if it is a name, and as it is if not: what keywords are compared with."""


class Lexer:
    """The words of an expression in order, and the place of the one that is read next.

    *kind* is the parameter's name: errors begin with it.
    """

    def __init__(self, text: object, kind: str) -> None:
        self.kind = kind
        self.text = self._check_text(text)
        self._tokens = [
            Token(str(found.lastgroup), found.group(), found.start(), found.group())
            if found.lastgroup != "name"
            else Token("name", found.group(), found.start(), found.group().upper())
            for found in _TOKEN.finditer(self.text)
        ]
        end = len(self.text)
        self._tokens.append(Token("end", "<EOF>", end, "<EOF>"))
        self._at = 0
        self.token = self._tokens[0]
        """The word that is read next."""
        self._check_words()

    def _check_text(self, text: object) -> str:
        if not isinstance(text, str):
            raise make_invalid(f"{self.kind} must be a string")
        if not text.strip():
            self.refuse("The expression can not be empty;")
        if (size := len(text.encode("utf-8", "replace"))) > MAX_EXPRESSION_BYTES:
            self.refuse(
                f"Expression size has exceeded the maximum allowed size; expression size: {size}"
            )
        return text

    def _check_words(self) -> None:
        """Refuse what no grammar has, and so many operators that a parser would go too deep."""
        count = 0
        for at, token in enumerate(self._tokens):
            if token.kind == "wrong":
                self._at, self.token = at, token
                self.refuse_token()
            follows = self._tokens[at + 1].text if token.kind == "name" else ""
            if token.word in _COUNTED or (follows == "(" and token.kind == "name"):
                count += 1
        if count > MAX_OPERATORS:
            self.refuse(f"The expression contains too many operators; operator count: {count}")

    def look(self, distance: int = 1) -> Token:
        """Return the word *distance* behind the next."""
        return self._tokens[min(self._at + distance, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Return the next word, and go on behind it."""
        token = self.token
        if token.kind != "end":
            self._at += 1
            self.token = self._tokens[self._at]
        return token

    def accept(self, word: str) -> bool:
        """Take the next word if it is *word*, and return whether it was."""
        if self.token.word == word:
            self.take()
            return True
        return False

    def expect(self, word: str) -> None:
        """Take the next word, which must be *word*."""
        if self.token.word != word:
            self.refuse_token()
        self.take()

    def expect_end(self) -> None:
        """Refuse what follows the end of the expression."""
        if self.token.kind != "end":
            self.refuse_token()

    def refuse(self, reason: str) -> NoReturn:
        """Raise a ValidationException that names the parameter."""
        raise make_invalid(f"Invalid {self.kind}: {reason}")

    def refuse_token(self) -> NoReturn:
        """Raise the error of a word that does not fit, with the ones around it."""
        first = self._tokens[max(self._at - (2 if self.token.kind == "end" else 1), 0)]
        last = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        end = last.start + len(last.text)
        near = self.text[first.start : end].strip()
        self.refuse(f'Syntax error; token: "{self.token.text}", near: "{near}"')
