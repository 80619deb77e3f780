"""Many instances, of any models, in one call: ``load``, ``save_all``, ``delete_all``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias

import msgspec

from ..batching import KeyReader, Progress, batch_get, run_together
from ..connections import Connection, current_options
from ..exceptions import (
    BatchIncomplete,
    ConfigurationError,
    DoesNotExist,
    RequestError,
)
from ..flows import Flow, arun, copy_name, run
from ..operations.batches import Delete, Put
from ..operations.items import Key, StoredItem
from ..operations.read_expressions import Expressions
from .collecting import check_outside
from .deleting import Deleting
from .jobs import Job, all_begun, batched, distinct
from .locking import is_atomic
from .relations.stubs import asks
from .results import Tally
from .signals import around_batch, is_heard, saved, saving_all
from .standing import seen

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
                expressions=said,
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
        there = seen(each._meta, item)
        if there is None:
            missing.append(each)
        else:
            each._become(there)
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

    New ones are put in batches of 25; loaded ones that changed, and those with a version or unique
    values, take a request each. Two new ones with one key: the last counts; an instance that comes twice
    is saved once. If a batch fails, nothing
    else is sent; of the others, all are tried. What is to be called around a save is called before
    anything is checked and sent, for all of them, and afterwards for those that were written.

    :param workers: how many requests may be under way at once.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises DoesNotExist: some that were loaded are gone.
    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them. This and all
        else that is raised on the way has in ``done`` what became of each.
    """
    check_outside("save_all()")
    all_ = list(objects)
    heard = {at: not each.persisted for at, each in enumerate(all_) if is_heard(type(each), "save")}
    yield from saving_all([(all_[at], created) for at, created in heard.items()])
    new = {at: each for at, each in enumerate(all_) if _goes_in_batches(each)}
    puts = {at: Job(each, each._as_put(validate=validate)) for at, each in new.items()}
    last = {id(each): at for at, each in enumerate(all_)}
    tally: Tally[Any] = Tally(all_)
    flows: dict[int, Flow[Any]] = {}
    for at, each in enumerate(all_):
        if at not in new and last[id(each)] == at:
            flows[at] = each._store(validate=validate)
        elif at not in new:
            tally.note(at, "superseded")  # the same instance comes again

    def settle(job: Job) -> None:
        assert isinstance(job.write, Put)
        job.given._settle(job.write.item)

    yield from _all_of(tally, puts, flows, settle, workers, shown(progress))
    for at, created in heard.items():
        if tally.is_done(at):
            try:
                yield from saved(all_[at], created=created)
            except Exception as error:
                tally.blame(at, error)
    tally.checked()


def _delete_all(
    objects: Iterable[Model], *, workers: int = 1, progress: ProgressOption = None
) -> Flow[None]:
    """Delete all *objects*, of any models, 25 to a request; those that are not there count as deleted.

    Those with a version or unique values take a request each.

    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them. This and all
        else that is raised on the way has in ``done`` what became of each.
    """
    check_outside("delete_all()")
    all_ = list(objects)
    if all_:
        named = [(type(each), each) for each in all_]
        flow = _deleted_all(all_, workers, progress)
        yield from around_batch(flow, (), named, using=all_[0]._link.alias)


def _deleted_all(all_: Sequence[Model], workers: int, progress: ProgressOption) -> Flow[None]:
    tally: Tally[Any] = Tally(all_)
    jobs = {at: Job(each, Delete(each._table, each._key())) for at, each in enumerate(all_)}
    twins: dict[Any, list[Model]] = {}
    for job in jobs.values():
        twins.setdefault(job.place if _is_plain(job.given) else id(job.given), []).append(job.given)
    last = {id(each[-1]) for each in twins.values()}
    deletes: dict[int, Job] = {}
    flows: dict[int, Flow[None]] = {}
    for at, each in reversed(list(enumerate(all_))):
        if id(each) not in last:
            tally.note(at, "superseded")
            continue
        last.discard(id(each))  # it may be there twice
        if _is_deleted_in_batches(each):
            deletes[at] = jobs[at]
        else:
            flows[at] = _removed(each, twins.get(jobs[at].place, ()))

    def settle(job: Job) -> None:
        for each in twins[job.place]:
            each._detach()

    deletes, flows = dict(sorted(deletes.items())), dict(sorted(flows.items()))
    yield from _all_of(tally, deletes, flows, settle, workers, shown(progress))
    tally.checked()


def _is_deleted_in_batches(instance: Model) -> bool:
    known = instance.persisted or instance._options().free is None  # else, who knows its class
    return known and _is_plain(instance) and not _is_checked(instance)


def _is_plain(instance: Model) -> bool:
    """Tell whether deleting *instance* is deleting its item, and nothing else."""
    kind = type(instance)
    return kind._delete is Deleting._delete and not asks(kind, below=instance._stored is None)


def _removed(instance: Model, twins: Iterable[Model]) -> Flow[None]:
    """Delete *instance* by itself; *twins* are all instances of its item, where it is plain."""
    if not _is_plain(instance):
        yield from instance._delete()
        return
    yield from instance._remove(None, None)
    for each in twins:
        each._detach()


def _goes_in_batches(instance: Model) -> bool:
    return not instance.persisted and not _is_checked(instance)


def _is_checked(instance: Model) -> bool:
    """Tell whether each write of *instance* has a condition or companions, which no batch has."""
    meta = instance._options()
    return meta.guarded or is_atomic(meta, None)


def _all_of(
    tally: Tally[Any],
    jobs: Mapping[int, Job],
    flows: Mapping[int, Flow[Any]],
    settle: Callable[[Job], None],
    workers: int,
    progress: Progress | None,
) -> Flow[None]:
    """Carry out *jobs* in batches, then *flows* side by side, and note what comes of each in *tally*."""
    kept = set(map(id, distinct(jobs.values(), last_wins=True, model="")))
    todo = {at: job for at, job in jobs.items() if id(job) in kept}
    for at in jobs.keys() - todo.keys():
        tally.note(at, "superseded")
    began = dict(zip(flows, all_begun(flows.values()), strict=True))
    total = len(todo) + len(began)
    try:
        yield from batched(todo, tally, settle, workers, counting(progress, total))
        if tally.errors(todo):
            return
        told = counting(progress, total, total - len(began))
        outcomes = yield from run_together(list(began.values()), workers, told)
    finally:
        for flow in began.values():
            flow.close()
    for at, came in zip(began, outcomes, strict=True):
        tally.note(at, came if isinstance(came, Exception) else "written")


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

    return copy_name(function, flow, "")


def _awaited(
    flow: Callable[Concatenate[Iterable[Model], P], Flow[None]],
) -> Callable[Concatenate[Iterable[Model], P], Coroutine[Any, Any, None]]:
    async def function(objects: Iterable[Model], /, *args: P.args, **kwargs: P.kwargs) -> None:
        all_ = list(objects)
        link = _connection_of(all_)
        if link is not None:
            await arun(flow(all_, *args, **kwargs), link)

    return copy_name(function, flow, "a")


load = _waiting(_load)
aload = _awaited(_load)
save_all = _waiting(_save_all)
asave_all = _awaited(_save_all)
delete_all = _waiting(_delete_all)
adelete_all = _awaited(_delete_all)
