"""Flask: errors as responses, pages with links, ETags, and a connection for each request.

>>> from flask import Flask
>>> from dynamodb_py import CharField, Model
>>> class Note(Model):
...     id = CharField(hash_key=True)
>>> app = Flask(__name__)
>>> add_error_handlers(app)
>>> @app.get("/notes/<id>")
... def show(id):
...     return get_object_or_404(Note, id).to_dict(mode="json")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, abort, after_this_request, g, jsonify, request
from pydantic_core import ValidationError

from ..connections import options
from ..exceptions import DoesNotExist
from ..models.managers.queryset import QuerySet
from ..models.model import Model
from .responses import (
    ANSWERED,
    Source,
    answer_error,
    check_precondition,
    find_manager,
    format_links,
    list_cursors,
    make_etag,
)

M = TypeVar("M", bound=Model)

__all__ = [
    "add_error_handlers",
    "check_if_match",
    "get_object_or_404",
    "get_page",
    "set_etag",
    "use_connection",
]


def add_error_handlers(app: Flask) -> None:
    """Let *app* answer the errors of the package that are a client's affair, or pass.

    404 for ``DoesNotExist``; 409 for ``AlreadyExists`` and conditions that do not hold; 412, or 409 without
    ``If-Match``, for ``StaleItem``; 422 for ``InvalidCursor`` and for ``ValidationError``, pydantic's too, with
    the type, place and message of each problem; 503 with ``Retry-After`` for ``Throttled`` and what else
    passes. The body has a ``detail``. All other errors stay what they are: 500.
    """

    def respond(error: Any) -> Response:
        answer = answer_error(error, if_match=request.headers.get("If-Match"))
        response = jsonify(detail=answer.detail)
        response.status_code = answer.status
        response.headers.update(answer.headers)
        return response

    def refuse(error: ValidationError) -> tuple[Response, int]:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return jsonify(detail=[{**each, "loc": ["body", *each["loc"]]} for each in found]), 422

    for kind in ANSWERED:
        app.register_error_handler(kind, respond)
    app.register_error_handler(ValidationError, refuse)


def get_object_or_404(source: Source[M], *key: Any, **named: Any) -> M:
    """Return ``objects.get(*key, **named)``; where there is none, the answer is 404.

    :param source: a model, a manager, or a query set.
    """
    try:
        found: M = find_manager(source).get(*key, **named)
    except DoesNotExist:
        abort(404)
    return found


def get_page(queryset: QuerySet[Any, M], size: int = 20, most: int = 100) -> list[M]:
    """Return the page that the parameters ``size`` and ``cursor`` of the request name.

    The header ``Link`` of the response leads to the pages around it. A ``size`` that is none is answered
    by 400.

    :param size: the number of rows where the request does not say.
    :param most: the most rows that a request may ask for.
    :raises InvalidCursor: the cursor of the request is of another query, or was altered.
    """
    text = request.args.get("size", str(size))
    if not (text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        abort(400, f"size={text:.20}: it is a number from 1 to {most}")
    page = queryset.page(size=int(text), cursor=request.args.get("cursor"))
    others = request.args.to_dict(flat=False)
    urls = {
        relation: f"{request.base_url}?{urlencode({**others, 'cursor': cursor}, doseq=True)}"
        for relation, cursor in list_cursors(page).items()
    }
    if urls:
        _add_header("Link", format_links(urls))
    return page.items


def set_etag(instance: Model) -> None:
    """Give the response the version of an instance as its ``ETag``; raise ModelDefinitionError if it has none."""
    _add_header("ETag", make_etag(instance))


def check_if_match(instance: Model, *, required: bool = False) -> None:
    """Answer 412 if the header ``If-Match`` names other versions than that of *instance*.

    A write afterwards is checked again, by its version, so that nobody comes between.

    :param required: answer 428 where the request has no such header.
    """
    header = request.headers.get("If-Match")
    refusal = check_precondition(instance, header, required=required)
    if refusal is not None:
        abort(refusal.status, refusal.detail)


def use_connection(app: Flask, choose: Callable[[], str]) -> None:
    """Let each request of *app* use the connection that *choose* names.

    It holds for models without a ``Meta.using`` of their own.

    :param choose: called at the beginning of each request; returns the alias, such as the tenant.
    """

    @app.before_request
    def enter() -> None:
        block = options(using=choose())
        block.__enter__()
        g.dynamodb_py_options = block

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if (block := g.pop("dynamodb_py_options", None)) is not None:
            block.__exit__(None, None, None)

    del enter, leave  # the application has them


def _add_header(name: str, value: str) -> None:
    @after_this_request
    def add(response: Response) -> Response:
        response.headers[name] = value
        return response

    del add
