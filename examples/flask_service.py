"""A service for notes in Flask: ``flask --app flask_service run`` runs it with boto3's usual settings."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, request

from dynamodb_py import CharField, DateTimeField, Model, SetField, ULIDField, VersionField
from dynamodb_py.contrib.flask import (
    add_error_handlers,
    check_if_match,
    get_object_or_404,
    get_page,
    set_etag,
)
from dynamodb_py.contrib.pydantic import pydantic_model


class Note(Model):
    class Meta:
        table_name = "notes"

    author = CharField(hash_key=True)
    id = ULIDField(range_key=True)
    text = CharField(required=True, max_length=1000)
    tags = SetField(str)
    changed = DateTimeField(auto_now=True)
    version = VersionField()


NoteChanges = pydantic_model(Note, partial=True)

app = Flask(__name__)
add_error_handlers(app)


def respond(note: Note) -> Any:
    set_etag(note)
    return note.to_dict(mode="json")


@app.get("/<author>/notes")
def list_notes(author: str) -> Response:
    notes = get_page(Note.objects.filter(author=author), size=10)
    return jsonify([note.to_dict(mode="json") for note in notes])


@app.post("/<author>/notes")
def add(author: str) -> Any:
    note = Note.from_dict({**request.get_json(), "author": author}, mode="json", strict=True)
    return respond(note.save(force_insert=True)), 201


@app.get("/<author>/notes/<key>")
def show(author: str, key: str) -> Any:
    return respond(get_object_or_404(Note, author, key))


@app.patch("/<author>/notes/<key>")
def change(author: str, key: str) -> Any:
    note = get_object_or_404(Note, author, key)
    check_if_match(note, required=True)
    changes = NoteChanges.model_validate(request.get_json())
    return respond(note.update(**changes.model_dump(exclude_unset=True)))


@app.delete("/<author>/notes/<key>")
def remove(author: str, key: str) -> Any:
    get_object_or_404(Note, author, key).delete()
    return "", 204
