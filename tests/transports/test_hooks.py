"""Mocks and wrappers in botocore see our requests, tools that trace if a connection asks for that."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
import textwrap
import timeit
from unittest.mock import patch

import boto3
import botocore.client
import botocore.endpoint
import pytest
from botocore.exceptions import StubAssertionError
from botocore.stub import Stubber
from moto import mock_aws

from dynamodb_py.exceptions import (
    ConditionFailed,
    ConfigurationError,
    InvalidRequest,
    TableNotFound,
    Throttled,
)
from dynamodb_py.observing import TRACERS
from dynamodb_py.transports import BotoTransport, Settings
from dynamodb_py.transports.hooks import INSTRUMENTED, MOCK, WRAPPED, Hooks
from dynamodb_py.transports.routing import warn_of_untraced

from .. import faulty
from ..callers import AsyncCaller, Caller, Echo, settings
from ..faulty import FaultyServer

KEY = {"name": {"S": "k"}}


def way(server: FaultyServer) -> str:
    """Tell how the last request came."""
    agent = server.received[-1].headers["user-agent"]
    return "wire" if agent == "dynamodb_py" else "botocore" if "Botocore" in agent else agent


def make_table(name: str = "test") -> None:
    client = boto3.client("dynamodb", region_name="eu-west-1")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName=name, Item=KEY)


# moto


def test_motos_context_manager_answers(caller):
    client = caller()
    with mock_aws():
        make_table()
        assert client.send(Echo("k")) == "k"
        assert type(client.outcome(Echo("k", "nobody"))) is TableNotFound
    with mock_aws():  # a new one is empty
        assert type(client.outcome(Echo("k"))) is TableNotFound


@mock_aws
def test_motos_decorator_answers(caller):
    make_table()
    assert caller().send(Echo("k")) == "k"


def test_a_mock_is_noticed_after_the_first_request_and_so_is_its_end(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        client.send(Echo("a"))
        assert way(server) == "wire"
        with mock_aws():  # moto lets through what is not Amazon's
            client.send(Echo("b"))
            assert way(server) == "botocore"
        client.send(Echo("c"))
        assert way(server) == "wire"


def test_a_client_made_during_a_mock_is_not_used_after_it(caller):
    with FaultyServer() as server:
        client = caller(server.url, aws_access_key_id=None, aws_secret_access_key=None)
        with mock_aws():
            client.send(Echo("a"))
            assert "FOOBARKEY" in server.received[-1].headers["authorization"]
        client.send(Echo("b"))
        assert "FOOBARKEY" not in server.received[-1].headers["authorization"]


def in_process_of_its_own(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "given",
    [
        "session=boto3.Session(region_name='eu-west-1')",
        "session=boto3.Session(region_name='eu-west-1')._session",
        "client=boto3.client('dynamodb', region_name='eu-west-1')",
        "client=boto3.resource('dynamodb', region_name='eu-west-1')",
        "region_name='eu-west-1'",
    ],
)
def test_whatever_was_made_before_motos_import_is_mocked_too(given):
    in_process_of_its_own(f"""
        import boto3, sys
        from dynamodb_py.exceptions import TableNotFound
        from dynamodb_py.transports import Settings, open_transports
        from tests.callers import Echo
        # Were anything sent, it would fail at this proxy, and not with TableNotFound.
        import os
        os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
        door, _ = open_transports(Settings({given}))
        assert "moto" not in sys.modules
        from moto import mock_aws
        for _ in range(2):
            with mock_aws():
                try:
                    door.send(Echo("k"))
                except TableNotFound:
                    pass
                else:
                    raise SystemExit("no answer of moto's")
    """)


def test_a_request_to_a_mock_is_carried_out_once():
    with mock_aws():
        make_table()
        client = boto3.client("dynamodb", region_name="eu-west-1")
        door = BotoTransport(client)
        for _ in range(3):
            door.send(Echo("k"))
        handlers = client.meta.events._emitter._handlers
        stubber = sys.modules["moto.core.models"].botocore_stubber
        found = list(handlers.prefix_search("before-send.dynamodb.GetItem"))
        assert found.count(stubber) == 1


def test_motos_server_mode_is_noticed():
    in_process_of_its_own("""
        import os
        from tests.callers import Echo
        from tests.faulty import FaultyServer
        with FaultyServer() as server:
            os.environ["TEST_SERVER_MODE"] = "true"
            os.environ["TEST_SERVER_MODE_ENDPOINT"] = server.url
            os.environ["MOTO_CALL_RESET_API"] = "false"
            from dynamodb_py.transports import Settings, open_transports
            from moto import mock_aws
            door, _ = open_transports(Settings(region_name="eu-west-1"))
            with mock_aws():
                door.send(Echo("k"))
            assert len(server.received) == 1, "the request went elsewhere"
            door.close()
    """)


# Stubber


def test_a_stubber_on_the_users_client_answers():
    client = boto3.client("dynamodb", region_name="eu-west-1")
    for kind in (Caller, AsyncCaller):
        one = kind(Settings(client=client))
        with Stubber(client) as stubber:
            stubber.add_response(
                "get_item", {"Item": {"name": {"S": "stub"}}}, {"TableName": "test", "Key": KEY}
            )
            stubber.add_client_error(
                "get_item", "ConditionalCheckFailedException", http_status_code=400,
                modeled_fields={"Item": {"data": {"B": b"\0\1"}}},
            )  # fmt: skip
            assert one.send(Echo("k")) == "stub"
            said = one.outcome(Echo("k"))
            assert type(said) is ConditionFailed
            assert said.current == {"data": {"B": b"\0\1"}}
            stubber.assert_no_pending_responses()
        one.end()


def test_a_stubber_that_expects_something_else_says_so_itself():
    client = boto3.client("dynamodb", region_name="eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_response("get_item", {}, {"TableName": "other", "Key": KEY})
        with pytest.raises(StubAssertionError, match="Expected param"):
            BotoTransport(client).send(Echo("k"))


def test_a_stubber_on_a_resources_client_answers():
    resource = boto3.resource("dynamodb", region_name="eu-west-1")
    door = BotoTransport(resource)
    with Stubber(resource.meta.client) as stubber:
        stubber.add_response(
            "get_item", {"Item": {"name": {"S": "stub"}}}, {"TableName": "test", "Key": KEY}
        )
        assert door.send(Echo("k")) == b'{"Item":{"name":{"S":"stub"}}}'


# Instrumentation


@pytest.fixture
def opentelemetry():
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = BotocoreInstrumentor()

    def switch(on: bool) -> None:
        if on:
            instrumentor.instrument(tracer_provider=provider)
        else:
            instrumentor.uninstrument()

    yield switch, spans
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def test_opentelemetry_sees_requests_while_it_is_on_if_a_connection_asks_for_that(
    caller, opentelemetry
):
    switch, spans = opentelemetry
    with FaultyServer() as server:
        client = caller(server.url, through_instrumented_botocore=True)
        client.send(Echo("before"))
        switch(True)
        assert client.send(Echo("on")) == "on"
        assert way(server) == "botocore"
        switch(False)
        client.send(Echo("after"))
        assert way(server) == "wire"
        switch(True)
        client.send(Echo("on again"))
    [first, second] = spans.get_finished_spans()
    assert first.name == second.name == "DynamoDB.GetItem"


def test_opentelemetry_sees_a_mock_too(caller, opentelemetry):
    switch, spans = opentelemetry
    switch(True)
    with mock_aws():
        make_table()
        spans.clear()
        assert caller().send(Echo("k")) == "k"
    assert [span.name for span in spans.get_finished_spans()] == ["DynamoDB.GetItem"]


def test_an_opentelemetry_span_around_an_awaited_request_is_its_parent(opentelemetry):
    import asyncio

    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    switch, spans = opentelemetry
    switch(True)

    async def main(transport):
        tracer = TracerProvider().get_tracer("test")
        with tracer.start_as_current_span("outer"):
            outer = trace.get_current_span().get_span_context().span_id
            await transport.send(Echo("a"))
        return outer

    with FaultyServer() as server:
        client = AsyncCaller(settings(server.url, through_instrumented_botocore=True))
        outer = asyncio.run(main(client.async_transport))
        client.end()
    [span] = spans.get_finished_spans()
    assert span.parent.span_id == outer


@pytest.fixture
def xray():
    from aws_xray_sdk.core import patch as xray_patch
    from aws_xray_sdk.core import patcher, xray_recorder

    call = botocore.client.BaseClient.__dict__["_make_api_call"]
    prepare = botocore.endpoint.Endpoint.__dict__["prepare_request"]
    xray_recorder.configure(sampling=False, context_missing="IGNORE_ERROR", service="test")

    def off() -> None:  # the SDK has no way back for botocore
        botocore.client.BaseClient._make_api_call = call
        botocore.endpoint.Endpoint.prepare_request = prepare
        patcher._PATCHED_MODULES.discard("botocore")
        if hasattr(botocore.client, "_xray_enabled"):
            del botocore.client._xray_enabled

    yield lambda: xray_patch(["botocore"]), off, xray_recorder
    off()
    xray_recorder.emitter._socket.close()


def test_xray_sees_requests_while_it_is_on_if_a_connection_asks_for_that(xray):
    on, off, recorder = xray
    with FaultyServer() as server:
        client = Caller(settings(server.url, through_instrumented_botocore=True))
        client.send(Echo("before"))
        on()
        segment = recorder.begin_segment("test")
        try:
            assert client.send(Echo("on")) == "on"
        finally:
            [subsegment] = segment.subsegments
            recorder.clear_trace_entities()
        assert way(server) == "botocore"
        assert "x-amzn-trace-id" in server.received[-1].headers
        assert (subsegment.name, subsegment.aws["operation"]) == ("dynamodb", "GetItem")
        off()
        client.send(Echo("after"))
        assert way(server) == "wire"
        client.end()


def test_xray_is_noticed_by_the_asyncio_transport(xray):
    on, off, _ = xray
    with FaultyServer() as server:
        client = AsyncCaller(settings(server.url, through_instrumented_botocore=True))
        on()
        client.send(Echo("on"))
        assert way(server) == "botocore"
        off()
        client.send(Echo("off"))
        assert way(server) == "wire"
        client.end()


@pytest.fixture
def warnings_of_requests(caplog):
    """The texts of the lines at level WARNING in this test."""
    caplog.set_level(logging.WARNING, "dynamodb_py")
    warn_of_untraced.cache_clear()
    yield lambda: [record.getMessage() for record in caplog.records]
    warn_of_untraced.cache_clear()


def test_instrumentation_alone_does_not_divert_requests_and_one_line_says_so(
    caller, opentelemetry, warnings_of_requests
):
    switch, spans = opentelemetry
    with FaultyServer() as server:
        one, another = caller(server.url), caller(server.url)
        switch(True)
        for client in (one, another, one):
            assert client.send(Echo("on")) == "on"
            assert way(server) == "wire"
    assert spans.get_finished_spans() == ()
    [line] = warnings_of_requests()
    assert "connect(through_instrumented_botocore=True)" in line


@pytest.mark.parametrize("traced", [False, True], ids=["declined", "traced"])
def test_the_line_is_not_written_where_it_is_declined_or_requests_are_traced(
    caller, opentelemetry, warnings_of_requests, traced
):
    switch, _ = opentelemetry
    switch(True)
    if traced:
        TRACERS.append(lambda name: None)
    try:
        with FaultyServer() as server:
            client = caller(server.url, through_instrumented_botocore=None if traced else False)
            client.send(Echo("on"))
            assert way(server) == "wire"
    finally:
        TRACERS.clear()
    assert warnings_of_requests() == []


def test_a_mock_is_obeyed_below_instrumentation_and_above_it(caller, opentelemetry, xray):
    switch, _ = opentelemetry
    on, _, _ = xray
    with mocked_call():
        switch(True)
        assert caller("http://127.0.0.1:9").send(Echo("k")) == "mock"
        switch(False)
    switch(True)
    with mocked_call():
        assert caller("http://127.0.0.1:9").send(Echo("k")) == "mock"
    switch(False)
    on()
    assert Hooks().detect() == INSTRUMENTED
    with mocked_call():
        assert Hooks().detect() & WRAPPED


def tool(source: str, module: str, original: object) -> object:
    """A function *traced* of a *module* that *source* defines around *original*."""
    namespace = {"__name__": module, "original": original}
    exec(textwrap.dedent(source), namespace)
    return namespace["make"](original)


CLOSURE = """
    def make(inner):
        def traced(self, *args):
            return inner(self, *args) if args else traced
        return traced
