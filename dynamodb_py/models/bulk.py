"""Many instances, of any models, in one call: ``load``, ``save_all``, ``delete_all``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias

import msgspec

from ..batching import KeyReader, Progress, batch_get, batch_write, identity
from ..codec import decode
from ..connections import Connection, current_options
from ..exceptions import (
    BatchIncomplete,
    ConfigurationError,
    DoesNotExist,
    RequestError,
    ValidationError,
)
from ..flows import Flow, arun, dressed, run
from ..operations.batches import Delete, Put
from ..operations.items import Key, StoredItem
from ..operations.said import Expressions

if TYPE_CHECKING:
    from .base import Model
    from .options import Options

ProgressOption: TypeAlias = "Progress | bool | None"
P = ParamSpec("P")


def consistently(asked: bool | None) -> bool:
    """Return whether to read consistently: as asked, else as ``options()`` say."""
    return current_options().consistent if asked is None else asked


def key_reader(meta: Options) -> KeyReader:
    """Return what reads the key out of an item of a model, and nothing else of it."""
    names = [field.attribute for field in meta.keys]
    members = [(f"k{at}", dict[str, Any]) for at in range(len(names))]
    rename = {f"k{at}": name for at, name in enumerate(names)}
    read = msgspec.json.Decoder(msgspec.defstruct("Key", members, rename=rename)).decode
    astuple = msgspec.structs.astuple

    def key_of(item: bytes) -> dict[str, Any]:
        return dict(zip(names, astuple(read(item)), strict=True))

    return key_of


def shown(progress: ProgressOption) -> Progress | None:
    """Return the callback of *progress*: itself, or that of a bar for True."""
    if not isinstance(progress, bool):
        return progress
    return _bar() if progress else None


def _bar() -> Progress:
    try:
        from tqdm import tqdm  # only who asks for a bar needs it
    except ImportError:
        raise ConfigurationError(
            "progress=True draws a bar with tqdm: pip install 'dynamodb-py[progress]', "
            "or give a callable that takes how many are done and how many there are"
        ) from None
    bar: Any = tqdm()

    def advance(done: int, total: int) -> None:
        bar.total = total or None  # of a scan, nobody knows how many there are
        bar.update(done - bar.n)
        if total and done >= total:
            bar.close()

    return advance


def counting(progress: Progress | None, total: int, before: int = 0) -> Progress | None:
    """Return what tells *progress* of a part of a whole: *before* are done, *total* there are."""
    if progress is None:
        return None
    tell = progress

    def advance(done: int, _: int) -> None:
        tell(before + done, total)

    return advance


def distinct(writes: Sequence[Put | Delete], *, last_wins: bool, model: str) -> list[Put | Delete]:
    """Return *writes* with one for each item, the last; raise where two are not wanted."""
    kept: dict[Any, Put | Delete] = {}
    for write in writes:
        place = (write.table, identity(write.key))
        if place in kept and not last_wins:
            raise ValidationError(
                f"two of the items have the key {_said(write.key)}: drop one, "
                "or say overwrite=True, so that the last one counts",
                model=model,
            )
        kept.pop(place, None)
        kept[place] = write
    return list(kept.values())


def _said(key: Key) -> str:
    return ", ".join(f"{name}={decode(wire)!r}" for name, wire in key.items())


def write_all(
    writes: Sequence[Put | Delete],
    named: Mapping[int, Any],
    *,
    workers: int,
    progress: Progress | None,
) -> Flow[None]:
    """Carry out *writes*; what is left over is told as what stands for it in *named*, by id."""
    try:
        yield from batch_write(writes, workers=workers, progress=progress)
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [named.get(id(write), write.key) for write in error.unprocessed]
        raise


def read_all(
    asked: Sequence[tuple[str, Key]],
    given: Sequence[Any],
    readers: Mapping[str, KeyReader],
    *,
    consistent: bool | None,
    workers: int,
    progress: ProgressOption,
    said: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items of *asked*; what is left over is told as what stands for it in *given*.

    :param said: what to read of the items, by table; by default all.
    """
    named = {id(pair): each for pair, each in zip(asked, given, strict=True)}
    try:
        return (
            yield from batch_get(
                asked,
                readers,
                consistent=consistently(consistent),
                workers=workers,
                progress=shown(progress),
                said=said,
            )
        )
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [named[id(pair)] for pair in error.unprocessed]
        raise


