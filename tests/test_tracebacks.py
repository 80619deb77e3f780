"""Errors of DynamoDB and of the network come with few frames of the package, all others with all."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import pytest

import dynamodb_py
from dynamodb_py import (
    CharField,
    ConditionFailed,
    ConnectionFailed,
    DoesNotExist,
    IntegerField,
    InvalidRequest,
    Model,
    ServiceError,
    Table,
    ValidationError,
    connections,
    signals,
    transaction,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.testing import capture_requests

from .scripted import Script, scripted_connection

MOST = 5
PACKAGE = str(Path(dynamodb_py.__file__).parent)


class Score(Model):
    class Meta:
        table_name = "scores"

    user = CharField(hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField()


ITEM = {"user": {"S": "a"}, "points": {"N": "1"}, "title": {"S": "old"}}


def loaded():
    return Score.from_db(ITEM)


def score(title="new"):
    return Score(user="a", points=1, title=title)


def save():
    score().save()


async def asave():
    await score().asave()


def save_changes():
    instance = loaded()
    instance.title = "new"
    instance.save()


async def asave_changes():
    instance = loaded()
    instance.title = "new"
    await instance.asave()


def delete():
    loaded().delete()


async def adelete():
    await loaded().adelete()


def get():
    Score.objects.get(user="a", points=1)


async def aget():
    await Score.objects.aget(user="a", points=1)


def create():
    Score.objects.create(user="a", points=1)


async def acreate():
    await Score.objects.acreate(user="a", points=1)


def iterate():
    for _ in Score.objects.filter(user="a"):
        pass


async def aiterate():
    async for _ in Score.objects.filter(user="a"):
        pass


def iterate_with_prefetch():
    for _ in Score.objects.filter(user="a").prefetch().iterator():
        pass


async def aiterate_with_prefetch():
    async for _ in Score.objects.filter(user="a").prefetch().iterator():
        pass


def step():
    next(Score.objects.filter(user="a").iterator())


async def astep():
    await anext(Score.objects.filter(user="a").iterator())


def count():
    Score.objects.filter(user="a").count()


async def acount():
    await Score.objects.filter(user="a").acount()


def batch_get():
    Score.objects.batch_get({"user": "a", "points": 1})


async def abatch_get():
    await Score.objects.abatch_get({"user": "a", "points": 1})


def batch_write():
    with Score.objects.batch_write() as batch:
        batch.save(score())


async def abatch_write():
    async with Score.objects.abatch_write() as batch:
        await batch.save(score())


def create_table():
    Table(Score).create()


async def acreate_table():
    await Table(Score).acreate()


def write_transaction():
    with transaction.atomic():
        score().save()


async def awrite_transaction():
    async with transaction.atomic():
        await score().asave()


def write_two():
    with transaction.atomic():
        score().save()
        Score(user="b", points=2).save()


async def awrite_two():
    async with transaction.atomic():
        await score().asave()
        await Score(user="b", points=2).asave()


VERBS = [
    save,
    save_changes,
    delete,
    get,
    create,
    iterate,
    iterate_with_prefetch,
    step,
    count,
    batch_get,
    batch_write,
    create_table,
    write_transaction,
    write_two,
]
BOTH = [
    *(pytest.param(verb, id=f"{verb.__name__}-sync") for verb in VERBS),
    *(pytest.param(globals()[f"a{verb.__name__}"], id=f"{verb.__name__}-async") for verb in VERBS),
]


def refused():
    return make_service_error("ValidationException", "no")


def broken():
    error = ConnectionFailed("reset")
    error.__cause__ = ConnectionResetError("reset by peer")
    return error


@pytest.fixture
def script(monkeypatch):
    script = Script()
    known = {"default": scripted_connection(script)}
    monkeypatch.setattr(connections, "_connections", known)
    return script


def call(verb):
    """Call *verb*, and await what it returns if that is a coroutine."""
    result = verb()
    if asyncio.iscoroutine(result):
        asyncio.run(result)


def frames_of(error):
    """Return the frames of the package in all that Python prints of *error*."""
    found = []
    printed = traceback.TracebackException.from_exception(error)
    while printed is not None:
        found += [frame for frame in printed.stack if frame.filename.startswith(PACKAGE)]
        shown = None if printed.__suppress_context__ else printed.__context__
        printed = printed.__cause__ or shown
    return found


@pytest.mark.parametrize("verb", BOTH)
@pytest.mark.parametrize(
    ("failure", "kind", "attempts"),
    [(refused, InvalidRequest, 1), (broken, ConnectionFailed, 4)],
    ids=["service error", "network failure"],
)
def test_an_error_of_a_request_has_few_frames_of_the_package(script, verb, failure, kind, attempts):
    failures = [failure() for _ in range(attempts)]
    script.answers = list(failures)
    with pytest.raises(kind) as caught:
        call(verb)
    frames = frames_of(caught.value)
    assert 1 <= len(frames) <= MOST, "".join(traceback.format_list(frames))
    assert caught.value.attempts == attempts
    assert isinstance(caught.value.__cause__, ConnectionResetError) is (failure is broken)


@pytest.mark.parametrize("verb", BOTH)
def test_an_error_of_an_observed_request_has_as_few_frames(script, verb):
    script.answers = [refused()]
    with capture_requests() as sent, pytest.raises(InvalidRequest) as caught:
        call(verb)
    assert 1 <= len(frames_of(caught.value)) <= MOST
    assert [type(each.error) for each in sent] == [InvalidRequest]


@pytest.mark.parametrize("verb", [save_changes, asave_changes, create, acreate])
def test_a_condition_that_failed_has_few_frames(script, verb):
    script.answers = [
        make_service_error("ConditionalCheckFailedException", "no", body={"Item": ITEM})
    ]
    with pytest.raises(ConditionFailed) as caught:
        call(verb)
    assert 1 <= len(frames_of(caught.value)) <= MOST


@pytest.mark.parametrize("verb", [save_changes, asave_changes])
def test_an_error_made_of_an_answer_has_few_frames(script, verb):
    script.answers = [make_service_error("ConditionalCheckFailedException", "no")]
    with pytest.raises(DoesNotExist) as caught:
        call(verb)
    assert isinstance(caught.value.__context__, ServiceError)
    assert 1 <= len(frames_of(caught.value)) <= MOST


def raise_in_transport(error):
    def answer(operation):
        raise error

    return answer


@pytest.mark.parametrize("verb", BOTH)
def test_a_bug_keeps_all_frames(script, verb):
    script.answers = [raise_in_transport(ZeroDivisionError("a bug"))] * 2
    with pytest.raises(ZeroDivisionError) as caught:
        call(verb)
    names = [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert names[-1] == "answer"
    assert "send" in names


class Checked(Model):
    class Meta:
        table_name = "checked"

    user = CharField(hash_key=True)

    def before_save(self, created):
        raise ValidationError({"user": ["no"]})


@pytest.mark.parametrize("verb", ["save", "asave"])
def test_a_validation_error_keeps_all_frames(script, verb):
    instance = Checked(user="a")
    with pytest.raises(ValidationError) as caught:
        call(lambda: getattr(instance, verb)())
    assert [frame.name for frame in traceback.extract_tb(caught.tb)][-1] == "before_save"
    assert len(frames_of(caught.value)) > 3


@pytest.mark.parametrize("verb", [save, asave])
def test_a_hook_that_meets_an_error_of_dynamodb_keeps_all_frames(script, verb):
    def look(sender, instance, **more):
        Score.objects.get(user="other", points=1)

    script.answers = [refused()]
    signals.pre_save.connect(look, sender=Score)
    try:
        with pytest.raises(InvalidRequest) as caught:
            call(verb)
    finally:
        signals.pre_save.disconnect(look, sender=Score)
    assert "look" in [frame.name for frame in traceback.extract_tb(caught.tb)]
