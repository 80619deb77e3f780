from __future__ import annotations

import copy
import pickle
from typing import Any

import botocore.session
import botocore.validate
import msgspec
import pytest

from dynamodb_py.exceptions import ModelDefinitionError, ValidationError
from dynamodb_py.schema import (
    GlobalIndex,
    IndexSchema,
    KeyAttribute,
    LocalIndex,
    Projection,
    TableSchema,
    Throughput,
    declare_table,
    find_name_problem,
)

MODEL = botocore.session.get_session().get_service_model("dynamodb")

FIELDS = {
    "userid": ("userid", "S"),
    "title": ("t", "S"),
    "top_score": ("top_score", "N"),
    "wins": ("wins", "N"),
    "photo": ("photo", "B"),
    "tags": ("tags", "SS"),
    "doc": ("doc", "M"),
    "other_userid": ("userid", "N"),
    **{f"f{number}": (f"f{number}", "S") for number in range(101)},
}


def lookup(field: str) -> tuple[str, str]:
    if field not in FIELDS:
        raise ModelDefinitionError(f"there is no field {field!r}")
    return FIELDS[field]


def declare(hash_key="userid", range_key="title", *indexes, **options) -> TableSchema:
    return declare_table(
        "GameScore", hash_key, range_key, lookup=lookup, indexes=indexes, **options
    )


def check_contract(payload: dict[str, Any]) -> None:
    shape = MODEL.operation_model("CreateTable").input_shape
    report = botocore.validate.ParamValidator().validate(payload, shape)
    assert not report.has_errors(), report.generate_report()


