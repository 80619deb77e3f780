"""Pure functions that find the shards to read, and the places to begin, from the listed shards.

A stream is a tree of shards: a full shard is closed, and its children continue it. A reader has a place in
each shard that it reads, and in each shard that it has read to the end if that has no children yet. The
ancestors of these shards are done. Their descendants wait, so that the changes of one item come in order.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

from ..exceptions import InvalidPosition
from ..operations.streams import Shard

Position: TypeAlias = "dict[str, Any]"
"""The position of a reader, as a plain dict for ``json.dumps``."""

PlaceKind = Literal["start", "at", "after", "latest", "end"]
_KINDS = frozenset({"start", "at", "after", "latest", "end"})

_RETENTION = 24 * 3600.0
"""How long DynamoDB keeps records, in seconds."""
_LEEWAY = 300.0
"""The seconds that the clock of this machine may be wrong; AWS rejects requests if it is off by more."""


class Place(Struct, frozen=True):
    """A place in a shard."""

    kind: PlaceKind
    """The oldest record, the one *at* a number, the first one *after* it, the *latest*, or the end."""
    mark: str | None = None
    """The sequence number; for the latest place, its iterator, once there is one."""
    since: float | None = None
    """The time, in seconds since 1970, before which records are left out, also in children of the shard."""

    def move(self, kind: PlaceKind, mark: str | None = None) -> Place:
        """Return another place in the shard, or in a child."""
        # The time of the latest place is only used if its iterator expires.
        return Place(kind, mark, None if self.kind == "latest" else self.since)


class Gap(Struct, frozen=True):
    """Records of a shard that were trimmed before they were read, and the place before them."""

    shard: str
    place: Place | None
    """None: no record of the shard was read."""


START = Place("start")


def choose_latest(shards: Mapping[str, Shard], now: float) -> dict[str, Place]:
    """Return the latest place in each shard without children, which may still be open.

    :param now: the time in seconds since 1970. If the iterator of a place expires before there was a record,
        reading begins at this time, less the leeway.
    """
    parents = {shard.parent for shard in shards.values()}
    place = Place("latest", since=now - _LEEWAY)
    return {name: place for name in shards if name not in parents}


def add_shards(
    places: Mapping[str, Place], shards: Mapping[str, Shard], first: Place | None = None
) -> tuple[dict[str, Place], list[Gap]]:
    """Return *places* with the places of the listed *shards* that can be read now, and the gaps before them.

    A shard can be read if its parent was read to the end, or is not known any more. The result has no place
    at the end of a shard that has children, or is not listed.

    :param first: the place to begin in shards without a listed parent, if nothing was read before.
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
    """Return the ids of the ancestors of *places*, with those that are not listed any more."""
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
    """Return *places*, moved to the end in shards that are not listed any more, and the gaps of these shards."""
    ended, gaps = dict(places), list[Gap]()
    for name, place in places.items():
        if name not in shards and place.kind != "end":
            ended[name] = place.move("end")
            gaps.append(Gap(name, place))
    return ended, gaps


def age_places(
    places: Mapping[str, Place], at: float, now: float
) -> tuple[dict[str, Place], list[Gap]]:
    """Return *places*, moved to the oldest record if they may have been trimmed, and the gaps of these shards.

    This is for places without a sequence number: for a number that was trimmed, DynamoDB returns an error.

    :param at: the time when the places were current, in seconds since 1970.
    :param now: the time now, in seconds since 1970.
    """
    if now - at < _RETENTION - _LEEWAY:
        return dict(places), []
    old = {name: place for name, place in places.items() if place.kind in ("start", "latest")}
    restarted = {name: Place("start", since=place.since) for name, place in old.items()}
    return {**places, **restarted}, [Gap(name, place) for name, place in old.items()]


def write_position(stream: str, places: Mapping[str, Place], at: float) -> Position:
    """Return the position of *places*, which were current *at* a time in seconds since 1970."""
    shards = {name: _write(place) for name, place in places.items()}
    return {"stream": stream, "at": at, "shards": shards}


def _write(place: Place) -> dict[str, Any]:
    since = {} if place.since is None else {"since": place.since}
    return {place.kind: place.mark, **since}


def read_position(position: Mapping[str, Any], stream: str) -> tuple[dict[str, Place], float]:
    """Return the places of *position*, and the time when they were current.

    :raises InvalidPosition: *position* is invalid, or belongs to another stream than *stream*.
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
            f"position={position!r:.200}: give 'latest', 'trim_horizon', a datetime, or the position of a stream"
        )
    if found != stream:
        raise InvalidPosition(
            f"the position belongs to the stream {found}, and the stream of the table is {stream}: the table was "
            "created again since, or its stream switched off and on; start from 'trim_horizon'"
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
            if kind == "latest" and mark is None:  # the latest place is another one by now
                return Place("start", since=since)
            return Place(cast("PlaceKind", kind), mark, since)
    raise InvalidPosition(f"position: {place!r:.200} is not a place in the shard {shard}")
