"""FastAPI: errors as responses, pages with links, ETags, and a connection for each request.

>>> from typing import Annotated
>>> from fastapi import Body, FastAPI
>>> from dynamodb_py import CharField, Model
>>> class Note(Model):
...     id = CharField(hash_key=True)
>>> app = FastAPI()
>>> add_error_handlers(app)
>>> @app.get("/notes/{id}")
... async def show(id: str) -> Note:
...     return await aget_object_or_404(Note, id)
>>> @app.post("/notes", status_code=201)
... async def add(note: Annotated[Note, Body()]) -> Note:
...     return await note.asave(force_insert=True)
"""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from ..connections import options
from ..exceptions import DoesNotExist
from ..models.managers.queryset import QuerySet
from ..models.model import Model
from ..models.queryset.pages import Page
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

# Annotations are not postponed here: FastAPI reads them, and some name variables of a function.

M = TypeVar("M", bound=Model)

__all__ = [
    "IfMatch",
    "Pager",
    "add_error_handlers",
    "aget_object_or_404",
    "get_object_or_404",
    "make_pager",
    "set_etag",
    "use_connection",
]


def add_error_handlers(app: FastAPI) -> None:
    """Let *app* respond to the errors of the package that clients cause, and to errors that are temporary.

    404 for ``DoesNotExist``; 409 for ``AlreadyExists`` and conditions that failed; 412, or 409 without
    ``If-Match``, for ``StaleItem``; 422 for ``ValidationError`` and ``InvalidCursor``, in the form of
    FastAPI's own; 503 with ``Retry-After`` for ``Throttled`` and other temporary errors. For all other errors,
    the status stays 500.

    >>> from fastapi.testclient import TestClient
    >>> app = FastAPI()
    >>> add_error_handlers(app)
    >>> @app.get("/scores/{player}/{game}")
    ... async def show(player: str, game: int) -> Score:
    ...     return await Score.objects.aget(player=player, game=game)
    >>> response = TestClient(app).get("/scores/eve/1")
    >>> response.status_code, response.json()
    (404, {'detail': 'not found'})
    """

    async def respond(request: Request, error: Any) -> Response:
        answer = answer_error(error, if_match=request.headers.get("If-Match"))
        return JSONResponse({"detail": answer.detail}, answer.status, answer.headers)

    for kind in ANSWERED:
        app.add_exception_handler(kind, respond)


def get_object_or_404(source: Source[M], *key: Any, **named: Any) -> M:
    """Return ``objects.get(*key, **named)``; without such an item, the response is 404.

    :param source: a model, a manager, or a query set.
    :param key: the values of the key in order, or conditions.
    :param named: the fields of the key, or other lookups, as for ``filter()``.
    :raises HTTPException: 404, instead of ``DoesNotExist``.
    :raises MultipleObjectsReturned: several items match.

    >>> get_object_or_404(Score, player="ann", game=1).points
    50
    >>> get_object_or_404(Score, player="eve", game=1)
    Traceback (most recent call last):
        ...
    fastapi.exceptions.HTTPException: 404: not found
    """
    try:
        found: M = find_manager(source).get(*key, **named)
        return found
    except DoesNotExist as error:
        raise HTTPException(404, "not found") from error


async def aget_object_or_404(source: Source[M], *key: Any, **named: Any) -> M:
    """Return ``await objects.aget(*key, **named)``; without such an item, the response is 404."""
    try:
        found: M = await find_manager(source).aget(*key, **named)
        return found
    except DoesNotExist as error:
        raise HTTPException(404, "not found") from error