def test_a_table_is_spelled_as_create_table_wants_it():
    schema = declare(
        "userid",
        "title",
        GlobalIndex("GameTitleIndex", hash_key="title", range_key="top_score", projection="keys"),
        LocalIndex("by_wins", range_key="wins", projection=["doc", "photo"]),
    )
    payload = schema.encode()
    check_contract(payload)
    assert payload == {
        "TableName": "GameScore",
        "AttributeDefinitions": [
            {"AttributeName": "userid", "AttributeType": "S"},
            {"AttributeName": "t", "AttributeType": "S"},
            {"AttributeName": "top_score", "AttributeType": "N"},
            {"AttributeName": "wins", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "userid", "KeyType": "HASH"},
            {"AttributeName": "t", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "LocalSecondaryIndexes": [
            {
                "IndexName": "by_wins",
                "KeySchema": [
                    {"AttributeName": "userid", "KeyType": "HASH"},
                    {"AttributeName": "wins", "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["doc", "photo"],
                },
            }
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "GameTitleIndex",
                "KeySchema": [
                    {"AttributeName": "t", "KeyType": "HASH"},
                    {"AttributeName": "top_score", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def test_a_table_of_a_hash_key_alone_has_nothing_else():
    payload = declare("photo", None).encode()
    check_contract(payload)
    assert payload == {
        "TableName": "GameScore",
        "AttributeDefinitions": [{"AttributeName": "photo", "AttributeType": "B"}],
        "KeySchema": [{"AttributeName": "photo", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


def test_an_index_takes_several_attributes_as_one_key_in_their_order():
    index = GlobalIndex(
        "several",
        hash_key=["wins", "userid"],
        range_key=("top_score", "title", "f0", "f1"),
    )
    payload = declare("userid", None, index).encode()
    check_contract(payload)
    keys = payload["GlobalSecondaryIndexes"][0]["KeySchema"]
    assert [(key["KeyType"], key["AttributeName"]) for key in keys] == [
        ("HASH", "wins"),
        ("HASH", "userid"),
        ("RANGE", "top_score"),
        ("RANGE", "t"),
        ("RANGE", "f0"),
        ("RANGE", "f1"),
    ]


def test_an_index_is_named_by_its_attribute_unless_it_has_a_name():
    class Model:
        by_title = GlobalIndex(hash_key="title")
        by_wins = LocalIndex("Wins", range_key="wins")

    assert [Model.by_title.name, Model.by_wins.name] == ["by_title", "Wins"]


@pytest.mark.parametrize(
    ("projection", "spelled"),
    [
        ("all", {"ProjectionType": "ALL"}),
        ("ALL", {"ProjectionType": "ALL"}),
        ("keys", {"ProjectionType": "KEYS_ONLY"}),
        ("KEYS_ONLY", {"ProjectionType": "KEYS_ONLY"}),
        ([], {"ProjectionType": "KEYS_ONLY"}),
        (["wins"], {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["wins"]}),
        # Keys are in every index, and each attribute only once.
        (
            ("wins", "doc", "wins"),
            {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["doc", "wins"]},
        ),
        (["userid", "title", "wins"], {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["wins"]}),
        (["userid", "top_score"], {"ProjectionType": "KEYS_ONLY"}),
    ],
)
def test_a_projection_is_spelled_without_the_keys(projection, spelled):
    schema = declare(
        "userid", "title", GlobalIndex("i-1", hash_key="top_score", projection=projection)
    )
    check_contract(schema.encode())
    assert schema.encode()["GlobalSecondaryIndexes"][0]["Projection"] == spelled


def test_capacities_make_a_table_provisioned_and_an_index_without_its_own_gets_the_tables():
    schema = declare(
        "userid",
        "title",
        GlobalIndex("none", hash_key="wins"),
        GlobalIndex("read", hash_key="wins", read_capacity=7),
        GlobalIndex("both", hash_key="wins", read_capacity=7, write_capacity=8),
        LocalIndex("local", range_key="wins"),
        read_capacity=100,
        write_capacity=120,
    )
    payload = schema.encode()
    check_contract(payload)
    assert payload["BillingMode"] == "PROVISIONED"
    assert payload["ProvisionedThroughput"] == {"ReadCapacityUnits": 100, "WriteCapacityUnits": 120}
    assert {
        index["IndexName"]: tuple(index["ProvisionedThroughput"].values())
        for index in payload["GlobalSecondaryIndexes"]
    } == {"none": (100, 120), "read": (7, 120), "both": (7, 8)}
    assert "ProvisionedThroughput" not in payload["LocalSecondaryIndexes"][0]
    assert [schema.index_throughput(index) for index in schema.local_indexes] == [None]


@pytest.mark.parametrize(
    ("declared", "changes", "expected"),
    [
        ({}, {}, ("PAY_PER_REQUEST", None)),
        ({}, {"read_capacity": 1, "write_capacity": 2}, ("PROVISIONED", Throughput(1, 2))),
        (
            {"read_capacity": 5, "write_capacity": 6},
            {"write_capacity": 9},
            ("PROVISIONED", Throughput(5, 9)),
        ),
        (
            {"read_capacity": 5, "write_capacity": 6},
            {"billing_mode": "PAY_PER_REQUEST"},
            ("PAY_PER_REQUEST", None),
        ),
        (
            {"read_capacity": 5, "write_capacity": 6},
            {"billing_mode": "PROVISIONED"},
            ("PROVISIONED", Throughput(5, 6)),
        ),
    ],
)
def test_throughput_can_be_given_in_place_of_the_declared_one(declared, changes, expected):
    schema = declare("userid", "title", **declared).with_throughput(**changes)
    assert (schema.billing_mode, schema.throughput) == expected
    check_contract(schema.encode())


def test_an_index_follows_the_table_when_other_throughput_is_given():
    index = GlobalIndex("i-1", hash_key="wins")
    schema = declare("userid", None, index, read_capacity=5, write_capacity=6)
    assert schema.with_throughput(read_capacity=50).index_throughput(
        schema.indexes[0]
    ) == Throughput(50, 6)
    on_demand = schema.with_throughput("PAY_PER_REQUEST")
    assert on_demand.index_throughput(on_demand.indexes[0]) is None


BAD_THROUGHPUT = [
    (
        {"billing_mode": "PAY_PER_REQUEST", "read_capacity": 1},
        'billing_mode "PAY_PER_REQUEST" has no read_capacity and write_capacity: '
        'leave them out, or use "PROVISIONED"',
    ),
    ({"read_capacity": 1}, "a provisioned table needs both read_capacity and write_capacity"),
    ({"write_capacity": 1}, "a provisioned table needs both read_capacity and write_capacity"),
    ({"billing_mode": "PROVISIONED"}, "a provisioned table needs both read_capacity and"),
    ({"billing_mode": "ON_DEMAND"}, 'is "PAY_PER_REQUEST" or "PROVISIONED", not \'ON_DEMAND\''),
    ({"read_capacity": 0, "write_capacity": 1}, "whole numbers of 1 and more, not 0"),
    ({"read_capacity": 1, "write_capacity": True}, "whole numbers of 1 and more, not True"),
    ({"read_capacity": 1, "write_capacity": 1.5}, "whole numbers of 1 and more, not 1.5"),
    ({"read_capacity": "1", "write_capacity": 1}, "whole numbers of 1 and more, not '1'"),
]


@pytest.mark.parametrize(("options", "message"), BAD_THROUGHPUT)
def test_throughput_that_cannot_be_is_refused_when_declared_and_when_given(options, message):
    with pytest.raises(ModelDefinitionError) as declared:
        declare("userid", "title", **options)
    with pytest.raises(ValidationError) as given:
        declare("userid", "title").with_throughput(**options)
    assert message in str(declared.value)
    assert message in str(given.value)


def many(kind, number, **options):
    return [kind(f"index{each}", **options) for each in range(number)]


BAD_TABLES = [
    (("nope", None), "hash_key: there is no field 'nope'"),
    (("tags", None), "hash_key: 'tags' is stored as SS, and a key is text, a number or bytes"),
    (("userid", "doc"), "range_key: 'doc' is stored as M, and a key is"),
    (("userid", "userid"), "hash_key and range_key are both the attribute 'userid'"),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="nope")),
        "index 'by_x': hash_key: there is no field 'nope'",
    ),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="wins", range_key="tags")),
        "index 'by_x': range_key: 'tags' is stored as SS, and a key is",
    ),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="wins", projection=["nope"])),
        "index 'by_x': projection: there is no field 'nope'",
    ),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="wins", range_key=["title", "wins"])),
        "index 'by_x': 'wins' is in its key 2 times: name each field once",
    ),
    (
        ("userid", None, LocalIndex("by_x", range_key="wins")),
        "index 'by_x': a local index needs a table with a range key: give the model one, "
        "or declare a GlobalIndex",
    ),
    (
        ("userid", "title", LocalIndex("by_x", range_key="title")),
        "index 'by_x': its range_key 't' is the table's own range key: choose another field",
    ),
    (
        ("userid", "title", LocalIndex("by_x", range_key="userid")),
        "index 'by_x': its range_key 'userid' is the table's own hash key",
    ),
    (
        (
            "userid",
            "title",
            GlobalIndex("same", hash_key="wins"),
            LocalIndex("same", range_key="wins"),
        ),
        "index 'same': 2 indexes have this name: give each one of its own",
    ),
    (("userid", None, GlobalIndex(hash_key="wins")), "an index has no name: give it one as the"),
    (
        ("userid", None, GlobalIndex("by", hash_key="wins")),
        "index 'by': a name has 3 to 255 characters out of a-z, A-Z, 0-9, _, . and -; give it",
    ),
    (
        ("userid", None, GlobalIndex("nach_größe", hash_key="wins")),
        "index 'nach_größe': a name has",
    ),
    (
        ("userid", None, *many(GlobalIndex, 21, hash_key="wins")),
        "21 global indexes, and a table has at most 20: remove some",
    ),
    (
        ("userid", "title", *many(LocalIndex, 6, range_key="wins")),
        "6 local indexes, and a table has at most 5: remove some",
    ),
    (
        (
            "userid",
            "title",
            GlobalIndex("a_b", hash_key="wins", projection=[f"f{n}" for n in range(60)]),
            LocalIndex("c_d", range_key="wins", projection=[f"f{n}" for n in range(41)]),
        ),
        '101 projected fields over all indexes, and a table has at most 100: use projection="all"',
    ),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="wins", read_capacity=1)),
        "index 'by_x': it has capacities, but the table is billed on demand: declare read_capacity "
        "and write_capacity of the table too",
    ),
    (
        ("userid", None, GlobalIndex("by_x", hash_key="other_userid")),
        "the attribute 'userid' is a key of type S and of type N: two fields have this name=",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_TABLES, ids=lambda value: str(value)[:60])
