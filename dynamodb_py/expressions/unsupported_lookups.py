"""Lookups of Django that DynamoDB does not have, with advice on alternatives."""

from __future__ import annotations

_ONE_CASE = (
    "its comparisons are case-sensitive. Store the text in one case in a field of its own, and use "
    "{instead} on that field"
)
_RANGE = (
    "it cannot read the parts of a time. Use a range, {stem}__range=(first, last); or, if times "
    "are stored as ISO 8601 text, a prefix, {stem}__startswith='2026-11'"
)
_PATTERN = (
    "it has no patterns. Use {stem}__startswith= or {stem}__contains=, and match the results in "
    "Python"
)
_KEYS = "test whether the key exists: {stem}__key__exists=True"

_TIMES = "year iso_year quarter month week week_day iso_week_day day date time hour minute second"
PARTS_OF_TIME = frozenset(_TIMES.split())
"""In a free-form map these are keys, as they are for Django's JSONField."""

ADVICE: dict[str, str] = {
    "iexact": _ONE_CASE.replace("{instead}", "exact"),
    "icontains": _ONE_CASE.replace("{instead}", "contains"),
    "istartswith": _ONE_CASE.replace("{instead}", "startswith"),
    "endswith": "it can only search the beginning or the whole of a text. Use {stem}__contains=, and "
    "check the end in Python; or store the text reversed in a field of its own, and use "
    "startswith on that field",
    "iendswith": "it cannot search the end of a text, nor ignore its case. Store the text reversed and "
    "in one case in a field of its own, and use startswith on that field",
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
"""Advice on an alternative, by lookup; ``{stem}`` is the part before the lookup."""