def _load(
    objects: Iterable[Model],
    *,
    consistent: bool | None = None,
    workers: int = 1,
    progress: ProgressOption = None,
) -> Flow[None]:
    """Read all *objects* again, in place, by their keys; of any models, a hundred to a request.

    :param consistent: True sees every write before it; by default as ``options()`` says.
    :param workers: how many requests may be under way at once.
    :param progress: called with how many are done and how many there are, or True for a bar.
    :raises DoesNotExist: some are not there: ``missing`` has them. All others were loaded.
    """
    asked = list(objects)
    found = yield from read_all(
        [(each._table, each._key()) for each in asked],
        asked,
        {each._table: key_reader(each._meta) for each in asked},
        consistent=consistent,
        workers=workers,
        progress=progress,
    )
    missing: list[Model] = []
    for each, item in zip(asked, found, strict=True):
        if item is None:
            missing.append(each)
        else:
            each._become(item)
    if missing:
        said = ", ".join(f"{type(each).__name__} {each.primary_key!r}" for each in missing[:5])
        raise DoesNotExist(f"{len(missing)} of {len(asked)} are not there: {said}", missing=missing)


def _save_all(
    objects: Iterable[Model],
    *,
    validate: bool = True,
    workers: int = 1,
    progress: ProgressOption = None,
) -> Flow[None]:
    """Save all *objects*, of any models, as ``save()`` does for each.

    New ones are put in batches of 25; loaded ones that changed take a request each. Two new ones
    with one key: the last counts.

    :raises ValidationError: values of a new one cannot be stored; nothing was sent.
    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them.
    """
    all_ = list(objects)
    new = [each for each in all_ if not each.persisted]
    puts = [each._as_put(validate=validate) for each in new]
    named = {id(put): each for put, each in zip(puts, new, strict=True)}
    writes = distinct(puts, last_wins=True, model="")
    loaded = [each for each in all_ if each.persisted]
    told = shown(progress)
    try:
        yield from write_all(writes, named, workers=workers, progress=counting(told, len(all_)))
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [*error.unprocessed, *loaded]
        raise
    written = {id(write) for write in writes}
    for put, each in zip(puts, new, strict=True):
        if id(put) in written:  # not where a later one took its place
            each._settle(put.item)
    for at, each in enumerate(loaded, start=len(new) + 1):
        try:
            yield from each._save(validate=validate)
        except RequestError as error:
            error.unprocessed = loaded[at - len(new) - 1 :]
            raise
        if told is not None:
            told(at, len(all_))


def _delete_all(
    objects: Iterable[Model], *, workers: int = 1, progress: ProgressOption = None
) -> Flow[None]:
    """Delete all *objects*, of any models, 25 to a request; those that are not there count as deleted.

    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them.
    """
    all_ = list(objects)
    deletes = [Delete(each._table, each._key()) for each in all_]
    named = {id(delete): each for delete, each in zip(deletes, all_, strict=True)}
    writes = distinct(deletes, last_wins=True, model="")
    yield from write_all(writes, named, workers=workers, progress=shown(progress))
    for each in all_:
        each._detach()


def _connection_of(objects: Sequence[Model]) -> Connection | None:
    """Return the connection that all *objects* have in common, None where there are none."""
    links = {id(link): link for link in (each._link for each in objects)}
    if len(links) > 1:
        names = ", ".join(repr(link.alias) for link in links.values())
        raise ConfigurationError(
            f"the objects belong to several connections, {names}: one call each"
        )
    return next(iter(links.values()), None)


def _waiting(
    flow: Callable[Concatenate[Iterable[Model], P], Flow[None]],
) -> Callable[Concatenate[Iterable[Model], P], None]:
    def function(objects: Iterable[Model], /, *args: P.args, **kwargs: P.kwargs) -> None:
        all_ = list(objects)
        link = _connection_of(all_)
        if link is not None:
            run(flow(all_, *args, **kwargs), link)

    return dressed(function, flow, "")


def _awaited(
    flow: Callable[Concatenate[Iterable[Model], P], Flow[None]],
) -> Callable[Concatenate[Iterable[Model], P], Coroutine[Any, Any, None]]:
    async def function(objects: Iterable[Model], /, *args: P.args, **kwargs: P.kwargs) -> None:
        all_ = list(objects)
        link = _connection_of(all_)
        if link is not None:
            await arun(flow(all_, *args, **kwargs), link)

    return dressed(function, flow, "a")


load = _waiting(_load)
aload = _awaited(_load)
save_all = _waiting(_save_all)
asave_all = _awaited(_save_all)
delete_all = _waiting(_delete_all)
adelete_all = _awaited(_delete_all)
