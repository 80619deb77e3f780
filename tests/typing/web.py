"""What FastAPI and Flask get is typed by the model; a pydantic model is a class of pydantic."""

from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

from dynamodb_py import CharField, Document, Model, VersionField
from dynamodb_py.contrib import fastapi, flask
from dynamodb_py.contrib.pydantic import pydantic_model


class Note(Model):
    id = CharField(hash_key=True)
    version = VersionField()


class Address(Document):
    city = CharField()


assert_type(pydantic_model(Note, include=["id"]), type[BaseModel])
assert_type(pydantic_model(Address, exclude=("city",), partial=True, name="A"), type[BaseModel])
pydantic_model(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
pydantic_model(Note, exclude=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

assert_type(flask.get_object_or_404(Note, "a"), Note)
assert_type(flask.get_object_or_404(Note.objects, id="a"), Note)
assert_type(flask.get_object_or_404(Note.objects.filter(version=1), id="a"), Note)
assert_type(flask.get_page(Note.objects.all(), size=3), list[Note])
flask.set_etag("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

assert_type(fastapi.get_object_or_404(Note, "a"), Note)


async def show(pager: fastapi.Pager, if_match: fastapi.IfMatch) -> None:
    note = await fastapi.aget_object_or_404(Note.objects.all(), "a")
    assert_type(note, Note)
    assert_type(await pager.apage(Note.objects.all()), list[Note])
    assert_type(pager.page(Note.objects.all()), list[Note])
    if_match.check(note, required=True)
    if_match.check(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


values: dict[str, Any] = {"id": "a"}
assert_type(Note.from_dict(values, mode="any", strict=True), Note)
Note.from_dict(values, mode="yaml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
