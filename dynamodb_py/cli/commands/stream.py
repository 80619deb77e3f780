"""``stream``: prints the changes of a table's items as they come."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import click
from msgspec import UNSET, Raw, UnsetType

from ...codec import decode_item
from ...exceptions import QueryError, UnreadableValue
from ...streams.records import StreamRecord
from ...tables.table import Table
from ..access import Access, connected
from ..naming import find_model
from ..options import connection_options, json_option
from ..output import print_json
from ..printing import print_line
from ..statuses import UsageError, print_error


@click.command()
@click.argument("model", metavar="MODULE:MODEL")
@connection_options
@click.option(
    "--from",
    "start",
    default="latest",
    metavar="WHEN",
    help="latest (the default): changes from now on; trim_horizon: all of the last 24 hours; or a time in ISO 8601, in "
    "UTC if it has no offset.",
)
@click.option("--no-follow", is_flag=True, help="End after the changes so far.")
@click.option(
    "--poll",
    type=float,
    default=1.0,
    metavar="SECONDS",
    help="The pause between requests to a shard without new changes (1).",
)
@json_option
def stream(
    model: str, access: Access, start: str, no_follow: bool, poll: float, as_json: bool
) -> bool:
    """Print the changes of a model's items, a line each.

    The changes of one item come in their order. The exit status is 1 if the model could not load some items; errors on
    standard error name them. The JSON is an object on each line, with "kind" ("insert", "modify" or "remove"),
    "model", "key", "old" and "new" (the item by attribute, or null), "at", "sequence_number", "by_ttl" and "shard".
    """
    found = find_model(model)
    is_whole = True
    with connected(access, [found]):
        records = Table(found).stream(_parse(start), follow=not no_follow, poll=poll)
        while True:
            try:
                record = next(records)
            except StopIteration:
                return not is_whole
            except UnreadableValue as error:
                print_error(f"error: {error}")
                is_whole = False
                continue
            if as_json:
                print_json(_as_json(record))
            else:
                print_line(_describe(record))


def _parse(start: str) -> Any:
    if start in ("latest", "trim_horizon"):
        return start
    try:
        time = datetime.fromisoformat(start.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(f"--from {start}: give latest, trim_horizon or a time") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _as_json(record: StreamRecord[Any]) -> dict[str, Any]:
    names = ("kind", "key", "at", "sequence_number", "by_ttl", "shard")
    images = {"old": record.raw.change.old, "new": record.raw.change.new}
    return {
        **{name: getattr(record, name) for name in names},
        "model": record.model.__name__,
        **{name: _decode(image) for name, image in images.items()},
    }


def _decode(image: Raw | UnsetType) -> dict[str, Any] | None:
    return None if image is UNSET else decode_item(bytes(image))


def _describe(record: StreamRecord[Any]) -> str:
    """Return the change in words; a modification has the old and new values, if the stream has images."""
    key = ", ".join(f"{name}={value!r}" for name, value in record.key.items())
    by = " by TTL" if record.by_ttl else ""
    text = f"{record.at:%Y-%m-%d %H:%M:%S} {record.kind}{by} {record.model.__name__}({key})"
    if record.kind != "modify":
        return text
    try:
        changes = record.changes()
    except QueryError:  # the stream has no images
        return text
    except UnreadableValue as error:
        return f"{text}; {error}"
    return "; ".join([text, *(f"{name}: {a!r} -> {b!r}" for name, (a, b) in changes.items())])
