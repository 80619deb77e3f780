"""Detection of hooks in botocore: moto's mocks, instrumentation that wraps its calls, and other wrappers.

It imports nothing: a module that is not in :data:`sys.modules` has no hooks.
"""

from __future__ import annotations

import sys
from types import CellType, FunctionType
from typing import Any

MOCK = 1
"""moto answers requests in this process."""

MOCK_SERVER = 2
"""moto redirects boto3's clients to its own server."""

WRAPPED = 4
"""Something, perhaps a mock, replaced ``BaseClient._make_api_call`` or ``Endpoint.prepare_request``."""

INSTRUMENTED = 8
"""Only tools that trace wrap these two functions, or one of them."""

_TOOLS = {"aws_xray_sdk", "ddtrace", "elasticapm", "opentelemetry", "sentry_sdk"}
"""The packages of these tools."""


class Hooks:
    """Detects the hooks before each request, in a fraction of a microsecond."""

    def __init__(self) -> None:
        # The latest two functions, and their hooks.
        self._known: tuple[Any, Any, int] = (None, None, 0)

    def detect(self) -> int:
        """Return a sum of MOCK, MOCK_SERVER, and WRAPPED or INSTRUMENTED; 0 without hooks."""
        modules = sys.modules
        client = modules.get("botocore.client")
        if client is None:
            return 0
        found = 0
        models = modules.get("moto.core.models")
        if models is not None:
            found = _find_mocks(models)
        endpoint = modules.get("botocore.endpoint")
        try:
            call = client.BaseClient.__dict__["_make_api_call"]
            prepare = endpoint.Endpoint.__dict__["prepare_request"]  # type: ignore[union-attr]
        except (AttributeError, KeyError):  # another thread is importing it
            return found
        known = self._known
        if call is not known[0] or prepare is not known[1]:
            known = self._known = (call, prepare, _find_wrapper(call) | _find_wrapper(prepare))
        return found | known[2]


def _find_mocks(models: Any) -> int:
    stubber = getattr(models, "botocore_stubber", None)
    found = MOCK if stubber is not None and stubber.enabled else 0
    for name in ("ServerModeMockAWS", "ProxyModeMockAWS"):
        server = getattr(models, name, None)
        # Not by getattr(): the class inherits the count of the mocks in this process.
        if server is not None and server.__dict__.get("_nested_count", 0) > 0:
            found |= MOCK_SERVER
    return found


def _find_wrapper(function: Any) -> int:
    """Return 0 for botocore's own function, INSTRUMENTED if only tools wrap it, else WRAPPED.

    The module of the code decides. ``__wrapped__`` does not, as botocore decorates some of its functions.
    """
    found, waiting, seen = 0, [function], set[int]()
    while waiting:  # the innermost function of a tool's wrappers may still be a mock
        each = waiting.pop()
        plain = type(each) is FunctionType
        owner = each.__globals__.get("__name__") if plain else type(each).__module__
        if id(each) in seen or (plain and _is_of({"botocore"}, owner)):
            continue
        seen.add(id(each))
        wrapper: Any = getattr(each, "_self_wrapper", None)  # of wrapt's proxies
        if not (_is_of(_TOOLS, owner) or _is_of(_TOOLS, getattr(wrapper, "__module__", None))):
            return WRAPPED
        found = INSTRUMENTED
        inner: Any = getattr(each, "__wrapped__", None)
        waiting += _list_enclosed(each) if inner is None else [inner]
    return found


def _list_enclosed(function: Any) -> list[Any]:
    """Return the functions in the closure of *function*."""
    cells = [each for each in getattr(function, "__closure__", None) or () if each != CellType()]
    return [each.cell_contents for each in cells if callable(each.cell_contents)]


def _is_of(packages: set[str], module: object) -> bool:
    return str(module).partition(".")[0] in packages
