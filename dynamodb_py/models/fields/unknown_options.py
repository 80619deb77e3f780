"""Options that other mappers have for fields and models, and their replacements here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_NAME = "name= is the attribute's name in DynamoDB"
_COMMENT = "leave it out, or write a comment"
_INDEX = "declare GlobalIndex(hash_key=...) in the class"
_KEY = "hash_key=True, or range_key=True, makes it part of the key"
_CONNECTION = "connections belong to the program: connect({}); using= names one"

FIELD_OPTIONS: Mapping[str, str] = {
    "primary_key": _KEY,
    "key": _KEY,
    "pk": _KEY,
    "blank": "every field may be left out, and required=True refuses None",
    "db_column": _NAME,
    "attr_name": _NAME,
    "attribute": _NAME,
    "column_name": _NAME,
    "db_index": _INDEX,
    "index": _INDEX,
    "db_default": "default= is set by the package",
    "default_for_new": "default= is for new instances, and for items without the attribute",
    "editable": _COMMENT,
    "help_text": _COMMENT,
    "verbose_name": _COMMENT,
    "error_messages": "validators= raise ValueError with a message of yours",
    "max_digits": "numbers are exact, up to 38 digits: max_value= bounds them",
    "decimal_places": "DecimalField takes places=",
    "unique_for_date": "Meta.constraints takes UniqueConstraint(...) of several fields",
    "unique_for_month": "Meta.constraints takes UniqueConstraint(...) of several fields",
    "unique_for_year": "Meta.constraints takes UniqueConstraint(...) of several fields",
    "nullable": "required=True refuses None, null=True stores it as NULL",
    "null_check": "required=True refuses None",
    "validator": "validators= takes one or several",
}

META_OPTIONS: Mapping[str, str] = {
    "region": _CONNECTION.format("region_name=..."),
    "host": _CONNECTION.format("endpoint_url=..."),
    "aws_access_key_id": _CONNECTION.format("aws_access_key_id=..."),
    "aws_secret_access_key": _CONNECTION.format("aws_secret_access_key=..."),
    "aws_session_token": _CONNECTION.format("aws_session_token=..."),
    "connection": _CONNECTION.format("..."),
    "connect_timeout_seconds": _CONNECTION.format("connect_timeout=..."),
    "read_timeout_seconds": _CONNECTION.format("read_timeout=..."),
    "max_retry_attempts": _CONNECTION.format("retries=..."),
    "base_backoff_ms": _CONNECTION.format("retries=..."),
    "stream_view_type": "stream= is the view type",
    "unique_together": "constraints takes a list of UniqueConstraint('a', 'b')",
    "index_together": "indexes takes a list of GlobalIndex(hash_key='a', range_key='b')",
    "ordering": "the range key of the table or of an index orders items: order_by()",
    "get_latest_by": "latest() takes it, and the range key orders the items",
    "db_table": "table_name= is the name of the table",
    "name": "table_name= is the name of the table",
    "read_capacity_units": "read_capacity= is the number of units",
    "write_capacity_units": "write_capacity= is the number of units",
    "app_label": _COMMENT,
    "verbose_name": _COMMENT,
    "verbose_name_plural": _COMMENT,
    "managed": "only Table(Model).create() makes tables: leave it out",
    "proxy": "a subclass of a model with Meta.discriminator shares its table",
    "default_manager_name": "the manager is the attribute objects",
}


def advise(names: Iterable[str], known: Mapping[str, str]) -> str:
    """Return the replacements of the options *names*, as the end of a message; "" for unknown ones."""
    return "".join(f"; {name}: {known[name]}" for name in sorted(names) if name in known)


def make_unknown_option_error(kind: type[object], names: Iterable[str]) -> TypeError:
    """Return the error for the options *names*, which fields of *kind* do not take."""
    names = sorted(names)
    return TypeError(f"{kind.__name__} takes no {', '.join(names)}{advise(names, FIELD_OPTIONS)}")
