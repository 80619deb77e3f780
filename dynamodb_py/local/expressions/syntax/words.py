"""The words of a text, and the position of the parser in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a text."""

    kind: str
    """The name of its kind in the lexer; "end" for the last word."""
    text: str
    start: int
    length: int
    key: str
    """The text for comparisons with signs and keywords: a sign, or a name in capitals."""


class Words:
    """The words of a text in order, and the position of the next one."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._at = 0
        self.word = words[0]
        """The next word."""

    def look(self) -> Word:
        """Return the word after the next."""
        return self._words[min(self._at + 1, len(self._words) - 1)]

    def take(self) -> Word:
        """Return the next word, and move to the one after it."""
        word = self.word
        if word.kind != "end":
            self._at += 1
            self.word = self._words[self._at]
        return word

    def accept(self, key: str) -> bool:
        """Take the next word if it is *key*, and return whether it was."""
        if self.word.key == key:
            self.take()
            return True
        return False
