from __future__ import annotations

import asyncio
import time
from typing import Any

import botocore.session
import botocore.validate
import msgspec
import pytest

from dynamodb_py.exceptions import (
    ConfigurationError,
    InvalidRequest,
    ServiceError,
    TableAlreadyExists,
    TableInUse,
    TableMismatch,
    TableNotFound,
    ValidationError,
    make_service_error,
)
from dynamodb_py.operations.base import Pause
from dynamodb_py.operations.tables import CreateTable, DeleteTable, DescribeTable, UpdateTable
from dynamodb_py.schema import GlobalIndex, LocalIndex, TableSchema, Throughput, declare_table
from dynamodb_py.tables.table import Table

from ..engines import known_fault

SERVICE = botocore.session.get_session().get_service_model("dynamodb")
FIELDS = {"user": "S", "title": "S", "score": "N", "wins": "N", "photo": "B", "doc": "M"}


def declare(hash_key="user", range_key="title", indexes=(), name="GameScore", **options):
    return declare_table(
        name,
        hash_key,
        range_key,
        lookup=lambda field: (field, FIELDS[field]),
        indexes=indexes,
        **options,
    )


class Options:
    def __init__(self, schema: TableSchema | None, using: str | None = None) -> None:
        self.schema, self.using = schema, using


def model(*args, using=None, **options):
    """Make what Table needs of a model: its options."""
    return type("GameScore", (), {"_meta": Options(declare(*args, **options), using)})


INDEXES = [
    GlobalIndex("by_title", hash_key="title", range_key="score", projection=["doc"]),
    LocalIndex("by_wins", range_key="wins", projection="keys"),
]

# --- on every engine, both ways ---