class Pager:
    """The page that a request asks for: a dependency, ``pager: Annotated[Pager, Depends(make_pager())]``.

    :param request: the request, whose address the links have with another cursor.
    :param response: the response that gets the header ``Link``.
    :param size: the maximum number of items of the page.
    :param cursor: the cursor of the page, from a link; None, the default, for the first page.
    """

    def __init__(
        self, request: Request, response: Response, size: int, cursor: str | None = None
    ) -> None:
        self.request, self.response = request, response
        self.size, self.cursor = size, cursor

    def page(self, queryset: QuerySet[Any, M]) -> list[M]:
        """Return the items of the page; the header ``Link`` has the addresses of the next and previous page.

        :param queryset: the query set of all items; the request chooses the page.
        :raises InvalidCursor: the cursor of the request belongs to another query, or was altered.

        >>> from fastapi.testclient import TestClient
        >>> app = FastAPI()
        >>> @app.get("/scores")
        ... def list_scores(
        ...     pager: Annotated[Pager, Depends(make_pager(size=1))],
        ... ) -> list[Score]:
        ...     return pager.page(Score.objects.filter(player="ann"))
        >>> response = TestClient(app).get("/scores")
        >>> response.json()
        [{'player': 'ann', 'game': 1, 'points': 50}]
        >>> TestClient(app).get(response.links["next"]["url"]).json()
        [{'player': 'ann', 'game': 2, 'points': 80}]
        """
        return self._add_links(queryset.page(size=self.size, cursor=self.cursor))

    async def apage(self, queryset: QuerySet[Any, M]) -> list[M]:
        """Return the items of the page, as :meth:`page` does."""
        return self._add_links(await queryset.apage(size=self.size, cursor=self.cursor))

    def _add_links(self, page: Page[M]) -> list[M]:
        url = self.request.url
        urls = {
            relation: str(url.include_query_params(cursor=cursor))
            for relation, cursor in list_cursors(page).items()
        }
        if urls:
            self.response.headers["Link"] = format_links(urls)
        return page.items


def make_pager(size: int = 20, most: int = 100) -> Callable[..., Pager]:
    """Return a dependency that creates a :class:`Pager` from the query parameters ``size`` and ``cursor``.

    :param size: the number of items of a page if the request has no ``size``.
    :param most: the most items that a request may ask for; more is 422.

    >>> from fastapi.testclient import TestClient
    >>> app = FastAPI()
    >>> @app.get("/scores")
    ... async def list_scores(
    ...     pager: Annotated[Pager, Depends(make_pager(most=50))],
    ... ) -> list[Score]:
    ...     return await pager.apage(Score.objects.filter(player="ann"))
    >>> len(TestClient(app).get("/scores").json())
    2
    >>> TestClient(app).get("/scores?size=51").status_code
    422
    """
    default = size

    def read(
        request: Request,
        response: Response,
        size: Annotated[int, Query(ge=1, le=most)] = default,
        cursor: Annotated[str | None, Query()] = None,
    ) -> Pager:
        return Pager(request, response, size, cursor)

    return read


def set_etag(response: Response, instance: Model) -> None:
    """Set the header ``ETag`` of *response* to the version of *instance*.

    :raises ModelDefinitionError: the model has no version field.

    >>> from dynamodb_py import CharField, Model, VersionField
    >>> class Note(Model):
    ...     id = CharField(hash_key=True)
    ...     version = VersionField()
    >>> note, response = Note(id="a", version=3), Response()
    >>> set_etag(response, note)
    >>> response.headers["ETag"]
    '"3"'
    """
    response.headers["ETag"] = make_etag(instance)


class IfMatch:
    """The header ``If-Match``: a dependency, ``if_match: Annotated[IfMatch, Depends()]``."""

    def __init__(self, if_match: Annotated[str | None, Header()] = None) -> None:
        self.header = if_match

    def check(self, instance: Model, *, required: bool = False) -> None:
        """Respond with 412 if the header does not have the version of *instance*.

        A later write of *instance* has the condition of the same version, so it does not overwrite changes that
        others make after this check.

        :param required: respond with 428 if the request has no such header.
        :raises HTTPException: 412 or 428.

        >>> from dynamodb_py import CharField, Model, VersionField
        >>> class Note(Model):
        ...     id = CharField(hash_key=True)
        ...     version = VersionField()
        >>> note = Note(id="a", version=3)
        >>> IfMatch('"3"').check(note)
        >>> IfMatch('"2"').check(note)
        Traceback (most recent call last):
            ...
        fastapi.exceptions.HTTPException: 412: somebody else changed it meanwhile
        """
        refusal = check_precondition(instance, self.header, required=required)
        if refusal is not None:
            raise HTTPException(refusal.status, refusal.detail)


def use_connection(choose: Callable[..., Any]) -> Callable[..., AsyncIterator[str]]:
    """Return a dependency that lets a request use the connection with the alias that *choose* returns.

    It affects models without a ``Meta.using`` of their own, in blocking and async verbs.

    :param choose: a dependency that returns the alias, such as the tenant of a request.

    >>> from fastapi import FastAPI
    >>> async def find_tenant(x_tenant: Annotated[str, Header()]) -> str:
    ...     return x_tenant
    >>> app = FastAPI(dependencies=[Depends(use_connection(find_tenant))])
    """

    async def enter(alias: Annotated[str, Depends(choose)]) -> AsyncIterator[str]:
        with options(using=alias):
            yield alias

    return enter