def test_what_dynamodb_would_refuse_is_refused_with_the_mend(arguments, message):
    with pytest.raises(ModelDefinitionError) as refused:
        declare(*arguments)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("number", "index"),
    [
        (20, {"kind": GlobalIndex, "hash_key": "wins"}),
        (5, {"kind": LocalIndex, "range_key": "wins"}),
    ],
)
def test_as_many_indexes_as_dynamodb_allows_are_accepted(number, index):
    schema = declare("userid", "title", *many(number=number, **index))
    assert len(schema.indexes) == number


def test_a_hundred_projected_fields_are_accepted():
    names = [f"f{number}" for number in range(100)]
    schema = declare("userid", "title", GlobalIndex("i-1", hash_key="wins", projection=names))
    assert len(schema.indexes[0].projection.names) == 100


def test_the_name_of_a_key_is_at_most_255_bytes():
    fields = {"fits": ("é" * 127 + "a", "S"), "long": ("é" * 128, "S")}
    declare_table("tab", "fits", lookup=fields.__getitem__)
    with pytest.raises(ModelDefinitionError, match="at most 255 bytes: give the field a shorter"):
        declare_table("tab", "long", lookup=fields.__getitem__)


BAD_INDEXES: list[tuple[type[Any], dict[str, Any], str]] = [
    (GlobalIndex, {"hash_key": 7}, "a GlobalIndex without a name: hash_key is the name of a field"),
    (
        GlobalIndex,
        {"name": "by_x", "hash_key": ""},
        "index 'by_x': hash_key is the name of a field",
    ),
    (GlobalIndex, {"hash_key": None}, "a GlobalIndex without a name: hash_key is needed"),
    (GlobalIndex, {"hash_key": []}, "or a list of one to 4 of them, not []"),
    (GlobalIndex, {"hash_key": list("abcde")}, "or a list of one to 4 of them, not ['a', "),
    (GlobalIndex, {"hash_key": ["wins", 3]}, "or a list of one to 4 of them, not ['wins', 3]"),
    (GlobalIndex, {"hash_key": "wins", "range_key": {}}, "range_key is the name of a field, or a"),
    (
        GlobalIndex,
        {"hash_key": "wins", "projection": "title"},
        'is "all", "keys" or a list of field',
    ),
    (GlobalIndex, {"hash_key": "wins", "projection": None}, "a list of field names, not None"),
    (GlobalIndex, {"hash_key": "wins", "projection": ["a", 1]}, "names, not ['a', 1]"),
    (LocalIndex, {"range_key": None}, "a LocalIndex without a name: range_key is needed"),
    (LocalIndex, {"range_key": ["wins", "title"]}, "range_key is the name of a field, not ['wins'"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), BAD_INDEXES)