def test_a_table_is_made_looked_at_and_deleted(engine, do):
    table = Table(model(indexes=INDEXES))
    assert do(table.exists) is False

    made = do(table.create)

    assert made["TableStatus"] == "ACTIVE"
    assert made["TableName"] == table.name == engine.table_name("GameScore")
    assert do(table.exists) is True
    assert do(table.item_count) == 0
    info = do(table.info)
    assert info["TableStatus"] == "ACTIVE"
    assert abs(info["CreationDateTime"].timestamp() - time.time()) < 60
    seen = engine.boto3().describe_table(TableName=table.name)["Table"]
    assert not table.schema.differences(TableSchema.parse(seen))
    assert seen["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"

    assert do(table.delete) is None

    assert do(table.exists) is False
    assert table.name not in engine.boto3().list_tables()["TableNames"]


def test_the_model_may_be_given_as_an_instance(engine, do):
    kind = model("photo", None)
    do(Table(kind()).create)
    assert do(Table(kind).info)["KeySchema"] == [{"AttributeName": "photo", "KeyType": "HASH"}]


def test_a_table_that_is_there_is_not_made_again(engine, do):
    table = Table(model())
    do(table.create)
    with pytest.raises(
        TableAlreadyExists, match=r"create\(if_not_exists=True\) accepts that"
    ) as raised:
        do(table.create)
    assert (raised.value.operation, raised.value.table) == ("CreateTable", table.name)
    assert raised.value.code == "ResourceInUseException"
    assert isinstance(raised.value.__cause__, TableInUse)


def test_if_not_exists_makes_a_table_once_and_then_accepts_it(engine, do):
    table = Table(model(indexes=INDEXES))
    made = do(table.create, if_not_exists=True)
    again = do(table.create, if_not_exists=True)
    assert again["TableStatus"] == made["TableStatus"] == "ACTIVE"
    assert again["CreationDateTime"] == made["CreationDateTime"]


def test_if_not_exists_does_not_accept_other_keys(engine, do):
    do(Table(model("user", "title")).create)
    for hash_key, range_key in [("user", None), ("user", "score"), ("wins", "title")]:
        with pytest.raises(
            TableMismatch, match="exists with other keys than the model's"
        ) as raised:
            do(Table(model(hash_key, range_key)).create, if_not_exists=True)
        [said] = raised.value.differences
        assert "the table has hash key user (S), range key title (S)" in said
        assert f"the model has hash key {hash_key} (" in said


def test_a_table_that_is_not_there_is_an_error(engine, do):
    table = Table(model())
    for asked in (table.info, table.item_count, table.delete, table.update):
        with pytest.raises(TableNotFound):
            do(asked)
    assert do(table.delete, missing_ok=True) is None


def test_without_waiting_a_table_is_ready_later(engine, do):
    table = Table(model(indexes=INDEXES))
    assert do(table.create, wait=False)["TableStatus"] in {"CREATING", "ACTIVE"}
    waited = table.wait() if do.mode == "sync" else do.run(table.await_())
    assert waited["TableStatus"] == "ACTIVE"
    assert {index["IndexStatus"] for index in waited["GlobalSecondaryIndexes"]} == {"ACTIVE"}
    do(table.delete, wait=False)
    do(table.create)
    assert do(table.info)["TableStatus"] == "ACTIVE"


def test_a_table_that_is_being_made_is_deleted_as_soon_as_it_can_be(engine, do):
    table = Table(model())
    do(table.create, wait=False)
    do(table.delete)
    assert do(table.exists) is False


def test_throughput_is_what_the_model_says(engine, do):
    indexes = [
        GlobalIndex("own", hash_key="title", read_capacity=3, write_capacity=4),
        GlobalIndex("the_tables", hash_key="title"),
    ]
    made = do(Table(model(indexes=indexes, read_capacity=100, write_capacity=120)).create)
    schema = TableSchema.parse(made)
    assert schema.throughput == Throughput(100, 120)
    assert {index.name: schema.index_throughput(index) for index in schema.indexes} == {
        "own": Throughput(3, 4),
        "the_tables": Throughput(100, 120),
    }


def test_throughput_can_be_another_when_the_table_is_made(engine, do):
    made = do(Table(model(read_capacity=5, write_capacity=6)).create, read_capacity=7)
    assert TableSchema.parse(made).throughput == Throughput(7, 6)


def test_update_brings_the_live_table_to_what_the_model_says(engine, do):
    on_demand, provisioned = model(), model(read_capacity=5, write_capacity=6)
    do(Table(on_demand).create)
    for table, options, expected in [
        (Table(on_demand), {}, None),
        (Table(provisioned), {}, Throughput(5, 6)),
        (Table(provisioned), {}, Throughput(5, 6)),
        (Table(provisioned), {"read_capacity": 7}, Throughput(7, 6)),
        (Table(provisioned), {"read_capacity": 8, "write_capacity": 9}, Throughput(8, 9)),
        (Table(provisioned), {"billing_mode": "PAY_PER_REQUEST"}, None),
        (Table(provisioned), {}, Throughput(5, 6)),
        (Table(on_demand), {}, None),
    ]:
        described = do(table.update, **options)
        assert described["TableStatus"] == "ACTIVE"
        assert TableSchema.parse(described).throughput == expected
        assert TableSchema.parse(do(table.info)).throughput == expected


@known_fault("dynoxide", "accepts new throughput of an index, and keeps the old")
@known_fault("extenddb", "cannot change the throughput of an index")
def test_update_reaches_the_indexes_too(engine, do):
    def indexes(**capacities):
        return [GlobalIndex("by_title", hash_key="title", **capacities)]

    do(Table(model(indexes=indexes())).create)
    for capacities, expected in [
        ({}, Throughput(5, 6)),
        ({"read_capacity": 2}, Throughput(2, 6)),
        ({"read_capacity": 2, "write_capacity": 3}, Throughput(2, 3)),
    ]:
        table = Table(model(indexes=indexes(**capacities), read_capacity=5, write_capacity=6))
        described = do(table.update)
        [index] = described["GlobalSecondaryIndexes"]
        units = index["ProvisionedThroughput"]
        assert Throughput(units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == expected


def test_update_says_what_it_does_not_change_and_sends_nothing(engine, do):
    do(Table(model(indexes=INDEXES[:1])).create)
    table = Table(model(indexes=INDEXES[1:], read_capacity=5, write_capacity=6))
    with pytest.raises(TableMismatch, match="nothing was sent") as raised:
        do(table.update)
    assert [said.split(" (")[0] for said in raised.value.differences] == [
        "index by_title: the model does not declare it",
        "index by_wins: the table does not have it",
    ]
    assert TableSchema.parse(do(table.info)).throughput is None


@pytest.mark.engines("dynoxide", "moto")  # ExtendDB takes its time, as DynamoDB does
def test_items_are_counted(engine, do):
    table = Table(model())
    do(table.create)
    engine.boto3().put_item(TableName=table.name, Item={"user": {"S": "a"}, "title": {"S": "b"}})
    assert do(table.item_count) == 1


# --- each step of the flows, without an engine ---


class Offline(Table):
    """A table whose flows are driven by the test itself."""

    name = "dev-GameScore"


TAB = Offline.name


def refused(code: str, *, attempts: int = 1, lost: bool = True) -> ServiceError:
    """Return the refusal of a request; of several *attempts*, the answer to one was *lost*."""
    error = make_service_error(code, "in other words")
    error.in_doubt = lost and attempts > 1
    error.operation, error.table, error.attempts, error.request_id = (
        "CreateTable",
        TAB,
        attempts,
        "R1",
    )
    return error


def live(kind: Any, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    described = {
        **kind._meta.schema.encode(),
        "TableName": TAB,
        "TableStatus": status,
        "TableId": "1",
    }
    described["BillingModeSummary"] = {"BillingMode": described.pop("BillingMode")}
    return {**described, **more}


def play(flow, *answers):
    """Give *answers* to the operations of *flow*; return its value, operations and pauses."""
    left, asked, pauses = list(answers), [], []
    try:
        step = next(flow)
        while True:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = flow.send(None)
                continue
            check_contract(step)
            asked.append(step)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                step = flow.throw(answer)
            else:
                step = flow.send(msgspec.json.encode({"Table": answer, "TableDescription": answer}))
    except StopIteration as stop:
        assert not left, f"never asked for: {left}"
        return stop.value, asked, pauses


def check_contract(operation) -> None:
    shape = SERVICE.operation_model(operation.api).input_shape
    report = botocore.validate.ParamValidator().validate(operation.payload(), shape)
    assert not report.has_errors(), report.generate_report()


def apis(asked) -> list[str]:
    return [operation.api for operation in asked]


KIND = model(indexes=INDEXES)
IN_USE, MISSING = refused("ResourceInUseException"), refused("ResourceNotFoundException")
IN_USE_LATER = refused("ResourceInUseException", attempts=2)


def test_create_waits_for_a_table_that_is_invisible_at_first():
    answers = [live(KIND, "CREATING"), MISSING, live(KIND, "CREATING"), live(KIND)]
    value, asked, pauses = play(Offline(KIND)._create(), *answers)
    assert value["TableStatus"] == "ACTIVE"
    assert apis(asked) == ["CreateTable", "DescribeTable", "DescribeTable", "DescribeTable"]
    assert asked[0] == CreateTable(TAB, KIND._meta.schema)
    assert len(pauses) == 2


def test_create_without_waiting_is_one_request():
    value, asked, pauses = play(Offline(KIND)._create(wait=False), live(KIND, "CREATING"))
    assert (value["TableStatus"], apis(asked), pauses) == ("CREATING", ["CreateTable"], [])


def test_create_comes_after_the_table_that_is_being_deleted():
    going = [IN_USE, live(KIND, "DELETING")]
    # Between two looks it may be gone already.
    answers = [*going, *going, IN_USE, MISSING, live(KIND, "CREATING"), live(KIND)]
    value, asked, pauses = play(Offline(KIND)._create(), *answers)
    assert value["TableStatus"] == "ACTIVE"
    assert apis(asked).count("CreateTable") == 4
    assert len(pauses) == 3


def test_create_without_waiting_does_not_wait_for_a_deletion_either():
    with pytest.raises(TableInUse) as raised:
        play(Offline(KIND)._create(wait=False), IN_USE, live(KIND, "DELETING"))
    assert raised.value is IN_USE


@pytest.mark.parametrize("code", ["ResourceInUseException", "TableAlreadyExistsException"])
@pytest.mark.parametrize("status", ["ACTIVE", "CREATING", "UPDATING"])
def test_an_existing_table_is_an_error_that_says_so(code, status):
    with pytest.raises(TableAlreadyExists) as raised:
        play(Offline(KIND)._create(), refused(code), live(KIND, status))
    error = raised.value
    assert (error.code, error.request_id, error.table) == (code, "R1", TAB)
    assert str(error).startswith(f"CreateTable on {TAB}: there is a table of this name already")


def created(age: float | None) -> dict[str, float]:
    return {} if age is None else {"CreationDateTime": time.time() - age}


@pytest.mark.parametrize(
    ("status", "age"),
    [("CREATING", None), ("CREATING", 60), ("ACTIVE", 0), ("ACTIVE", 3)],
)
def test_a_table_that_an_attempt_without_answer_made_is_no_error(status, age):
    found = live(KIND, status, **created(age))
    value, _, _ = play(Offline(KIND)._create(), IN_USE_LATER, found, live(KIND))
    assert value["TableStatus"] == "ACTIVE"


OTHER = model("user", "score")


@pytest.mark.parametrize(
    ("kind", "status", "age"),
    [(KIND, "ACTIVE", 60), (KIND, "ACTIVE", None), (OTHER, "ACTIVE", 0), (OTHER, "CREATING", 0)],
    ids=["old", "of unknown age", "new and another", "being made and another"],
)
def test_a_table_that_somebody_else_made_is_one_after_a_retry_too(kind, status, age):
    found = live(kind, status, **created(age))
    with pytest.raises(TableAlreadyExists) as raised:
        play(Offline(KIND)._create(), IN_USE_LATER, found)
    assert raised.value.attempts == 2


def test_if_not_exists_asks_before_it_creates():
    value, asked, _ = play(Offline(KIND)._create(if_not_exists=True), live(KIND), live(KIND))
    assert value["TableStatus"] == "ACTIVE"
    assert set(apis(asked)) == {"DescribeTable"}


def test_if_not_exists_waits_for_the_table_that_somebody_else_is_making():
    answers = [MISSING, IN_USE, live(KIND, "CREATING"), live(KIND, "CREATING"), live(KIND)]
    value, asked, _ = play(Offline(KIND)._create(if_not_exists=True), *answers)
    assert value["TableStatus"] == "ACTIVE"
    assert apis(asked).count("CreateTable") == 1


@pytest.mark.parametrize("answers", [[live(OTHER)], [MISSING, IN_USE, live(OTHER, "CREATING")]])
def test_if_not_exists_never_accepts_other_keys(answers):
    with pytest.raises(TableMismatch, match="exists with other keys"):
        play(Offline(KIND)._create(if_not_exists=True), *answers)


def test_if_not_exists_comes_after_the_table_that_is_being_deleted():
    # While it goes, DynamoDB no longer tells its keys.
    going = {"TableName": TAB, "TableStatus": "DELETING"}
    answers = [going, IN_USE, going, live(KIND, "CREATING"), live(KIND)]
    value, _, pauses = play(Offline(KIND)._create(if_not_exists=True), *answers)
    assert (value["TableStatus"], len(pauses)) == ("ACTIVE", 1)


def test_delete_waits_until_the_table_is_gone():
    answers = [live(KIND, "DELETING"), live(KIND), live(KIND, "DELETING"), MISSING]
    value, asked, pauses = play(Offline(KIND)._delete(), *answers)
    assert value is None
    assert asked == [DeleteTable(TAB), *[DescribeTable(TAB)] * 3]
    assert len(pauses) == 2


def test_delete_without_waiting_is_one_request():
    assert play(Offline(KIND)._delete(wait=False), live(KIND, "DELETING"))[1] == [DeleteTable(TAB)]


def test_delete_comes_after_a_change_that_is_under_way():
    answers = [IN_USE, IN_USE, live(KIND, "DELETING"), MISSING]
    _, asked, pauses = play(Offline(KIND)._delete(), *answers)
    assert apis(asked) == ["DeleteTable", "DeleteTable", "DeleteTable", "DescribeTable"]
    assert len(pauses) == 2
    with pytest.raises(TableInUse):
        play(Offline(KIND)._delete(wait=False), IN_USE)


def test_a_table_that_is_missing_after_a_lost_answer_was_deleted():
    missing_later = refused("ResourceNotFoundException", attempts=2)
    assert play(Offline(KIND)._delete(), missing_later)[0] is None
    assert play(Offline(KIND)._delete(missing_ok=True), MISSING)[0] is None
    with pytest.raises(TableNotFound):
        play(Offline(KIND)._delete(), MISSING)


OWN = [
    GlobalIndex("own", hash_key="title", read_capacity=3, write_capacity=4),
    GlobalIndex("the_tables", hash_key="title"),
]
FOLLOWING = [GlobalIndex("own", hash_key="title"), GlobalIndex("the_tables", hash_key="title")]
ON_DEMAND = model(indexes=FOLLOWING)
PROVISIONED = model(indexes=OWN, read_capacity=5, write_capacity=6)


@pytest.mark.parametrize(
    ("kind", "options", "table", "sent"),
    [
        (ON_DEMAND, {}, ON_DEMAND, None),
        (PROVISIONED, {}, PROVISIONED, None),
        (PROVISIONED, {"read_capacity": 5}, PROVISIONED, None),
        (ON_DEMAND, {}, PROVISIONED, UpdateTable(TAB, "PAY_PER_REQUEST")),
        (
            PROVISIONED,
            {"billing_mode": "PAY_PER_REQUEST"},
            PROVISIONED,
            UpdateTable(TAB, "PAY_PER_REQUEST"),
        ),
        (
            # A table that becomes provisioned needs the throughput of every index with it.
            PROVISIONED,
            {},
            ON_DEMAND,
            UpdateTable(
                TAB,
                "PROVISIONED",
                Throughput(5, 6),
                {"own": Throughput(3, 4), "the_tables": Throughput(5, 6)},
            ),
        ),
        (
            # What stays as it is is not named: DynamoDB refuses that.
            PROVISIONED,
            {},
            model(indexes=FOLLOWING, read_capacity=5, write_capacity=6),
            UpdateTable(TAB, None, None, {"own": Throughput(3, 4)}),
        ),
        (
            PROVISIONED,
            {"write_capacity": 60},
            PROVISIONED,
            UpdateTable(TAB, None, Throughput(5, 60), {"the_tables": Throughput(5, 60)}),
        ),
        (
            model(read_capacity=5, write_capacity=6),
            {},
            model(read_capacity=5, write_capacity=7),
            UpdateTable(TAB, None, Throughput(5, 6)),
        ),
    ],
)
def test_update_sends_what_differs_and_nothing_else(kind, options, table, sent):
    after = type("After", (), {"_meta": Options(kind._meta.schema.with_throughput(**options))})
    changes = (
        [] if sent is None else [live(after, "UPDATING"), live(after, "UPDATING"), live(after)]
    )
    value, asked, _ = play(Offline(kind)._update(**options), live(table), *changes)
    assert [operation for operation in asked if operation.api == "UpdateTable"] == (
        [] if sent is None else [sent]
    )
    assert value["TableStatus"] == "ACTIVE"


def test_update_comes_after_a_change_that_is_under_way():
    answers = [live(ON_DEMAND, "UPDATING"), live(ON_DEMAND), live(PROVISIONED), live(PROVISIONED)]
    _, asked, pauses = play(Offline(PROVISIONED)._update(), *answers)
    assert apis(asked) == ["DescribeTable", "DescribeTable", "UpdateTable", "DescribeTable"]
    assert len(pauses) == 1


def test_update_without_waiting_does_not_look_again():
    answers = [live(ON_DEMAND), live(PROVISIONED, "UPDATING")]
    value, asked, _ = play(Offline(PROVISIONED)._update(wait=False), *answers)
    assert (value["TableStatus"], len(asked)) == ("UPDATING", 2)
    with pytest.raises(TableInUse, match="not ACTIVE in time: it is UPDATING"):
        play(Offline(PROVISIONED)._update(wait=False), live(ON_DEMAND, "UPDATING"))


@pytest.mark.parametrize("code", ["ResourceInUseException", "ValidationException"])
def test_an_update_that_an_attempt_without_answer_made_is_no_error(code):
    answers = [live(ON_DEMAND), refused(code, attempts=2), live(PROVISIONED, "UPDATING")]
    value, asked, _ = play(Offline(PROVISIONED)._update(), *answers, live(PROVISIONED))
    assert value["TableStatus"] == "ACTIVE"
    assert apis(asked).count("UpdateTable") == 1


def test_an_update_that_is_refused_is_an_error():
    error = refused("ValidationException")
    with pytest.raises(InvalidRequest) as raised:
        play(Offline(PROVISIONED)._update(), live(ON_DEMAND), error, live(ON_DEMAND))
    assert raised.value is error
    later = refused("ValidationException", attempts=2)
    with pytest.raises(InvalidRequest) as raised:
        play(Offline(PROVISIONED)._update(), live(ON_DEMAND), later, live(ON_DEMAND))
    assert raised.value is later


THROTTLED_FIRST = {"attempts": 2, "lost": False}


@pytest.mark.parametrize(
    ("start", "answers", "raised"),
    [
        (
            lambda: Offline(KIND)._create(),
            [refused("ResourceInUseException", **THROTTLED_FIRST), live(KIND, "CREATING")],
            TableAlreadyExists,
        ),
        (
            lambda: Offline(KIND)._delete(),
            [refused("ResourceNotFoundException", **THROTTLED_FIRST)],
            TableNotFound,
        ),
        (
            lambda: Offline(PROVISIONED)._update(),
            [
                live(ON_DEMAND),
                refused("ValidationException", **THROTTLED_FIRST),
                live(ON_DEMAND),  # another run might have made the change
            ],
            InvalidRequest,
        ),
    ],
    ids=["create", "delete", "update"],
)
def test_a_refusal_after_throttling_is_not_of_ones_own_making(start, answers, raised):
    with pytest.raises(raised):
        play(start(), *answers)


# --- bad input ---


@pytest.mark.parametrize("method", ["_create", "_update"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_capacity": 0, "write_capacity": 1}, "whole numbers of 1 and more, not 0"),
        ({"read_capacity": 1}, "a provisioned table needs both read_capacity and write_capacity"),
        ({"billing_mode": "FREE"}, 'is "PAY_PER_REQUEST" or "PROVISIONED", not \'FREE\''),
    ],
)
def test_throughput_that_cannot_be_is_refused_before_anything_is_sent(method, options, message):
    with pytest.raises(ValidationError) as raised:
        play(getattr(Offline(KIND), method)(**options))
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["ab", "a b", "a" * 256, "größe"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(name):
    class Named(Table):
        pass

    Named.name = name
    with pytest.raises(ValidationError, match=r"3 to 255 characters .* change Meta.table_name or"):
        play(Named(KIND)._create())


class Abstract:
    _meta = Options(None)


@pytest.mark.parametrize("thing", [Abstract, Abstract(), object(), int, "GameScore", None])
def test_only_a_model_that_is_not_abstract_has_a_table(thing):
    with pytest.raises(
        TypeError, match=r"has no table: Table\(\) takes a model that is not abstract"
    ):
        Table(thing)


def test_the_connection_is_the_one_that_was_asked_for():
    assert Table(model(using="replica")).using == "replica"
    assert Table(model(using="replica"), using="other").using == "other"
    with pytest.raises(ConfigurationError, match="nobody-made-it"):
        Table(model(using="nobody-made-it")).exists()


def test_a_table_shows_of_which_model_it_is():
    assert repr(Table(KIND)) == "<Table GameScore of GameScore>"


def test_every_method_has_a_twin_for_asyncio():
    twins = {"create", "info", "exists", "item_count", "delete", "update"}
    for name in twins:
        assert asyncio.iscoroutinefunction(getattr(Table, f"a{name}"))
        assert getattr(Table, f"a{name}").__doc__ == getattr(Table, name).__doc__
    # `await` is a word of the language: its twin has an underscore behind it.
    assert asyncio.iscoroutinefunction(Table.await_)
