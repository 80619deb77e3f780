"""Which shards to read, and from where: pure functions on places in shards and the listed shards.

A stream is a tree of shards: a full one is closed, and its children continue it. The places of a reader are
those of the shards that it reads, and of those that it has read to the end and that have no children yet.
Ancestors of these are done; descendants wait, so that the changes of one item come in order.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

from ..exceptions import InvalidPosition
from ..operations.streams import Shard

Position: TypeAlias = "dict[str, Any]"
"""The position of a reader, as a plain dict that ``json.dumps`` takes."""

PlaceKind = Literal["start", "at", "after", "latest", "end"]
_KINDS = frozenset({"start", "at", "after", "latest", "end"})

_RETENTION = 24 * 3600.0
"""The seconds that DynamoDB keeps records for."""
_LEEWAY = 300.0
"""The seconds that the clock of this machine may be off: AWS refuses requests of one that is more."""


class Place(Struct, frozen=True):
    """A place in a shard."""

    kind: PlaceKind
    """The oldest record, the one *at* a number, the first one *after* it, the *latest*, or the end."""
    mark: str | None = None
    """The sequence number; at the latest place, the iterator that leads there, once there is one."""
    since: float | None = None
    """Records from before, in seconds since 1970, are left out, also in children of the shard."""

    def move(self, kind: PlaceKind, mark: str | None = None) -> Place:
        """Return another place in the shard, or in a child."""
        # At the latest place, the time counts only if its iterator expires.
        return Place(kind, mark, None if self.kind == "latest" else self.since)


class Gap(Struct, frozen=True):
    """A shard whose records were trimmed before they were read, and the place where reading was."""

    shard: str
    place: Place | None
    """None: nothing of the shard was read."""


START = Place("start")


def choose_latest(shards: Mapping[str, Shard], now: float) -> dict[str, Place]:
    """Return the latest places: in each shard without children, since some of them may be open.

    :param now: the time in seconds since 1970. If the iterator of a place that has had no record expires,
        it is read from some time before.
    """
    parents = {shard.parent for shard in shards.values()}
    place = Place("latest", since=now - _LEEWAY)
    return {name: place for name in shards if name not in parents}


def add_shards(
    places: Mapping[str, Place], shards: Mapping[str, Shard], first: Place | None = None
) -> tuple[dict[str, Place], list[Gap]]:
    """Return *places* with those of the listed *shards* that can be read now, and the gaps before these.

    A shard is read when its parent is at its end, or is known no more. There is no place at the end of a
    shard that has children, or is not listed.

    :param first: where to begin in the shards without a listed parent, if nothing was read before.
    """
    done = _find_ancestors(places, shards)
    known = done | places.keys() | shards.keys()
    found, gaps = dict(places), list[Gap]()
    for name, shard in shards.items():
        if name in places or name in done:
            continue
        parent = shard.parent
        before = None if parent is None else places.get(parent)
        if before is not None and before.kind != "end":
            continue
        if parent in shards and before is None and parent not in done:
            continue  # the parent comes first
        if first is not None and before is None:
            found[name] = first
            continue
        if parent is not None and parent not in known:
            gaps.append(Gap(parent, None))
        kind: PlaceKind = "start" if shard.start is None else "at"
        found[name] = (before or START).move(kind, shard.start)
    parents = {shard.parent for shard in shards.values()}
    kept = {
        name: place
        for name, place in found.items()
        if place.kind != "end" or (name in shards and name not in parents)
    }
    return kept, gaps


def _find_ancestors(places: Collection[str], shards: Mapping[str, Shard]) -> set[str]:
    """Return the ids of the ancestors of *places*, also of those that are listed no more."""
    found: set[str] = set()
    for name in places:
        parent = shards[name].parent if name in shards else None
        while parent is not None and parent not in found:
            found.add(parent)
            parent = shards[parent].parent if parent in shards else None
    return found - set(places)


def end_missing(
    places: Mapping[str, Place], shards: Mapping[str, Shard]
) -> tuple[dict[str, Place], list[Gap]]:
    """Return *places* with those of shards that are listed no more at the end, and the gaps that this makes."""
    ended, gaps = dict(places), list[Gap]()
    for name, place in places.items():
        if name not in shards and place.kind != "end":
            ended[name] = place.move("end")
            gaps.append(Gap(name, place))
    return ended, gaps


def age_places(
    places: Mapping[str, Place], at: float, now: float
) -> tuple[dict[str, Place], list[Gap]]:
    """Return *places* with those that may have been trimmed at the oldest record, and the gaps that this makes.

    Where a sequence number is known, DynamoDB says what was trimmed; elsewhere the time does.

    :param at: when nothing was left to read there, in seconds since 1970, as *now*.
    """
    if now - at < _RETENTION - _LEEWAY:
        return dict(places), []
    old = {name: place for name, place in places.items() if place.kind in ("start", "latest")}
    restarted = {name: Place("start", since=place.since) for name, place in old.items()}
    return {**places, **restarted}, [Gap(name, place) for name, place in old.items()]


def write_position(stream: str, places: Mapping[str, Place], at: float) -> Position:
    """Return the position at *places*, which were current *at* a time in seconds since 1970."""
    shards = {name: _write(place) for name, place in places.items()}
    return {"stream": stream, "at": at, "shards": shards}


def _write(place: Place) -> dict[str, Any]:
    since = {} if place.since is None else {"since": place.since}
    return {place.kind: place.mark, **since}


def read_position(position: Mapping[str, Any], stream: str) -> tuple[dict[str, Place], float]:
    """Return the places of *position*, and when they were current.

    :raises InvalidPosition: it is none, or one of another stream than *stream*.
    """
    found: object = position.get("stream")
    at: object = position.get("at")
    shards: object = position.get("shards")
    if (
        not isinstance(found, str)
        or not isinstance(at, (int, float))
        or not isinstance(shards, dict)
    ):
        raise InvalidPosition(
            f"position={position!r:.200}: give the position of a stream, or 'latest', 'trim_horizon' or a datetime"
        )
    if found != stream:
        raise InvalidPosition(
            f"the position is one of the stream {found}, and the stream of the table is {stream}: the table was "
            "made again since, or its stream switched off and on; start from 'trim_horizon'"
        )
    members = cast("dict[str, object]", shards)
    return {name: _read(name, place) for name, place in members.items()}, at


def _read(shard: str, place: object) -> Place:
    if isinstance(place, dict):
        members = dict(cast("dict[str, Any]", place))
        since = members.pop("since", None)
        kind, mark = next(iter(members.items()), ("", None))
        expected = str if kind in ("at", "after") else (str, type(None))
        if (
            len(members) == 1
            and kind in _KINDS
            and isinstance(mark, expected)
            and isinstance(since, (int, float, type(None)))
        ):
            if kind == "latest" and mark is None:  # the latest one would be another by now
                return Place("start", since=since)
            return Place(cast("PlaceKind", kind), mark, since)
    raise InvalidPosition(f"position: {place!r:.200} is no place in the shard {shard}")