def test_an_index_that_cannot_be_is_refused_where_it_is_written(kind, arguments, message):
    with pytest.raises(ModelDefinitionError) as refused:
        kind(**arguments)
    assert message in str(refused.value)


@pytest.mark.parametrize("capacity", [0, -1, True, 1.0, "5"])
def test_the_capacity_of_an_index_is_a_whole_number_of_one_and_more(capacity):
    index = GlobalIndex("by_x", hash_key="wins", write_capacity=capacity)
    with pytest.raises(ModelDefinitionError, match="index 'by_x': capacities are whole numbers"):
        declare("userid", None, index, read_capacity=1, write_capacity=1)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("abc", True),
        ("a" * 255, True),
        ("A_b.c-9", True),
        ("ab", False),
        ("a" * 256, False),
        ("a b", False),
        ("tablé", False),
        ("", False),
        ("a/b/c", False),
    ],
)
def test_names_are_those_that_dynamodb_takes(name, good):
    assert (find_name_problem(name) is None) is good


def live(schema: TableSchema) -> dict[str, Any]:
    """Describe a table of *schema* as DescribeTable does."""
    described = copy.deepcopy(schema.encode())
    described["BillingModeSummary"] = {"BillingMode": described.pop("BillingMode")}
    nothing = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    described.setdefault("ProvisionedThroughput", nothing)
    for index in described.get("GlobalSecondaryIndexes", ()):
        index.setdefault("ProvisionedThroughput", nothing)
    return {**described, "TableStatus": "ACTIVE", "ItemCount": 3}


EVERYTHING = [
    declare("userid", None),
    declare("userid", "top_score", read_capacity=1, write_capacity=2),
    declare(
        "userid",
        "title",
        GlobalIndex("both", hash_key=["wins", "top_score"], range_key=["photo", "f0"]),
        GlobalIndex("some", hash_key="wins", projection=["tags", "doc"]),
        LocalIndex("local", range_key="wins", projection="keys"),
    ),
    declare(
        "userid",
        "title",
        GlobalIndex("g-1", hash_key="wins", read_capacity=3, write_capacity=4),
        read_capacity=1,
        write_capacity=2,
    ),
]


