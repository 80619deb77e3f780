"""Detects hooks in botocore: moto's mocks, and instrumentation that wraps its calls.

Nothing is imported for that: a module that is not in :data:`sys.modules` has no hooks.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

MOCK = 1
"""moto answers in this process."""

MOCK_SERVER = 2
"""moto sends boto3's clients to a server of its own."""

WRAPPED = 4
"""``BaseClient._make_api_call`` or ``Endpoint.prepare_request`` is not botocore's own."""


class Hooks:
    """Detects the hooks before each request, in a fraction of a microsecond."""

    def __init__(self) -> None:
        # The two functions that are known to be botocore's.
        self._own: tuple[Any, Any] = (None, None)

    def detect(self) -> int:
        """Return a sum of MOCK, MOCK_SERVER and WRAPPED; 0 without hooks."""
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
        own = self._own
        if call is not own[0] or prepare is not own[1]:
            if not (_is_botocores(call) and _is_botocores(prepare)):
                return found | WRAPPED
            self._own = (call, prepare)
        return found


def _find_mocks(models: Any) -> int:
    stubber = getattr(models, "botocore_stubber", None)
    found = MOCK if stubber is not None and stubber.enabled else 0
    for name in ("ServerModeMockAWS", "ProxyModeMockAWS"):
        server = getattr(models, name, None)
        # From its own __dict__: the class inherits the count of the mocks in this process.
        if server is not None and server.__dict__.get("_nested_count", 0) > 0:
            found |= MOCK_SERVER
    return found


def _is_botocores(function: Any) -> bool:
    """Tell whether *function* is botocore's own.

    botocore decorates some of its functions itself, so ``__wrapped__`` proves nothing; the module
    of the code does.
    """
    if type(function) is not FunctionType:  # a wrapper of wrapt's, a mock
        return False
    return str(function.__globals__.get("__name__")).partition(".")[0] == "botocore"
