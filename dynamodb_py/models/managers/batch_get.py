"""What creates, writes and fetches items by their keys: a part of managers and query sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...batching import ProgressOption
from ...flows import Flow, awaiting, blocking
from ...operations.items import Key
from ...reading.keys import key_of
from ..attribute_values.fetch import read_all
from ..bulk.writes import BulkWriting
from ..visibility import all_seen
from .create import Creating

if TYPE_CHECKING:
    from ..model import Model


M = TypeVar("M", bound="Model")


class Writing(Creating[M], BulkWriting[M], Generic[M]):
    """Creates items, and writes and fetches them by their keys, one or many."""

    __slots__ = ()

    def _batch_get(
        self,
        /,
        *keys: Any,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[list[M]]:
        """Return the items with these keys, in the order asked; missing ones are left out.

        Any number, a hundred to a request; a key that is asked for twice is read once and given
        twice, as one instance.

        :param keys: dicts of the key's fields, tuples of both keys, or values of the hash key.
        :param consistent: as for ``get``.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :raises BatchIncomplete: DynamoDB kept leaving some unread; ``unprocessed`` has their keys.
        """
        found = yield from self._fetch(keys, consistent, workers, progress)
        return [instance for instance in found if instance is not None]

    batch_get = blocking(_batch_get)
    abatch_get = awaiting(_batch_get)

    def _fetch(
        self, keys: Sequence[Any], consistent: bool | None, workers: int, progress: ProgressOption
    ) -> Flow[list[M | None]]:
        table = self._table
        asked: list[tuple[str, Key]] = [(table, self._key(key)) for key in keys]
        items = yield from read_all(
            asked,
            keys,
            {table: key_of(self._meta.schema.key)},
            consistent=consistent,
            workers=workers,
            progress=progress,
        )
        loaded: dict[int, M] = {}  # an item that was asked for twice is one object
        return [
            None if item is None else loaded.setdefault(id(item), self._load(item))
            for item in all_seen(self._meta, items)
        ]