@pytest.mark.parametrize("schema", EVERYTHING)
def test_a_live_table_parses_to_the_schema_that_it_was_made_of(schema):
    found = TableSchema.parse(live(schema))
    assert not schema.differences(found)
    assert not found.differences(schema)
    assert (found.billing_mode, found.throughput) == (schema.billing_mode, schema.throughput)
    assert sorted(found.indexes, key=str) == sorted(schema.indexes, key=str)
    assert found.encode() == schema.encode()


@pytest.mark.parametrize(
    ("change", "mode", "throughput"),
    [
        ({"BillingModeSummary": None, "ProvisionedThroughput": None}, "PAY_PER_REQUEST", None),
        (
            # A table that was always provisioned has no BillingModeSummary.
            {
                "BillingModeSummary": None,
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
            },
            "PROVISIONED",
            Throughput(5, 6),
        ),
        (
            # moto keeps the capacities of a table that has become billed on demand.
            {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}},
            "PAY_PER_REQUEST",
            None,
        ),
    ],
)
def test_billing_is_read_however_it_is_told(change, mode, throughput):
    found = TableSchema.parse({**live(declare("userid", None)), **change})
    assert (found.billing_mode, found.throughput) == (mode, throughput)


def test_a_description_without_keys_is_refused():
    with pytest.raises(ValidationError, match=r"table T \(DELETING\) has no keys"):
        TableSchema.parse({"TableName": "T", "TableStatus": "DELETING"})


@pytest.mark.parametrize(
    ("model", "table", "said"),
    [
        (
            ("userid", "title"),
            ("userid", "top_score"),
            [
                "keys: the model has hash key userid (S), range key t (S); "
                "the table has hash key userid (S), range key top_score (N)"
            ],
        ),
        (
            ("userid", None),
            ("other_userid", None),
            ["keys: the model has hash key userid (S); the table has hash key userid (N)"],
        ),
        (
            ("userid", None, GlobalIndex("new", hash_key="wins")),
            ("userid", None, GlobalIndex("old", hash_key="wins", projection="keys")),
            [
                "index new: the table does not have it (global, hash key wins (N), holding all)",
                "index old: the model does not declare it "
                "(global, hash key wins (N), holding keys_only)",
            ],
        ),
        (
            ("userid", "title", LocalIndex("idx", range_key="wins", projection=["doc", "tags"])),
            ("userid", "title", GlobalIndex("idx", hash_key="userid", range_key="wins")),
            [
                "index idx: the model has local, hash key userid (S), range key wins (N), "
                "holding doc, tags; the table has global, hash key userid (S), "
                "range key wins (N), holding all"
            ],
        ),
        (
            ("userid", None, GlobalIndex("idx", hash_key=["wins", "title"])),
            ("userid", None, GlobalIndex("idx", hash_key=["title", "wins"])),
            [
                "index idx: the model has global, hash key wins (N) + t (S), holding all; "
                "the table has global, hash key t (S) + wins (N), holding all"
            ],
        ),
        (
            # The order in which an index lists what it holds says nothing.
            ("userid", None, GlobalIndex("idx", hash_key="wins", projection=["doc", "tags"])),
            ("userid", None, GlobalIndex("idx", hash_key="wins", projection=["tags", "doc"])),
            [],
        ),
    ],
)
def test_differences_say_what_the_model_and_what_the_table_has(model, table, said):
    assert declare(*model).differences(declare(*table)) == said


def test_throughput_is_no_difference_of_keys_and_indexes():
    index = GlobalIndex("idx", hash_key="wins")
    provisioned = declare("userid", None, index, read_capacity=1, write_capacity=2)
    assert not declare("userid", None, index).differences(provisioned)


def test_a_schema_is_a_value():
    schema = EVERYTHING[2]
    assert pickle.loads(pickle.dumps(schema)) == schema
    assert copy.deepcopy(schema) == schema
    assert len({schema, copy.deepcopy(schema)}) == 1
    with pytest.raises(AttributeError):
        schema.name = "other"


def test_a_schema_put_together_by_hand_is_completed():
    schema = TableSchema(
        "tab",
        KeyAttribute("a", "S"),
        KeyAttribute("b", "N"),
        indexes=(
            IndexSchema(
                "local",
                "local",
                range_key=(KeyAttribute("c", "S"),),
                projection=Projection("INCLUDE", ("z", "a", "y")),
            ),
        ),
    )
    assert schema.indexes[0].hash_key == (KeyAttribute("a", "S"),)
    assert schema.indexes[0].projection == Projection("INCLUDE", ("y", "z"))
    check_contract(schema.encode())
    msgspec.json.encode(schema.encode())
