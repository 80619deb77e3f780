"""Requests end: a cancelled task is cancelled, and a timeout holds."""

from __future__ import annotations

import asyncio

import pytest
import trustme

from dynamodb_py.exceptions import ConnectTimeout
from dynamodb_py.transports import open_transports

from ..callers import Echo, settings
from ..credentials.test_tls import tls
from ..faulty import FaultyServer


async def echo(transport, key):
    operation = Echo(key)
    return operation.parse(await transport.send(operation))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return a server's context, and the file that makes it trusted."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return tls(made), str(path)


@pytest.mark.parametrize("pool_size", [1, 64])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_cancelled_task_is_cancelled_at_whichever_step_it_is(authority, secure, pool_size):
    async def main(url):
        verify = authority[1] if secure else True
        _, transport = open_transports(settings(url, pool_size=pool_size, verify=verify))
        lost, cancelled = [], 0
        for steps in [*range(25), *range(0, 120, 5)]:
            if steps % 2:
                await transport.close()  # so that it opens a connection
            first = asyncio.ensure_future(echo(transport, "first"))
            task = asyncio.ensure_future(echo(transport, "cancelled"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if task.cancel():
                try:
                    lost.append((steps, await task))
                except asyncio.CancelledError:
                    cancelled += 1
            assert await first == "first"
        await transport.close()
        return lost, cancelled

    with FaultyServer(tls=authority[0] if secure else None) as server:
        lost, cancelled = asyncio.run(main(server.url))
        assert lost == []
        assert cancelled > 10
        assert server.wait_until_empty()


def test_a_connection_that_takes_too_long_does_not_go_on_being_opened(monkeypatch):
    async def main():
        loop = asyncio.get_running_loop()
        _, transport = open_transports(settings("http://127.0.0.1:9", connect_timeout=0.05))

        async def never(*given, **options):
            await asyncio.sleep(60)

        monkeypatch.setattr(loop, "create_connection", never)
        with pytest.raises(ConnectTimeout):
            await echo(transport, "a")
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
