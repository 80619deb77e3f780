"""The planner's choices, as a table; and that each request is one that DynamoDB takes."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.exceptions import QueryError, ScanRequired, ValidationError
from dynamodb_py.expressions import Condition, F, Path
from dynamodb_py.planning import Plan, Planner

from .tables import CONDITIONS, SCHEMA, SINGLE, TEXTS, asking, subject

MODEL = botocore.session.get_session().get_service_model("dynamodb")
USER, TITLE, SCORE, WINS = F("user"), F("title"), F("score"), F("wins")
ONE = USER == "a"


def planned(question, schema=SCHEMA, **options) -> Plan:
    return Planner(subject(schema, **options)).explain("real-scores", question)


def check_payloads(plan: Plan) -> None:
    for operation in plan.operations:
        shape = MODEL.operation_model(operation.api).input_shape
        report = ParamValidator().validate(operation.payload(), shape)
        assert not report.has_errors(), report.generate_report()


def keys_said(plan: Plan) -> list[str]:
    """Return the key conditions of the requests with names and values in them."""
    found = []
    for lane in plan.lanes:
        for request in lane.requests:
            text = request.expressions.keys
            for placeholder, name in request.expressions.names.items():
                text = text.replace(placeholder, name)
            for placeholder, wire in request.expressions.values.items():
                text = text.replace(placeholder, next(iter(wire.values())))
            found.append(text[1:-1] if text.startswith("(") else text)
    return found


SERVED = [
    # what is asked, how it is answered, from which index, and the key conditions
    (asking(ONE), "query", None, ["user = a"]),
    (asking(ONE & (TITLE == "b")), "get", None, []),
    (asking(ONE & (TITLE == "b") & (WINS > 1)), "query", None, ["user = a AND title = b"]),
    (asking(ONE & TITLE.is_in("b", "c")), "batch_get", None, []),
    (asking(USER.is_in("a", "b") & (TITLE == "b")), "batch_get", None, []),
    (asking(USER.is_in("a", "b")), "query", None, ["user = a", "user = b"]),
    (asking(ONE & (TITLE > "b")), "query", None, ["user = a AND title > b"]),
    (asking(ONE & TITLE.begins_with("b")), "query", None, ["user = a AND begins_with(title, b)"]),
    (
        asking(ONE & (TITLE >= "b") & (TITLE < "d")),
        "query",
        None,
        ["user = a AND title BETWEEN b AND d"],
    ),
    (
        asking(ONE & TITLE.begins_with("b") & (TITLE > "bc")),
        "query",
        None,
        ["user = a AND title BETWEEN bc AND c"],
    ),
    (asking(ONE & (TITLE > "b") & (TITLE > "c")), "query", None, ["user = a AND title > c"]),
    (
        asking(ONE & (TITLE != "b")),
        "query",
        None,
        ["user = a AND title < b", "user = a AND title > b"],
    ),
    (
        asking(ONE & ((TITLE < "b") | (TITLE > "d"))),
        "query",
        None,
        ["user = a AND title < b", "user = a AND title > d"],
    ),
    (
        asking((ONE & (TITLE > "b")) | (USER == "b")),
        "query",
        None,
        ["user = a AND title > b", "user = b"],
    ),
    (asking(ONE & ~((TITLE < "b") | (WINS == 1))), "query", None, ["user = a AND title >= b"]),
    (asking(ONE & (SCORE == 5)), "query", "by_score", ["user = a AND score = 5"]),
    (asking(ONE & (SCORE > 5), "-score"), "query", "by_score", ["user = a AND score > 5"]),
    (asking(ONE, "score"), "query", "by_score", ["user = a"]),
    (asking(ONE, "-title"), "query", None, ["user = a"]),
    (asking(ONE & (TITLE == "b"), "wins"), "get", None, []),
    (asking(TITLE == "b", index="titles"), "query", "titles", ["title = b"]),
    (asking(TITLE == "b", "-score"), "query", "titles", ["title = b"]),
    (asking((TITLE == "b") & (SCORE > 1)), "query", "titles", ["title = b AND score > 1"]),
    (asking((TITLE == "b") & (SCORE > 1) & ONE), "query", None, ["user = a AND title = b"]),
    (asking(WINS == 3), "query", "plain", ["wins = 3"]),
    (asking((WINS == 3) & (TITLE == "b")), "query", "plain", ["wins = 3"]),
    (
        asking((TITLE == "b") & (WINS > 1), index="wins"),
        "query",
        "wins",
        ["title = b AND wins > 1"],
    ),
    (
        asking((TITLE == "b") & (WINS > 1), wanted=(Path(("wins",)),)),
        "query",
        "wins",
        ["title = b AND wins > 1"],
    ),
    (
        asking((TITLE == "b") & (WINS > 1), counting=True),
        "query",
        "wins",
        ["title = b AND wins > 1"],
    ),
    (asking((TITLE == "b") & (WINS > 1), full=True), "query", "wins", ["title = b AND wins > 1"]),
    (
        asking((F("tenant") == "t") & (F("region") == "r"), "round", index="rounds"),
        "query",
        "rounds",
        ["tenant = t AND region = r"],
    ),
    (asking(), "scan", None, [""]),
    (asking(WINS == 9, scan=True), "scan", None, [""]),
    (asking(ONE, scan=True, segments=2), "scan", None, ["", ""]),
    (asking(index="by_score"), "scan", "by_score", [""]),
    (asking(ONE & (USER == "b")), "nothing", None, []),
    (asking(ONE & (TITLE > "c") & (TITLE < "b")), "nothing", None, []),
    (asking(ONE & WINS.is_in([])), "nothing", None, []),
    (asking(ONE, limit=0), "nothing", None, []),
    (asking(ONE & TITLE.not_exists()), "nothing", None, []),
]


@pytest.mark.parametrize(("question", "kind", "index", "keys"), SERVED)
def test_each_question_goes_where_it_costs_least(question, kind, index, keys):
    plan = planned(question)
    assert (plan.kind, plan.index, keys_said(plan)) == (kind, index, keys)
    check_payloads(plan)
    assert str(plan)


REFUSED = [
    (asking(F("tenant") == "x"), ScanRequired, 'declare GlobalIndex(hash_key="tenant")'),
    (
        asking((F("tenant") == "x") & (F("round") > 1)),
        ScanRequired,
        'declare GlobalIndex(hash_key="tenant", range_key="round")',
    ),
    (asking(TITLE > "a"), ScanRequired, "the table: its hash key, user, is not fixed"),
    (asking(~ONE), ScanRequired, "use .scan() to read all and pay for it"),
    (asking(ONE | (WINS == 3)), ScanRequired, "filter by user=..."),
    (asking(ONE, "wins"), QueryError, 'GlobalIndex(hash_key="user", range_key="wins")'),
    (asking(ONE, "title", "-score"), QueryError, "its items are in order of title"),
    (
        asking(ONE & TITLE.contains("x")),
        QueryError,
        "contains(title, 'x') cannot be a key condition",
    ),
    (
        asking(TITLE == "b", consistent=True),
        QueryError,
        "a global index cannot be read consistently",
    ),
    (
        asking(TITLE == "b", consistent=True, index="titles"),
        QueryError,
        "cannot be read consistently",
    ),
    (asking(ONE, index="nowhere"), QueryError, "has no index 'nowhere': its indexes are by_score"),
    (asking(ONE, index="titles"), QueryError, "its hash key, title, is not fixed"),
    (
        asking(TITLE == "b"),
        QueryError,
        "items that have no score are not in it: filter by score too",
    ),
    (asking((TITLE == "b") & (WINS > 1)), QueryError, 'choose the index with .index("titles")'),
    (asking(TITLE == "b", "wins"), QueryError, "query for more and filter in Python"),
    (
        asking((TITLE == "b") & (F("tenant") == "t"), index="wins"),
        QueryError,
        "it does not hold tenant",
    ),
    (
        asking(TITLE == "b", index="wins", wanted=(Path(("score",)),)),
        QueryError,
        ".full() reads whole items",
    ),
    (asking(None, "title", scan=True), QueryError, "a scan has no order"),
    (asking(None, scan=True, backward=True), QueryError, "a scan has no order"),
    (asking(scan=True, index="titles", consistent=True), QueryError, "drop consistent()"),
    (asking(F("tenant") == "t", scan=True, index="wins"), QueryError, "does not hold"),
]


@pytest.mark.parametrize(("question", "kind", "words"), REFUSED)
def test_what_cannot_be_asked_is_refused_and_told_why(question, kind, words):
    with pytest.raises(kind) as raised:
        planned(question)
    assert words in str(raised.value)
    assert isinstance(raised.value, ScanRequired) == (kind is ScanRequired)


@pytest.mark.parametrize("condition", [USER == "", ONE & (TITLE == ""), (TITLE == "") & ONE])
def test_a_key_equal_to_the_empty_text_is_refused(condition):
    with pytest.raises(ValidationError, match="a key is not empty"):
        planned(asking(condition))


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        (TITLE > "", None),
        (TITLE >= "", None),
        (TITLE != "", None),
        (~(TITLE == ""), None),
        (~(TITLE < ""), None),
        (~TITLE.is_in(""), None),
        (TITLE.begins_with(""), None),
        (TITLE.contains(""), None),
        (TITLE.between("", "b"), TITLE <= "b"),
        (TITLE.is_in("", "a"), TITLE == "a"),
        (TITLE.is_in("", "a", "b"), TITLE.is_in("a", "b")),
        ((TITLE > "") & (TITLE < "b"), TITLE < "b"),
        ((TITLE == "a") | (TITLE > ""), None),
        (TITLE < "", "nothing"),
        (TITLE <= "", "nothing"),
        (TITLE.is_in(""), "nothing"),
        (TITLE.between("", ""), "nothing"),
        (~TITLE.begins_with(""), "nothing"),
        (~(TITLE > ""), "nothing"),
        (~(TITLE != ""), "nothing"),
    ],
)
def test_the_empty_text_is_below_every_key(condition, same):
    planner = Planner(subject())
    for other in ("x", "y"):  # a cached plan of this shape is none of the empty text
        planner.plan("scores", asking(ONE & TITLE.gt(other)))
        planner.plan("scores", asking(ONE & TITLE.begins_with(other)))
    plan = planner.plan("scores", asking(ONE & condition))
    if same == "nothing":
        assert plan.kind == "nothing"
        return
    wanted = planner.plan("scores", asking(ONE if same is None else ONE & same))
    assert (plan.kind, plan.lanes, plan.get, plan.keys) == (
        wanted.kind,
        wanted.lanes,
        wanted.get,
        wanted.keys,
    )


def test_a_scan_is_allowed_for_a_model_that_says_so():
    plan = planned(asking(F("tenant") == "x"), allow_scan=True)
    assert (plan.kind, plan.explanation.reason) == ("scan", "Meta.allow_scan allows it")
    assert planned(asking(ONE), allow_scan=True).kind == "query"


def test_items_without_a_key_of_the_index_are_told_of():
    note = ("items that have no score are not in this index",)
    assert planned(asking(TITLE == "b", index="titles")).explanation.notes == note
    assert planned(asking(TITLE == "b", "-score")).explanation.notes == note
    assert planned(asking((TITLE == "b") & (SCORE > 0))).explanation.notes == ()
    assert planned(asking(ONE)).explanation.notes == ()


def test_an_index_may_be_chosen_where_every_item_is_in_it():
    question = asking(TITLE == "b")
    plan = planned(question, always=frozenset({"score"}))
    assert (plan.index, plan.explanation.notes) == (
        "titles",
        ("items that have no score are not in this index",),
    )


@pytest.mark.parametrize(
    ("condition", "kind"), [(TITLE == "b", QueryError), ((TITLE == "b") & (WINS > 1), QueryError)]
)
def test_a_refusal_ends_with_both_cures_of_a_sparse_index(condition, kind):
    with pytest.raises(kind) as raised:
        planned(asking(condition))
    assert str(raised.value).endswith(
        "; if every item has score, declare score with required=True, or index titles with complete=True"
    )


def test_an_index_that_is_declared_complete_serves():
    plan = planned(asking(TITLE == "b"), complete=frozenset({"titles"}))
    assert plan.index == "titles"


def test_a_second_range_attribute_that_has_to_exist_is_no_range_condition():
    where = (F("tenant") == "t") & (F("region") == "eu") & F("round").exists()
    plan = planned(asking(where & SCORE.exists(), wanted=(Path(("wins",)),)))
    assert (plan.index, plan.explanation.notes) == ("rounds", ())


def test_the_other_ways_are_told_with_the_reason():
    explanation = planned(asking(ONE & (SCORE > 1))).explanation
    assert explanation.reason == "user is fixed, score is bounded"
    assert {each.index: each.why for each in explanation.others} == {
        None: "it would read more items",
        "titles": "its hash key, title, is not fixed",
        "wins": "its hash key, title, is not fixed",
        "plain": "its hash key, wins, is not fixed",
        "rounds": "a part of its hash key, tenant, is not fixed",
    }


@pytest.mark.parametrize(
    ("question", "suggestion"),
    [
        (asking(ONE & (WINS == 3)), 'GlobalIndex(hash_key="user", range_key="wins")'),
        (asking(ONE & (WINS > 3)), 'GlobalIndex(hash_key="user", range_key="wins")'),
        (asking(ONE), ""),
        (asking(ONE & WINS.exists()), ""),
        (asking(ONE & (TITLE == "a") & (WINS == 3)), ""),
    ],
)
def test_an_index_that_would_help_is_named(question, suggestion):
    assert planned(question).explanation.suggestion == suggestion


@pytest.mark.parametrize(
    ("question", "limit"),
    [
        (asking(ONE), None),
        (asking(ONE, limit=5), 5),
        (asking(ONE, limit=5, page_size=2), 2),
        (asking(ONE & (WINS == 1), limit=5), None),
        (asking(ONE & (WINS == 1), page_size=7), 7),
        (asking(ONE & (TITLE > "a") & (TITLE < "c"), limit=5), 7),
        (asking(limit=3), 3),
    ],
)
def test_a_request_reads_no_more_than_the_limit_needs(question, limit):
    assert planned(question).operations[0].payload().get("Limit") == limit


def test_keys_are_read_in_the_order_of_the_results():
    question = asking(USER.is_in("b", "a") & TITLE.is_in("y", "x", "x"))
    pairs = [(key["user"]["S"], key["title"]["S"]) for key in planned(question).keys]
    assert pairs == [("b", "x"), ("a", "x"), ("b", "y"), ("a", "y")]
    back = planned(asking(question.condition, "-title"))
    assert [key["title"]["S"] for key in back.keys] == ["y", "y", "x", "x"]
    single = planned(asking(USER.is_in("c", "a", "b")), SINGLE)
    assert [key["user"]["S"] for key in single.keys] == ["c", "a", "b"]
    backward = planned(asking(USER.is_in("c", "a"), backward=True), SINGLE)
    assert [key["user"]["S"] for key in backward.keys] == ["a", "c"]


def test_a_hundred_keys_go_into_a_request():
    plan = planned(asking(USER.is_in([f"u{n}" for n in range(250)])), SINGLE)
    assert [len(each.keys["real-scores"]) for each in plan.operations] == [100, 100, 50]


MANY = [f"u{n}" for n in range(2_500)]

THOUSANDS = [
    # the question, the kind of its plan, how many requests, how many lanes
    (asking(USER.is_in(MANY)), SINGLE, "batch_get", 25, 0),
    (asking(USER.is_in(MANY), backward=True, limit=3), SINGLE, "batch_get", 25, 0),
    (asking(USER.is_in(MANY) & (WINS > 1)), SINGLE, "query", 2_500, 8),
    (asking(USER.is_in(MANY) & (TITLE == "b")), SCHEMA, "batch_get", 25, 0),
    (asking(USER.is_in(MANY) & TITLE.is_in("a", "b"), "-title"), SCHEMA, "batch_get", 50, 0),
    (asking(USER.is_in(MANY)), SCHEMA, "query", 2_500, 8),
    (asking(USER.is_in(MANY) & (TITLE > "b") & (WINS > 1)), SCHEMA, "query", 2_500, 8),
    (asking(USER.is_in(MANY) & ((TITLE < "b") | (TITLE > "c"))), SCHEMA, "query", 5_000, 8),
    (asking(USER.is_in(MANY), "title", counting=True), SCHEMA, "query", 2_500, 8),
    (asking(TITLE.is_in(MANY), index="titles"), SCHEMA, "query", 2_500, 8),
    (asking(USER.is_in(MANY) & USER.is_in(MANY[1_500:])), SCHEMA, "query", 1_000, 1_000),
    (asking(ONE & TITLE.is_in(MANY) & (WINS > 1), "title"), SCHEMA, "query", 2_500, 1),
]


@pytest.mark.parametrize(("question", "schema", "kind", "requests", "lanes"), THOUSANDS)
def test_any_number_of_keys_is_read(question, schema, kind, requests, lanes):
    plan = planned(question, schema)
    assert (plan.kind, len(plan.operations), len(plan.lanes)) == (kind, requests, lanes)
    assert f"{requests} requests" in str(plan).splitlines()[0]
    if lanes == 8 and schema is SCHEMA and not question.counting:
        assert not plan.order
        assert "no order" in plan.explanation.notes[-1]


MERGED_NO_MORE = [
    (asking(USER.is_in(MANY), "title"), "leave out order_by(), reverse() and last()"),
    (asking(USER.is_in(MANY), backward=True), "leave out order_by(), reverse() and last()"),
    (
        asking(USER.is_in(MANY) & ((TITLE < "c") & (WINS > 1) | (TITLE > "b"))),
        "5000 queries that may find the same items",
    ),
    (
        asking(USER.is_in(MANY) & TITLE.is_in(MANY)),
        "more than 100000 keys or requests",
    ),
]


@pytest.mark.parametrize(("question", "words"), MERGED_NO_MORE)
def test_no_more_than_a_thousand_queries_are_merged(question, words):
    with pytest.raises(QueryError) as raised:
        planned(question)
    assert words in str(raised.value)


def test_filters_of_one_place_are_one_request():
    plan = planned(asking((ONE & (WINS == 1)) | (ONE & (WINS == 3))))
    assert keys_said(plan) == ["user = a"]
    assert not plan.distinct
    assert " OR " in plan.operations[0].expressions.filter


def test_an_item_that_can_come_twice_is_marked():
    plan = planned(asking((ONE & (WINS == 1)) | (ONE & (TITLE > "b"))))
    assert plan.distinct
    assert len(plan.lanes) == 2


def test_projections_take_the_keys_along():
    plan = planned(asking(ONE, wanted=(Path(("doc", "a")), Path(("title",)))))
    said = plan.operations[0].expressions
    assert sorted(said.names.values()) == ["a", "doc", "title", "user"]
    assert plan.held == {"doc", "title", "user"}


def test_counting_reads_no_items_but_where_they_must_be_told_apart():
    assert planned(asking(ONE, counting=True)).operations[0].payload()["Select"] == "COUNT"
    trimmed = planned(asking(ONE & (TITLE > "a") & (TITLE < "c"), counting=True)).operations[0]
    assert "Select" not in trimmed.payload()
    assert set(trimmed.expressions.names.values()) == {"user", "title"}


def test_a_limit_does_not_change_the_lanes_that_a_cursor_tells_of():
    for condition in (WINS.is_in(1, 2, 3), USER.is_in("a", "b"), ONE & (TITLE != "b")):
        plain, limited = planned(asking(condition)), planned(asking(condition, limit=2))
        assert [len(lane.requests) for lane in plain.lanes] == [
            len(lane.requests) for lane in limited.lanes
        ]


QUESTIONS = st.builds(
    lambda condition, users, order, limit, backward: asking(
        condition & F("user").is_in(users), *order, limit=limit, backward=backward
    ),
    CONDITIONS,
    st.lists(TEXTS, min_size=1, max_size=2),
    st.sampled_from([(), ("title",), ("-title",), ("score",), ("-score",)]),
    st.none() | st.integers(0, 3),
    st.booleans(),
)


@pytest.mark.parametrize("count", [2, 300])
def test_queries_that_differ_in_the_hash_key_are_rendered_once(count, monkeypatch):
    rendered = []
    render = Condition.render
    monkeypatch.setattr(
        Condition, "render", lambda self, names: rendered.append(self) or render(self, names)
    )
    users = [f"user {at}" for at in range(count)]
    plan = planned(asking(F("user").is_in(users) & (TITLE > "b") & (WINS > 3)))
    assert len(plan.lanes) == count
    assert len(rendered) == 2  # the key condition, and the filter


class Rendering(Planner):
    """A planner that renders each request by itself."""

    def _make_lane(self, table, question, fit, stretches, known, **how):
        return super()._make_lane(table, question, fit, stretches, {}, **how)


@given(QUESTIONS, st.lists(TEXTS, min_size=2, unique=True))
def test_each_of_many_hash_keys_is_read_as_if_it_were_rendered_alone(question, users):
    question = replace(question, condition=question.condition & F("user").is_in(users))
    for asked in (question, replace(question, condition=F("user").is_in(users))):
        try:
            plan = planned(asked)
        except (QueryError, ValidationError):
            continue
        assert plan == Rendering(subject()).explain("real-scores", asked)


@given(QUESTIONS)
def test_every_plan_is_one_that_dynamodb_takes(question):
    planner = Planner(subject())
    try:
        plan = planner.explain("real-scores", question)
    except QueryError:
        with pytest.raises(QueryError):
            planner.plan("real-scores", question)
        return
    check_payloads(plan)
    keys = {key.name for key in plan.position}
    for operation in plan.operations:
        if operation.api == "Query":
            filtered = operation.expressions.filter
            own = {"user", "title"} if plan.index is None else {"user", "score"}
            if plan.index in (None, "by_score"):
                names = {f for f in operation.expressions.names if f in filtered}
                assert not own & {operation.expressions.names[name] for name in names}
            assert keys
    assert str(plan)
