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
    """Let *app* respond to the errors of the package that clients cause, and to errors that are temporary.

    404 for ``DoesNotExist``; 409 for ``AlreadyExists`` and conditions that failed; 412, or 409 without
    ``If-Match``, for ``StaleItem``; 422 for ``InvalidCursor`` and for ``ValidationError``, pydantic's too, with
    the type, place and message of each problem; 503 with ``Retry-After`` for ``Throttled`` and other temporary
    errors. The body is JSON with a ``detail``. For all other errors, the status stays 500.

    >>> app = Flask("scores")
    >>> add_error_handlers(app)
    >>> @app.get("/scores/<player>/<int:game>")
    ... def show(player, game):
    ...     return Score.objects.get(player=player, game=game).to_dict()
    >>> response = app.test_client().get("/scores/eve/1")
    >>> response.status_code, response.json
    (404, {'detail': 'not found'})
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
    """Return ``objects.get(*key, **named)``; without such an item, the response is 404.

    :param source: a model, a manager, or a query set.
    :param key: the values of the key in order, or conditions.
    :param named: the fields of the key, or other lookups, as for ``filter()``.
    :raises werkzeug.exceptions.NotFound: instead of ``DoesNotExist``.
    :raises MultipleObjectsReturned: several items match.

    >>> get_object_or_404(Score, player="ann", game=1).points
    50
    >>> get_object_or_404(Score, player="eve", game=1)
    Traceback (most recent call last):
        ...
    werkzeug.exceptions.NotFound: 404 Not Found: ...
    """
    try:
        found: M = find_manager(source).get(*key, **named)
    except DoesNotExist:
        abort(404)
    return found


def get_page(queryset: QuerySet[Any, M], size: int = 20, most: int = 100) -> list[M]:
    """Return the items of the page that the query parameters ``size`` and ``cursor`` of the request ask for.

    The header ``Link`` of the response has the addresses of the next and previous page. The response to an invalid
    ``size`` is 400.

    :param queryset: the query set of all items; the request chooses the page.
    :param size: the number of items if the request has no ``size``.
    :param most: the most items that a request may ask for.
    :raises InvalidCursor: the cursor of the request belongs to another query, or was altered.

    >>> app = Flask("scores")
    >>> @app.get("/scores")
    ... def list_scores():
    ...     return [each.to_dict() for each in get_page(Score.objects.filter(player="ann"))]
    >>> response = app.test_client().get("/scores?size=1")
    >>> response.json
    [{'game': 1, 'player': 'ann', 'points': 50}]
    >>> response.headers["Link"]
    '<http://localhost/scores?size=1&cursor=...>; rel="next"'
    """
    text = request.args.get("size", str(size))
    if not (text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        abort(400, f"size={text:.20}: give a number from 1 to {most}")
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
    """Set the header ``ETag`` of the response to the version of *instance*.

    :raises ModelDefinitionError: the model has no version field.

    >>> from dynamodb_py import CharField, Model, VersionField
    >>> class Note(Model):
    ...     id = CharField(hash_key=True)
    ...     version = VersionField()
    >>> app = Flask("notes")
    >>> @app.get("/note")
    ... def show():
    ...     note = Note(id="a", version=3)
    ...     set_etag(note)
    ...     return note.to_dict()
    >>> app.test_client().get("/note").headers["ETag"]
    '"3"'
    """
    _add_header("ETag", make_etag(instance))


def check_if_match(instance: Model, *, required: bool = False) -> None:
    """Respond with 412 if the header ``If-Match`` does not have the version of *instance*.

    A later write of *instance* has the condition of the same version, so it does not overwrite changes that
    others make after this check.

    :param required: respond with 428 if the request has no such header.
    :raises werkzeug.exceptions.HTTPException: 412 or 428.

    >>> from dynamodb_py import CharField, Model, VersionField
    >>> class Note(Model):
    ...     id = CharField(hash_key=True)
    ...     version = VersionField()
    >>> with Flask("notes").test_request_context(headers={"If-Match": '"2"'}):
    ...     check_if_match(Note(id="a", version=3))
    Traceback (most recent call last):
        ...
    werkzeug.exceptions.PreconditionFailed: 412 Precondition Failed: somebody else changed it meanwhile
    """
    header = request.headers.get("If-Match")
    refusal = check_precondition(instance, header, required=required)
    if refusal is not None:
        abort(refusal.status, refusal.detail)


def use_connection(app: Flask, choose: Callable[[], str]) -> None:
    """Let each request of *app* use the connection with the alias that *choose* returns.

    It affects models without a ``Meta.using`` of their own.

    :param choose: a function that returns the alias, such as the tenant of the request; each request calls it
        first.

    >>> from dynamodb_py import Table, connect
    >>> connection = connect("acme", region_name="eu-west-1", table_prefix="acme-")
    >>> app = Flask("scores")
    >>> use_connection(app, lambda: request.headers["X-Tenant"])
    >>> @app.get("/table")
    ... def show():
    ...     return Table(Score).name
    >>> app.test_client().get("/table", headers={"X-Tenant": "acme"}).text
    'acme-scores'
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
