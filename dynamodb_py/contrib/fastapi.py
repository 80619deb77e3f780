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
    """Let *app* answer the errors of the package that are a client's affair, or pass.

    404 for ``DoesNotExist``; 409 for ``AlreadyExists`` and conditions that do not hold; 412, or 409 without
    ``If-Match``, for ``StaleItem``; 422 for ``ValidationError`` and ``InvalidCursor``, in the form of
    FastAPI's own; 503 with ``Retry-After`` for ``Throttled`` and what else passes. All other errors stay
    what they are: 500.
    """

    async def respond(request: Request, error: Any) -> Response:
        answer = answer_error(error, if_match=request.headers.get("If-Match"))
        return JSONResponse({"detail": answer.detail}, answer.status, answer.headers)

    for kind in ANSWERED:
        app.add_exception_handler(kind, respond)


def get_object_or_404(source: Source[M], *key: Any, **named: Any) -> M:
    """Return ``objects.get(*key, **named)``; where there is none, the answer is 404.

    :param source: a model, a manager, or a query set.
    """
    try:
        found: M = find_manager(source).get(*key, **named)
        return found
    except DoesNotExist as error:
        raise HTTPException(404, "not found") from error


async def aget_object_or_404(source: Source[M], *key: Any, **named: Any) -> M:
    """Return ``await objects.aget(*key, **named)``; where there is none, the answer is 404."""
    try:
        found: M = await find_manager(source).aget(*key, **named)
        return found
    except DoesNotExist as error:
        raise HTTPException(404, "not found") from error


class Pager:
    """The page that a request is for: a dependency, ``pager: Annotated[Pager, Depends(make_pager())]``."""

    def __init__(
        self, request: Request, response: Response, size: int, cursor: str | None = None
    ) -> None:
        self.request, self.response = request, response
        self.size, self.cursor = size, cursor

    def page(self, queryset: QuerySet[Any, M]) -> list[M]:
        """Return the rows of the page; the header ``Link`` leads to the pages around it.

        :raises InvalidCursor: the cursor of the request is of another query, or was altered.
        """
        return self._add_links(queryset.page(size=self.size, cursor=self.cursor))

    async def apage(self, queryset: QuerySet[Any, M]) -> list[M]:
        """Return the rows of the page, as :meth:`page` does."""
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
    """Return a dependency that makes a :class:`Pager` of the parameters ``size`` and ``cursor``.

    :param size: the number of rows where the request does not say.
    :param most: the most rows that a request may ask for.
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
    """Set the header ``ETag`` to the version of an instance; raise ModelDefinitionError if it has none."""
    response.headers["ETag"] = make_etag(instance)


class IfMatch:
    """The header ``If-Match``: a dependency, ``if_match: Annotated[IfMatch, Depends()]``."""

    def __init__(self, if_match: Annotated[str | None, Header()] = None) -> None:
        self.header = if_match

    def check(self, instance: Model, *, required: bool = False) -> None:
        """Answer 412 if the header names other versions than that of *instance*.

        A write afterwards is checked again, by its version, so that nobody comes between.

        :param required: answer 428 where the request has no such header.
        """
        refusal = check_precondition(instance, self.header, required=required)
        if refusal is not None:
            raise HTTPException(refusal.status, refusal.detail)


def use_connection(choose: Callable[..., Any]) -> Callable[..., AsyncIterator[str]]:
    """Return a dependency that lets a request use the connection that *choose* names.

    It holds for models without a ``Meta.using`` of their own, in verbs of both kinds.

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
