"""Faults on demand: rules make requests fail in the ways that an application must survive.

::

    engine.faults.add(Rule("throttle", operation="PutItem", table="orders", probability=0.1))
    engine.faults.add(Rule("lose", operation="TransactWriteItems", nth=3))
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast, get_args

from ...exceptions import ConfigurationError, ConnectionFailed
from .errors import ServiceError, make_canceled
from .snapshots import Change, Transaction
from .storage import Store

Kind = Literal["throttle", "conflict", "unprocessed", "stale", "latency", "lose"]

_KINDS: tuple[str, ...] = get_args(Kind)
_CONFLICTING = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ExecuteStatement"})
_TRANSACTIONS = {
    "TransactWriteItems": "TransactItems",
    "TransactGetItems": "TransactItems",
    "ExecuteTransaction": "TransactStatements",
}
"""The member with the parts of a transaction, by operation."""
_READS_OF_INDEXES = frozenset({"Query", "Scan"})
_STATEMENT = re.compile(r"""\b(?:FROM|INTO|UPDATE)\s+["']?([\w.-]+)""", re.IGNORECASE)


class Rule:
    """A fault, and the requests that it affects. For ``unprocessed``, the items of batches count as requests.

    >>> from dynamodb_py.local import Engine, Rule
    >>> engine = Engine()
    >>> rule = engine.faults.add(Rule("throttle", operation="ListTables", nth=1))
    >>> engine.call("ListTables", b"{}")
    (400, b'{"__type":"com...#ProvisionedThroughputExceededException",...
    >>> engine.call("ListTables", b"{}")
    (200, b'{"TableNames":[]}')
    >>> rule.matched, rule.applied
    (2, 1)

    :param kind: one of

        * ``throttle``: the request is rejected for too much traffic; a transaction is canceled;
        * ``conflict``: a write or a transaction is rejected because another transaction holds an item;
        * ``unprocessed``: a batch returns some of its items as unprocessed;
        * ``stale``: a read of an index returns the state of *seconds* ago;
        * ``latency``: the request takes *seconds* longer;
        * ``lose``: the request is carried out, and its response gets lost.

    :param operation: the operation of the requests, such as "PutItem"; None for all.
    :param table: the name of the table; None for all.
    :param probability: the share of the requests that fail, from 0 to 1.
    :param nth: the number of the only request that fails, counted from 1.
    :param seconds: the age of a stale read, or the latency.
    :raises ConfigurationError: an argument has another value.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        operation: str | None = None,
        table: str | None = None,
        probability: float = 1.0,
        nth: int | None = None,
        seconds: float = 0.0,
    ) -> None:
        if kind not in _KINDS:
            raise ConfigurationError(f"No fault is {kind!r}: use one of {', '.join(_KINDS)}.")
        if kind in ("stale", "latency") and not (_is_number(seconds) and seconds > 0):
            raise ConfigurationError(
                f"A rule of {kind!r} needs seconds, a number above 0, not {seconds!r}."
            )
        if not (_is_number(probability) and 0 <= probability <= 1):
            raise ConfigurationError(
                f"The probability of a rule is a number from 0 to 1, not {probability!r}."
            )
        if nth is not None and (type(nth) is not int or nth < 1):
            raise ConfigurationError(
                f"The requests are counted from 1, so nth is 1 or more, not {nth!r}."
            )
        if nth is not None and probability != 1:
            raise ConfigurationError("A rule has a probability or nth, and not both: remove one.")
        for name, text in (("operation", operation), ("table", table)):
            if not isinstance(text, (str, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"The {name} of a rule is a text or None, not {text!r}.")
        self.kind: Kind = kind
        self.operation, self.table = operation, table
        self.probability, self.nth, self.seconds = probability, nth, seconds
        self.matched = 0
        """The number of requests that matched the rule."""
        self.applied = 0
        """The number of requests that the rule made fail."""

    def __repr__(self) -> str:
        names = ("operation", "table", "probability", "nth", "seconds")
        given = [f", {name}={getattr(self, name)!r}" for name in names]
        return f"Rule({self.kind!r}{''.join(given)})"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class _Call(NamedTuple):
    """The parts of a request that rules check."""

    operation: str
    tables: Sequence[str]
    request: Mapping[str, Any]

    @property
    def parts(self) -> int:
        """The number of parts of a transaction; 0 for another request."""
        return len(list_maps(self.request.get(_TRANSACTIONS.get(self.operation, ""))))

    def can(self, kind: Kind) -> bool:
        """Return whether a fault of *kind* can affect the request."""
        if kind == "conflict":
            return self.operation in _CONFLICTING or self.parts > 0
        if kind == "stale":
            is_read = self.operation in _READS_OF_INDEXES and "IndexName" in self.request
            return is_read and self.request.get("ConsistentRead") is not True
        return kind != "unprocessed"  # leave_out() chooses the items of batches


class Faults:
    """The fault rules of one engine. Its random choices are the same in each run: see :meth:`seed`."""

    def __init__(
        self, store: Store, clock: Callable[[], float], operations: Collection[str]
    ) -> None:
        self.rules: tuple[Rule, ...] = ()
        self._operations = operations
        self._store, self._clock = store, clock
        self._random = random.Random(0)
        self._lock = threading.Lock()
        self._changes: deque[tuple[float, Sequence[Change]]] = deque()
        self._longest = 0.0

    def seed(self, seed: int) -> None:
        """Restart the random choices, which then depend on *seed* alone."""
        with self._lock:
            self._random.seed(seed)

    def add(self, rule: Rule) -> Rule:
        """Apply *rule* to requests from now on; return it.

        :raises ConfigurationError: the embedded database does not have the rule's operation.
        """
        if rule.operation is not None and rule.operation not in self._operations:
            raise ConfigurationError(
                f"The embedded database has no operation {rule.operation!r}: use one of "
                f"{', '.join(sorted(self._operations))}."
            )
        with self._lock:
            self.rules = (*self.rules, rule)
            if rule.kind == "stale":
                self._longest = max(self._longest, rule.seconds)
                self._store.watcher = self._remember
        return rule

    def remove(self, rule: Rule) -> None:
        """Stop applying *rule*. Nothing happens if it was not added."""
        with self._lock:
            self.rules = tuple([each for each in self.rules if each is not rule])
            self._longest = max(
                (each.seconds for each in self.rules if each.kind == "stale"), default=0.0
            )
            if not self._longest:
                self._stop_watching()

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self.rules, self._longest = (), 0.0
            self._stop_watching()

    def forget_changes(self) -> None:
        """Forget the changes that ``stale`` would undo, because the contents of the database were replaced."""
        with self._lock:
            self._changes.clear()

    def _stop_watching(self) -> None:
        self._store.watcher = None
        self._changes.clear()

    @contextmanager
    def around(self, operation: str, request: Mapping[str, Any]) -> Generator[None, None, None]:
        """Apply the rules to a request, which the block carries out.

        :raises ServiceError: a rule rejects the request.
        :raises ConnectionFailed: a rule loses the response.
        """
        call = _Call(operation, find_tables(request), request)
        possible = [rule for rule in self.rules if call.can(rule.kind)]
        chosen = {rule.kind: rule for rule in possible if self._chooses(rule, call)}
        if "latency" in chosen:
            time.sleep(chosen["latency"].seconds)
        for kind, code in (("throttle", _THROTTLED), ("conflict", _CONFLICT)):
            if kind in chosen:
                raise _make_refusal(call, code)
        if "stale" in chosen:
            with self._store.pretend() as transaction:
                self._undo(transaction, chosen["stale"].seconds)
                yield
        else:
            yield
        if "lose" in chosen:
            raise ConnectionFailed("A fault rule of the embedded database lost the response.")

    def leave_out(self, operation: str, tables: Sequence[str]) -> frozenset[int]:
        """Return the positions of the items of a batch that stay unprocessed.

        If these are all, the batch fails as a whole:
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html

        :param tables: the table of each item.
        """
        rules = [rule for rule in self.rules if rule.kind == "unprocessed"]
        left_out = frozenset(
            number
            for number, table in enumerate(tables)
            if any(self._chooses(rule, _Call(operation, (table,), {})) for rule in rules)
        )
        if rules and len(left_out) == len(tables):
            code, _, message = _THROTTLED
            raise ServiceError(code, message)
        return left_out

    def _chooses(self, rule: Rule, call: _Call) -> bool:
        if rule.operation not in (None, call.operation):
            return False
        if not (rule.table is None or rule.table in call.tables):
            return False
        with self._lock:
            rule.matched += 1
            if rule.nth is None:
                holds = self._random.random() < rule.probability
            else:
                holds = rule.matched == rule.nth
            rule.applied += holds
        return holds

    def _remember(self, changes: Sequence[Change]) -> None:
        now = self._clock()
        with self._lock:
            if changes:
                self._changes.append((now, changes))
            while self._changes and self._changes[0][0] < now - self._longest:
                self._changes.popleft()

    def _undo(self, transaction: Transaction, seconds: float) -> None:
        """Restore the state of *seconds* ago. Changes by other processes are not undone."""
        since = self._clock() - seconds
        with self._lock:
            recent = [changes for at, changes in self._changes if at >= since]
        for changes in reversed(recent):
            for table, key, old in reversed(changes):
                current = transaction.find_table(table.name)
                if current is None or current.number != table.number:
                    continue  # the table was deleted, with its items
                now = transaction.find(current, key)
                if old is not None:
                    transaction.put(current, key, old.item, old.size, now)
                elif now is not None:
                    transaction.delete(current, now)


def find_tables(request: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables in a request, which may be invalid.

    >>> find_tables({"TransactItems": [{"Put": {"TableName": "users"}}]})
    ['users']
    >>> find_tables({"Statement": 'SELECT * FROM "users"."by_email"'})
    ['users']
    """
    found: list[Any] = [request.get("TableName")]
    batch = request.get("RequestItems")
    if isinstance(batch, dict):
        found += batch
    for parts in ("TransactItems", "TransactStatements", "Statements"):
        for part in list_maps(request.get(parts)):
            found += [each.get("TableName") for each in list_maps(list(part.values()))]
            found += _STATEMENT.findall(str(part.get("Statement", "")))[:1]
    found += _STATEMENT.findall(str(request.get("Statement", "")))[:1]
    names = [name.rpartition("table/")[2] for name in found if isinstance(name, str)]
    return list(dict.fromkeys(names))


def list_maps(found: Any) -> list[dict[str, Any]]:
    """Return the maps in *found*, or an empty list if it is not a list."""
    if not isinstance(found, list):
        return []
    return [each for each in cast("list[Any]", found) if isinstance(each, dict)]


_THROTTLED = (
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing "
    "your provisioning level with the UpdateTable API.",
)
_CONFLICT = (
    "TransactionConflictException",
    "TransactionConflict",
    "Transaction is ongoing for the item",
)


def _make_refusal(call: _Call, error: tuple[str, str, str]) -> ServiceError:
    """Return the error of a rejected request. A transaction has it as the reason of its first part."""
    code, reason, message = error
    if not call.parts:
        return ServiceError(code, message)
    reasons = [{"Code": "None"} for _ in range(call.parts)]
    reasons[0] = {"Code": reason, "Message": message}
    return make_canceled(reasons)
