"""Which texts a key template can compose, as a small automaton, and whether two have one in common.

A language is built of characters (ranges of code points), one behind the other, repeated or as a
choice. Two of them are walked side by side, breadth first, so that the shortest common text is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

Chars: TypeAlias = "tuple[tuple[int, int], ...]"
"""Ranges of code points, both ends included."""

_LAST = 0x10FFFF
ANY: Chars = ((0, 0xD7FF), (0xE000, _LAST))
DIGITS: Chars = ((0x30, 0x39),)

# What an example is made of where there is a choice: 1111-11-11 is a date.
_PREFERRED = "1a"


def only(characters: str) -> Chars:
    """Return the class of these characters."""
    return tuple((ord(c), ord(c)) for c in sorted(set(characters)))


def above(character: str) -> Chars:
    """Return the class of what comes after *character*."""
    return tuple((max(low, ord(character) + 1), high) for low, high in ANY if high > ord(character))


def but(character: str) -> Chars:
    """Return the class of all characters but one."""
    code = ord(character)
    ranges: list[tuple[int, int]] = []
    for low, high in ANY:
        if low <= code <= high:
            ranges += [(low, code - 1), (code + 1, high)]
        else:
            ranges.append((low, high))
    return tuple((low, high) for low, high in ranges if low <= high)


class Language(Struct, frozen=True):
    """Texts: *kind* says how they are made of *chars* and *parts*."""

    kind: str
    chars: Chars = ()
    parts: tuple[Language, ...] = ()


def one(chars: Chars) -> Language:
    """Return the texts of one of these characters."""
    return Language("one", chars)


def text(characters: str) -> Language:
    """Return the language of this text alone."""
    return row([one(only(c)) for c in characters])


def row(parts: Iterable[Language]) -> Language:
    """Return the texts that are one of each part, one behind the other."""
    return Language("row", parts=tuple(parts))


def either(parts: Iterable[Language]) -> Language:
    """Return the texts of any of the parts."""
    return Language("either", parts=tuple(parts))


def many(part: Language) -> Language:
    """Return any number of texts of *part*, one behind the other; none is a number too."""
    return Language("many", parts=(part,))


def digits(count: int) -> Language:
    """Return the texts of so many digits."""
    return row([one(DIGITS)] * count)


class _Machine:
    """The states of a language: for each, the states beside it, and those after a character."""

    def __init__(self, language: Language) -> None:
        self.beside: list[list[int]] = []
        self.after: list[list[tuple[Chars, int]]] = []
        self.start = self._state()
        self.end = self._build(language, self.start)

    def _state(self) -> int:
        self.beside.append([])
        self.after.append([])
        return len(self.after) - 1

    def _build(self, language: Language, start: int) -> int:
        """Add *language* behind *start*, and return the state where it ends."""
        if language.kind == "row":
            for part in language.parts:
                start = self._build(part, start)
            return start
        end = self._state()
        if language.kind == "one":
            self.after[start].append((language.chars, end))
        elif language.kind == "either":
            for part in language.parts:
                self.beside[self._build(part, self._beside(start))].append(end)
        else:
            self.beside[start].append(end)
            self.beside[self._build(language.parts[0], self._beside(end))].append(end)
        return end

    def _beside(self, state: int) -> int:
        new = self._state()
        self.beside[state].append(new)
        return new

    def reach(self, state: int) -> list[int]:
        """Return the states that *state* is at, without a character."""
        found, waiting = {state}, [state]
        while waiting:
            for other in self.beside[waiting.pop()]:
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return sorted(found)


def common(mine: Language, theirs: Language) -> str | None:
    """Return a text, not empty, that is of both languages; None where there is none.

    >>> common(row([text("A#"), many(one(ANY))]), row([text("A"), many(one(DIGITS))])) is None
    True
    >>> common(row([text("A#"), many(one(ANY))]), text("A#b"))
    'A#b'
    """
    left, right = _Machine(mine), _Machine(theirs)
    seen = {(left.start, right.start)}
    waiting: deque[tuple[int, int, str]] = deque([(left.start, right.start, "")])
    while waiting:
        here, there, said = waiting.popleft()
        for a in left.reach(here):
            for b in right.reach(there):
                if said and a == left.end and b == right.end:
                    return said
                for my_chars, my_next in left.after[a]:
                    for their_chars, their_next in right.after[b]:
                        shared = _shared(my_chars, their_chars)
                        if shared is not None and (my_next, their_next) not in seen:
                            seen.add((my_next, their_next))
                            waiting.append((my_next, their_next, said + shared))
    return None


def _shared(mine: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> str | None:
    """Return a character of both classes, a handsome one where there is a choice."""
    met = [
        (max(low, other_low), min(high, other_high))
        for low, high in mine
        for other_low, other_high in theirs
        if max(low, other_low) <= min(high, other_high)
    ]
    for character in _PREFERRED:
        if any(low <= ord(character) <= high for low, high in met):
            return character
    return chr(met[0][0]) if met else None
