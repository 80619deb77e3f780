"""The words of a text, and which of them is read next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a text."""

    kind: str
    """What its lexer calls it; that of the last word is "end"."""
    text: str
    start: int
    length: int
    key: str
    """The text of a sign, a name in capitals: what signs and keywords are compared with."""


class Words:
    """The words of a text in order, and the place of the one that is read next."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._at = 0
        self.word = words[0]
        """The word that is read next."""

    def look(self) -> Word:
        """Return the word behind the next."""
        return self._words[min(self._at + 1, len(self._words) - 1)]

    def take(self) -> Word:
        """Return the next word, and go on behind it."""
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
