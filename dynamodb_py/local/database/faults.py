"""Faults on demand: what an application must survive, made to happen by rules.

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
"""Where transactions have their parts."""
_READS_OF_INDEXES = frozenset({"Query", "Scan"})
_STATEMENT = re.compile(r"""\b(?:FROM|INTO|UPDATE)\s+["']?([\w.-]+)""", re.IGNORECASE)


class Rule:
    """When something goes wrong, and how.

    *kind* is one of:

    * ``throttle``: the request is refused for too much traffic; a transaction is canceled;
    * ``conflict``: a write or a transaction is refused because another transaction holds an item;
    * ``unprocessed``: items of a batch are left to be sent again;
    * ``stale``: a read of a global index gives what was there *seconds* ago;
    * ``latency``: the request takes *seconds* longer;
    * ``lose``: the request is carried out, and its answer gets lost.

    The rule is about the requests of one *operation* and one *table*, or of all. It holds for each with
    *probability*, or for the *nth* of them only, counted from 1. Of batches, items are counted.
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
            raise ConfigurationError(f"No fault is {kind!r}: there are {', '.join(_KINDS)}.")
        if kind in ("stale", "latency") and not (_is_number(seconds) and seconds > 0):
            raise ConfigurationError(f"A rule of {kind!r} needs seconds, more than 0: {seconds!r}.")
        if not (_is_number(probability) and 0 <= probability <= 1):
            raise ConfigurationError(f"A probability is from 0 to 1, not {probability!r}.")
        if nth is not None and (type(nth) is not int or nth < 1):
            raise ConfigurationError(f"The requests are counted from 1, so nth is not {nth!r}.")
        if nth is not None and probability != 1:
            raise ConfigurationError("A rule has a probability or nth, and not both.")
        for name, text in (("operation", operation), ("table", table)):
            if not isinstance(text, (str, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"The {name} of a rule is a text, not {text!r}.")
        self.kind: Kind = kind
        self.operation, self.table = operation, table
        self.probability, self.nth, self.seconds = probability, nth, seconds
        self.matched = 0
        """How many requests the rule was about."""
        self.applied = 0
        """How often it made something go wrong."""

    def __repr__(self) -> str:
        names = ("operation", "table", "probability", "nth", "seconds")
        given = [f", {name}={getattr(self, name)!r}" for name in names]
        return f"Rule({self.kind!r}{''.join(given)})"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class _Call(NamedTuple):
    """A request, as far as rules look at it."""

    operation: str
    tables: Sequence[str]
    request: Mapping[str, Any]

    @property
    def parts(self) -> int:
        """How many parts a transaction has; 0 for what is none."""
        return len(list_maps(self.request.get(_TRANSACTIONS.get(self.operation, ""))))

    def can(self, kind: Kind) -> bool:
        """Return whether a fault of this kind can happen to the request."""
        if kind == "conflict":
            return self.operation in _CONFLICTING or self.parts > 0
        if kind == "stale":
            is_read = self.operation in _READS_OF_INDEXES and "IndexName" in self.request
            return is_read and self.request.get("ConsistentRead") is not True
        return kind != "unprocessed"  # the batches choose their items


class Faults:
    """The rules of one engine. *seed* makes the choices of probabilities the same each time."""

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
        """Begin the choices of probabilities anew."""
        with self._lock:
            self._random.seed(seed)

    def add(self, rule: Rule) -> Rule:
        """Let *rule* hold from now on; return it."""
        if rule.operation is not None and rule.operation not in self._operations:
            raise ConfigurationError(
                f"There is no operation {rule.operation!r} here: there are "
                f"{', '.join(sorted(self._operations))}."
            )
        with self._lock:
            self.rules = (*self.rules, rule)
            if rule.kind == "stale":
                self._longest = max(self._longest, rule.seconds)
                self._store.watcher = self._remember
        return rule

    def remove(self, rule: Rule) -> None:
        """Let *rule* hold no longer; one that did not hold is no mistake."""
        with self._lock:
            self.rules = tuple([each for each in self.rules if each is not rule])
            self._longest = max(
                (each.seconds for each in self.rules if each.kind == "stale"), default=0.0
            )
            if not self._longest:
                self._stop_watching()

    def clear(self) -> None:
        """Let no rule hold."""
        with self._lock:
            self.rules, self._longest = (), 0.0
            self._stop_watching()

    def forget_changes(self) -> None:
        """Forget the changes that ``stale`` would undo, as the database has other contents now."""
        with self._lock:
            self._changes.clear()

    def _stop_watching(self) -> None:
        self._store.watcher = None
        self._changes.clear()

    @contextmanager
    def around(self, operation: str, request: Mapping[str, Any]) -> Generator[None, None, None]:
        """Carry out a request within the block, with what the rules do before and after it.

        Raise the ServiceError of a fault, or ConnectionFailed for an answer that gets lost.
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
            raise ConnectionFailed("A rule of faults loses the answer")

    def leave_out(self, operation: str, tables: Sequence[str]) -> frozenset[int]:
        """Return which items of a batch stay unprocessed; *tables* has the table of each.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
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
        """Bring back what was there *seconds* ago, as far as it was changed in this process."""
        since = self._clock() - seconds
        with self._lock:
            recent = [changes for at, changes in self._changes if at >= since]
        for changes in reversed(recent):
            for table, key, old in reversed(changes):
                current = transaction.find_table(table.name)
                if current is None or current.number != table.number:
                    continue  # the table is gone, with its items
                now = transaction.find(current, key)
                if old is not None:
                    transaction.put(current, key, old.item, old.size, now)
                elif now is not None:
                    transaction.delete(current, now)


def find_tables(request: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables that a request is about, whether or not it is valid.

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
    """Return the maps in *found* if it is a list."""
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
    """Return an error, which a transaction has as the reason of its first part."""
    code, reason, message = error
    if not call.parts:
        return ServiceError(code, message)
    reasons = [{"Code": "None"} for _ in range(call.parts)]
    reasons[0] = {"Code": reason, "Message": message}
    return make_canceled(reasons)