"""


@pytest.mark.parametrize(
    ("module", "mocked", "expected"),
    [
        ("sentry_sdk.integrations.boto3._client", False, INSTRUMENTED),
        ("sentry_sdk.integrations.boto3._client", True, WRAPPED),
        ("ddtrace.contrib.botocore", False, INSTRUMENTED),
        ("elasticapm.instrumentation", False, INSTRUMENTED),
        ("opentelemetry_of_mine", False, WRAPPED),
        ("tests.fakes", False, WRAPPED),
    ],
)
def test_only_wrappers_of_known_tools_around_botocores_own_calls_are_passed_by(
    module, mocked, expected
):
    original = botocore.client.BaseClient._make_api_call
    inner = (lambda *_: {}) if mocked else original
    replacement = tool(CLOSURE, module, inner)
    with patch.object(botocore.client.BaseClient, "_make_api_call", replacement):
        assert Hooks().detect() == expected


def wrapped_call():
    original = botocore.client.BaseClient._make_api_call

    @functools.wraps(original)  # as Elastic's and many a home-made one
    def traced(self, *args, **kwargs):
        return original(self, *args, **kwargs)

    return patch.object(botocore.client.BaseClient, "_make_api_call", traced)


def wrapped_prepare():
    original = botocore.endpoint.Endpoint.prepare_request

    @functools.wraps(original)
    def traced(self, request):
        return original(self, request)

    return patch.object(botocore.endpoint.Endpoint, "prepare_request", traced)


def mocked_call():
    answer = {"Item": {"name": {"S": "mock"}}}
    return patch("botocore.client.BaseClient._make_api_call", return_value=answer)


@pytest.mark.parametrize("wrap", [wrapped_call, wrapped_prepare, mocked_call])
def test_a_wrapped_function_of_botocores_is_noticed_and_so_is_its_end(wrap):
    hooks = Hooks()
    assert hooks.detect() == 0
    with wrap():
        assert hooks.detect() == WRAPPED
    assert hooks.detect() == 0
    with wrap():
        assert Hooks().detect() == WRAPPED
        with mock_aws():
            assert hooks.detect() == WRAPPED | MOCK


def test_botocore_as_it_comes_is_not_taken_for_hooked():
    # Though it decorates this one itself.
    assert hasattr(botocore.client.BaseClient._make_api_call, "__wrapped__")
    assert Hooks().detect() == 0


def test_a_patched_call_answers(caller):
    with mocked_call():
        assert caller("http://127.0.0.1:9").send(Echo("k")) == "mock"


def test_the_look_imports_nothing_and_costs_next_to_nothing():
    in_process_of_its_own("""
        import sys
        from dynamodb_py.transports.hooks import Hooks
        assert Hooks().detect() == 0
        assert not {"botocore", "moto", "asyncio", "ssl", "logging"} & set(sys.modules)
    """)
    hooks = Hooks()
    hooks.detect()
    best = min(timeit.repeat(hooks.detect, number=1000, repeat=20)) / 1000
    assert best < 5e-6  # a quarter of a microsecond, where nothing else runs or traces


def test_each_switch_is_one_debug_line(caller, caplog):
    caplog.set_level(logging.DEBUG, "dynamodb_py")
    with FaultyServer() as server:
        client = caller(server.url)
        client.send(Echo("a"))
        with mock_aws():
            client.send(Echo("b"))
            client.send(Echo("c"))
        client.send(Echo("d"))
    lines = [record.getMessage() for record in caplog.records if record.name == "dynamodb_py"]
    told = [line for line in lines if "GetItem" not in line]
    assert told == [
        "moto's mock is active: requests go through botocore",
        "no hooks in botocore any more: requests go over the wire",
    ]
    requests = [line for line in lines if "GetItem" in line]
    assert len(requests) == 4
    assert all(line.startswith("GetItem test: status 200") for line in requests)


# Sessions and clients that were handed over


@pytest.mark.parametrize("kind", ["boto3", "botocore"])
def test_a_session_is_used_with_its_hooks_keys_and_region(kind):
    session = boto3.Session("AKSESSION", "secret", region_name="eu-south-2")
    heard = []
    session.events.register("before-call.dynamodb.GetItem", lambda **kw: heard.append(1))
    given = session if kind == "boto3" else session._session
    with FaultyServer() as server:
        for make in (Caller, AsyncCaller):
            client = make(Settings(session=given, endpoint_url=server.url))
            assert client.send(Echo("k")) == "k"
            assert "AKSESSION" in server.received[-1].headers["authorization"]
            assert "/eu-south-2/" in server.received[-1].headers["authorization"]
            client.end()
    assert heard == [1, 1]


@pytest.mark.parametrize("kind", ["client", "resource", "client of a resource"])
def test_a_client_is_used_as_it_is(kind):
    def make(url):
        if kind == "client":
            return boto3.client("dynamodb", region_name="eu-west-1", endpoint_url=url)
        resource = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=url)
        return resource if kind == "resource" else resource.meta.client

    with FaultyServer() as server:
        given = make(server.url)
        for caller_kind in (Caller, AsyncCaller):
            client = caller_kind(Settings(client=given))
            assert client.send(Echo("k")) == "k"
            assert server.received[-1].payload == Echo("k").payload()
            client.end()
            assert client.transport is not None
        # And it still works for its owner, a resource with its own idea of values.
        if kind == "resource":
            assert given.Table("test").get_item(Key={"name": "x"})["Item"] == {"name": "x"}
        given.meta.client.close() if kind == "resource" else given.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faulty.error("ThrottlingException"), Throttled),
        (faulty.error("ValidationException"), InvalidRequest),
    ],
)
def test_through_botocore_each_request_is_sent_once(fault, kind):
    session = boto3.Session("AK", "secret", region_name="eu-west-1")
    with FaultyServer(fault) as server:
        client = Caller(Settings(session=session, endpoint_url=server.url))
        said = client.outcome(Echo("k"))
        assert type(said) is kind
        assert (said.operation, said.table, said.request_id) == ("GetItem", "test", "REQUEST1")
        assert type(said.__cause__).__mro__[-4].__name__ == "ClientError"
        assert len(server.received) == 1
        client.end()


# A mock, and an endpoint that the environment sets


@pytest.fixture
def variable(monkeypatch, tmp_path):
    """Set an endpoint in the environment, or in a shared file."""
    for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    def set_endpoint(name, url):
        if name in ("profile", "services"):
            config = tmp_path / "config"
            own = f"endpoint_url = {url}\n" if name == "profile" else "services = own\n"
            own += f"[services own]\ndynamodb =\n  endpoint_url = {url}\n"
            config.write_text(f"[default]\nregion = eu-west-1\n{own}")
            monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        else:
            monkeypatch.setenv(name, url)

    return set_endpoint


SOURCES = {
    "AWS_ENDPOINT_URL_DYNAMODB": "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL": "AWS_ENDPOINT_URL",
    "profile": "shared configuration file",
    "services": "shared configuration file",
}


@pytest.mark.parametrize("source", SOURCES)
def test_an_endpoint_of_the_environment_is_refused_under_a_mock_and_nothing_is_sent(
    caller, variable, source
):
    with FaultyServer() as server:
        variable(source, server.url.replace("http://", "http://me:hush@"))
        client = caller()
        with mock_aws():
            for _ in range(2):
                found = client.outcome(Echo("k"))
                assert type(found) is ConfigurationError
                for part in ("mock_aws", SOURCES[source], server.url):
                    assert part in str(found)
                assert "hush" not in str(found)
        assert server.received == []


@pytest.mark.parametrize("source", SOURCES)
def test_an_endpoint_that_was_given_is_used_under_a_mock(caller, variable, source):
    with FaultyServer() as server:
        variable(source, "http://127.0.0.1:9")
        with mock_aws():
            assert caller(server.url).send(Echo("k")) == "k"
        assert len(server.received) == 1


def test_a_mock_is_refused_where_it_begins_and_the_endpoint_serves_again_after_it(caller, variable):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        client = caller()
        for _ in range(2):
            assert client.send(Echo("k")) == "k"
            with mock_aws(), mock_aws():
                assert type(client.outcome(Echo("k"))) is ConfigurationError
        assert client.send(Echo("k")) == "k"
        assert len(server.received) == 3


def test_an_endpoint_that_is_unset_in_the_mock_leaves_the_mock_to_answer(
    caller, variable, monkeypatch
):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL", server.url)
        client = caller()
        with mock_aws():
            found = client.outcome(Echo("k"))
            assert type(found) is ConfigurationError
            monkeypatch.delenv("AWS_ENDPOINT_URL")
            make_table()
            assert client.send(Echo("k")) == "k"
        assert server.received == []


@pytest.mark.parametrize("given", ["session", "botocore session", "client", "resource"])
@pytest.mark.parametrize("before", [False, True])
def test_a_session_or_client_with_an_endpoint_of_the_environment_is_refused_too(
    given, before, variable
):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        session = boto3.Session("AK", "secret", region_name="eu-west-1")
        made = {
            "session": lambda: {"session": session},
            "botocore session": lambda: {"session": session._session},
            "client": lambda: {"client": session.client("dynamodb")},
            "resource": lambda: {"client": session.resource("dynamodb")},
        }[given]()
        for kind in (Caller, AsyncCaller):
            client = kind(Settings(**made))
            if before:
                assert client.send(Echo("k")) == "k"
            sent = len(server.received)
            with mock_aws():
                assert type(client.outcome(Echo("k"))) is ConfigurationError
            assert len(server.received) == sent
            assert client.send(Echo("k")) == "k"
            client.end()


def test_a_client_with_an_endpoint_of_its_own_is_a_choice(variable):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
        client = boto3.client(
            "dynamodb", endpoint_url=server.url, region_name="x",
            aws_access_key_id="AK", aws_secret_access_key="s",
        )  # fmt: skip
        with mock_aws():
            one = Caller(Settings(client=client))
            assert one.send(Echo("k")) == "k"
            one.end()


def test_a_mock_of_all_but_dynamodb_leaves_the_endpoint_of_the_environment(caller, variable):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        with mock_aws(config={"core": {"passthrough": {"services": ["dynamodb"], "urls": []}}}):
            assert caller().send(Echo("k")) == "k"


def test_endpoints_that_botocore_is_to_ignore_are_ignored(caller, variable, monkeypatch):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        with mock_aws():
            make_table()
            assert caller().send(Echo("k")) == "k"
        assert server.received == []


def test_a_class_under_a_mock_is_refused_too(caller, variable):
    with FaultyServer() as server:
        variable("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        client = caller()

        @mock_aws
        class TestOf:
            def test_it(self):
                return client.outcome(Echo("k"))

        assert type(TestOf().test_it()) is ConfigurationError
        assert server.received == []
