"""Lookups of Django that DynamoDB does not have, and what to do instead."""

from __future__ import annotations

_ONE_CASE = (
    "it compares letters as they are. Keep the text in one case in a field of its own, and use "
    "{instead} on that"
)
_RANGE = (
    "it does not take times apart. Use a range, {stem}__range=(first, last), or, where times "
    "are stored as ISO 8601 text, for its beginning, {stem}__startswith='2026-11'"
)
_PATTERN = (
    "it has no patterns. Use {stem}__startswith= or {stem}__contains=, and match in Python what "
    "was read"
)
_KEYS = "test whether the key is there: {stem}__key__exists=True"

_TIMES = "year iso_year quarter month week week_day iso_week_day day date time hour minute second"
PARTS_OF_TIME = frozenset(_TIMES.split())
"""In a free-form map these are keys, as they are for Django's JSONField."""

ADVICE: dict[str, str] = {
    "iexact": _ONE_CASE.replace("{instead}", "exact"),
    "icontains": _ONE_CASE.replace("{instead}", "contains"),
    "istartswith": _ONE_CASE.replace("{instead}", "startswith"),
    "endswith": "it looks at the beginning of a text, or anywhere in it. Use {stem}__contains=, and "
    "look at the end in Python; or store the text reversed in a field of its own, and use "
    "startswith on that",
    "iendswith": "it compares letters as they are, and no ends. Store the text reversed and in one "
    "case in a field of its own, and use startswith on that",
    "regex": _PATTERN,
    "iregex": _PATTERN,
    "search": "it has no full-text search. Use {stem}__contains= for a part of the text, or keep a "
    "search engine beside the table, which a stream keeps up to date",
    "has_key": _KEYS,
    "has_keys": _KEYS,
    "has_any_keys": _KEYS,
    "len": "it is called size here: {stem}__size=, {stem}__size__gt=",
    **dict.fromkeys(PARTS_OF_TIME, _RANGE),
}
"""What to do instead, by lookup; ``{stem}`` is the part before the lookup."""
