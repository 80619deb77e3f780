"""Paced flows: their requests wait until there are units for them.

:func:`pace` goes around a whole flow, outside of :func:`~dynamodb_py.batching.run_together`, so that
requests that run in parallel share the buckets. It does no I/O: it yields pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, TypeVar

from ..batching import execute_step, next_step
from ..exceptions import RequestError
from ..flows import Flow
from ..limits import READ_UNIT_BYTES, WRITE_UNIT_BYTES
from ..metering import METERED, capacity, find_units, is_read
from ..operations.base import Operation, Pause, Together
from .buckets import Pacer, Units

T = TypeVar("T")


def pace(flow: Flow[T], pacer: Pacer | None) -> Flow[T]:
    """Drive *flow*, and let its requests wait until *pacer* has units.

    Requests ask for their consumed capacity; if a response has none, :func:`estimate_units` counts.
    Parallel requests are sent in groups for which the units suffice, at least one at a time. A request
    whose pause does not fit into the deadline fails with DeadlineExceeded, and is not sent.
    """
    if pacer is None:
        return (yield from flow)
    outcome: Any = None
    try:
        while True:
            step = next_step(flow, outcome)
            if isinstance(step, Operation):
                [outcome] = yield from _send(pacer, [step], 1)
            elif isinstance(step, Together):
                outcome = yield from _send(pacer, step.operations, step.workers)
            else:
                outcome = yield from execute_step(step)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()


def wait_for_units(pacer: Pacer | None) -> Flow[None]:
    """Wait until no units are owed.

    :raises DeadlineExceeded: the wait would end after the deadline; it is raised at once.
    """
    if pacer is not None and (seconds := pacer.wait()):
        yield Pause(seconds)
        pacer.wait()  # the pause has filled the buckets


def _send(pacer: Pacer, operations: Sequence[Operation[Any]], workers: int) -> Flow[list[Any]]:
    """Send *operations* as fast as *pacer* allows; return the body or the exception of each."""
    estimates = [estimate_units(each) for each in operations]
    outcomes: list[Any] = []
    while (first := len(outcomes)) < len(operations):
        try:
            yield from wait_for_units(pacer)
        except Exception as late:  # this request is not sent; the next one may still be in time
            outcomes.append(_name_operation(late, operations[first]))
            continue
        end = first + pacer.count_affordable(estimates[first:])
        with capacity():  # while a meter is active, requests ask for their units
            bodies = yield from execute_step(Together(operations[first:end], workers))
        if isinstance(bodies, Exception):
            bodies = [bodies] * (end - first)
        for operation, estimate, body in zip(
            operations[first:end], estimates[first:end], bodies, strict=True
        ):
            pacer.spend(_count_units(operation, body, estimate))
        outcomes += bodies
    return outcomes


def _name_operation(error: Exception, operation: Operation[Any]) -> Exception:
    if isinstance(error, RequestError):
        error.operation, error.table = operation.api, ", ".join(operation.tables)
    return error


def _count_units(operation: Operation[Any], body: Any, estimate: Units) -> Units:
    """Return the units in the response; if it has none, *estimate*, or more for a large response."""
    if isinstance(body, Exception):  # a failed condition costs units too
        return estimate
    reported = find_units(operation, body)
    if reported is not None:
        return reported
    blocks = ceil(len(body) / READ_UNIT_BYTES) if estimate[0] else 0
    return max(estimate[0], blocks * _price_of_read(operation)), estimate[1]


def _price_of_read(operation: Operation[Any]) -> float:
    return 1.0 if getattr(operation, "consistent", True) else 0.5


def estimate_units(operation: Operation[Any]) -> Units:
    """Return an estimate of the units of *operation*, before it is sent.

    A put counts one unit per KB of its JSON. An update or a delete counts one. In a transaction they count
    twice. Indexes are not counted. A read counts half a unit for each key, or one if it is consistent.
    Calls about tables consume none.
    """
    if operation.api not in METERED:
        return 0.0, 0.0
    if is_read(operation):
        keys = getattr(operation, "keys", None)
        count = sum(map(len, keys.values())) if keys else 1
        return count * _price_of_read(operation), 0.0
    writes = getattr(operation, "writes", None)
    if writes is None:
        return 0.0, _estimate_write(operation)
    units = sum(map(_estimate_write, writes))
    return 0.0, units * 2 if operation.api == "TransactWriteItems" else units


def _estimate_write(write: Any) -> float:
    return max(1.0, ceil(len(getattr(write, "item", b"")) / WRITE_UNIT_BYTES))
