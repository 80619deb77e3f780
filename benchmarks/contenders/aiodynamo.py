"""aiodynamo over aiohttp: a client under asyncio, items as dicts of Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import shapes
from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.expressions import F, HashKey, RangeKey
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchGetRequest, BatchWriteRequest
from aiodynamo.operations import Put
from yarl import URL

from contenders import ACCESS_KEY, REGION, SECRET_KEY, Contender, read_keys


class Contestant(Contender):
    """aiodynamo's client with dicts; all of it under asyncio."""

    title = "aiodynamo"
    distribution = "aiodynamo"
    also = ("aiohttp",)
    asynchronous = True
    note = "over aiohttp; all under asyncio; dicts, every number a float, no datetimes"
    imports = "import aiodynamo.client, aiodynamo.credentials, aiodynamo.http.aiohttp, aiohttp"
    cold = f"""
import asyncio, os
import aiohttp
from yarl import URL
from aiodynamo.client import Client
from aiodynamo.credentials import Credentials
from aiodynamo.http.aiohttp import AIOHTTP
async def main():
    async with aiohttp.ClientSession() as session:
        endpoint = URL(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
        region = os.environ["AWS_DEFAULT_REGION"]
        client = Client(AIOHTTP(session), Credentials.auto(), region, endpoint)
        key = {{"pk": {shapes.PK!r}, "sk": {shapes.values(0)["sk"]!r}}}
        item = await client.table({shapes.TABLE!r}).get_item(key)
        assert item["title"] == {shapes.values(0)["title"]!r}
asyncio.run(main())
"""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = URL(endpoint)
        self.sort_key = shapes.values(0)["sk"]
        self.key = {"pk": shapes.PK, "sk": self.sort_key}

    async def open(self) -> None:
        self.session = aiohttp.ClientSession()
        credentials = StaticCredentials(Key(ACCESS_KEY, SECRET_KEY))
        self.client = Client(AIOHTTP(self.session), credentials, REGION, self.endpoint)
        self.table = self.client.table(shapes.TABLE)

    async def close(self) -> None:
        await self.session.close()

    read = staticmethod(read_keys)

    async def get(self) -> Any:
        return await self.table.get_item(self.key)

    aget = get

    async def put(self) -> Any:
        return await self.table.put_item(self._values(shapes.values(1)))

    async def create(self) -> Any:
        absent = F("pk").does_not_exist()
        return await self.table.put_item(self._values(shapes.values(1)), condition=absent)

    async def transaction(self) -> Any:
        absent = F("pk").does_not_exist()
        puts = [
            Put(shapes.TABLE, self._values(shapes.values(n)), absent)
            for n in range(shapes.IN_TRANSACTION)
        ]
        return await self.client.transact_write_items(puts)

    async def update(self) -> Any:
        number = next(self.numbers)
        changes = F("title").set(f"Order, revision {number}") & F("quantity").set(number)
        return await self.table.update_item(self.key, changes)

    async def query(self) -> list[Any]:
        return [item async for item in self.table.query(HashKey("pk", shapes.PK))]

    async def first(self) -> Any:
        return await anext(self.table.query(HashKey("pk", shapes.PK), limit=1))

    async def first_filtered(self) -> Any:
        key = HashKey("pk", shapes.PK) & RangeKey("sk").gt(self.sort_key - 1)
        found = self.table.query(key, filter_expression=F("quantity").gt(2))
        return await anext(found)

    async def values_list(self) -> list[Any]:
        fields = F("title") & F("quantity")
        found = self.table.query(HashKey("pk", shapes.PK), projection=fields)
        return [(item["title"], item["quantity"]) async for item in found]

    async def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        keys = [{"pk": shapes.PK, "sk": self.sort_key + n} for n in range(number)]
        answer = await self.client.batch_get({shapes.TABLE: BatchGetRequest(keys=keys)})
        assert not answer.unprocessed_keys
        return answer.items[shapes.TABLE]

    async def batch_write(self, items: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(items), 25):
            puts = [self._values(item) for item in items[start : start + 25]]
            request = {shapes.TABLE: BatchWriteRequest(items_to_put=puts)}
            unprocessed = await self.client.batch_write(request)
            assert not unprocessed

    @staticmethod
    def _values(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**item, "created": item["created"].isoformat()}
