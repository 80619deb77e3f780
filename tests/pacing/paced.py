"""A server with a clock of its own, for flows that are driven by hand: pauses take their time, nobody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dynamodb_py.codec import to_json
from dynamodb_py.flows import Flow
from dynamodb_py.metering import payload_of
from dynamodb_py.operations.base import Call, Operation, Pause, Together

from ..scripted import checked

Prices = Callable[[Operation[Any]], Any]


class Clock:
    """Time that goes by when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers the requests of a flow, each after *latency* seconds, with the units that *price* gives.

    *price* returns the units of a request, None for an answer without units, an exception to fail with, or a
    body; *late* is the error of a pause.
    """

    def __init__(self, price: Prices, *, latency: float = 0.0, late: Any = None) -> None:
        self.clock = Clock()
        self.sent: list[Operation[Any]] = []
        self.groups: list[tuple[float, int]] = []
        """When requests were sent, and how many at once."""
        self.pauses: list[float] = []
        self._price, self._latency, self._late = price, latency, late

    def drive(self, flow: Flow[Any]) -> Any:
        outcome: Any = None
        while True:
            try:
                throws = isinstance(outcome, Exception)
                step = flow.throw(outcome) if throws else flow.send(outcome)
            except StopIteration as stop:
                return stop.value
            outcome = self._execute(step)

    def _execute(self, step: Any) -> Any:
        if isinstance(step, Pause):
            assert step.seconds > 0
            self.pauses.append(step.seconds)
            if self._late is not None:
                return self._late()
            self.clock.now += step.seconds
            return None
        if isinstance(step, Call):
            return None if step.function is None else step.function()
        operations = step.operations if isinstance(step, Together) else [step]
        self.groups.append((self.clock.now - 1000, len(operations)))
        self.clock.now += self._latency
        bodies = [self._answer(each) for each in operations]
        return bodies if isinstance(step, Together) else bodies[0]

    def _answer(self, operation: Operation[Any]) -> Any:
        checked(operation)
        self.sent.append(operation)
        price = self._price(operation)
        if isinstance(price, Exception | bytes):
            return price
        payload = payload_of(operation)
        if price is None or payload.get("ReturnConsumedCapacity") != "INDEXES":
            return b"{}"
        consumed: Mapping[str, Any] = {"TableName": operation.tables[0], "CapacityUnits": price}
        return to_json({"ConsumedCapacity": [consumed] if "Batch" in operation.api else consumed})
