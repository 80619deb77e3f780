"""PartiQL statements of a model without a server: what a SELECT reads, and which rows are instances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    InvalidCursor,
    LocalIndex,
    Model,
    Page,
    QueryError,
    SharedTable,
    TimestampField,
    VersionField,
    options,
    transaction,
)
from dynamodb_py.models.statements import Selected, find_selected
from dynamodb_py.operations.statements import ExecuteStatement
from dynamodb_py.reading import Position, encode
from dynamodb_py.reading.cursors import hash_statement

from ..scripted import checked


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    day = IntegerField(name="d", range_key=True)
    wins = IntegerField(default=0)
    note = CharField()
    version = VersionField()

    by_wins = GlobalIndex(hash_key="player", range_key="wins", projection="keys")
    by_note = LocalIndex(range_key="note", projection=["wins"])
    everything = GlobalIndex(hash_key="note", projection="all")


class Animal(Model):
    class Meta:
        table_name = "animals"
        discriminator = "kind"

    name = CharField(hash_key=True)
    legs = IntegerField()


class Dog(Animal):
    owner = CharField()


class Cat(Animal):
    pass


class Session(Model):
    class Meta:
        table_name = "sessions"
        hide_expired = True

    name = CharField(hash_key=True)
    until = TimestampField(ttl=True)


class App(SharedTable):
    class Meta:
        table_name = "app"
        discriminator = None

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class Shop(SharedTable):
    class Meta:
        table_name = "shop"

    pk = CharField(hash_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}", "sk": "USER"}

    name = CharField()


class Invoice(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}", "sk": "INVOICE#{number}"}

    name = CharField()
    number = CharField()


class Order(Model):
    class Meta:
        table = Shop
        keys = {"pk": "ORDER#{number}"}

    number = CharField()


class Coupon(Model):
    class Meta:
        table = Shop
        keys = {"pk": "COUPON#{code}"}

    code = CharField()


KEY = {"p": {"S": "a"}, "d": {"N": "1"}}


# -- what a SELECT reads ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "attributes", "index"),
    [
        ('SELECT * FROM "t-1"', None, None),
        ("select*from t-1", None, None),
        ('\n SELECT\n*\nFROM "t-1"\nWHERE a = 1', None, None),
        ('SELECT a FROM "t-1"', {"a"}, None),
        ('SELECT a,b , "c d" FROM "t-1" WHERE x = ?', {"a", "b", "c d"}, None),
        ('SELECT "a""b", "from" FROM t-1', {'a"b', "from"}, None),
        ('SELECT * FROM "t-1"."by_x"', None, "by_x"),
        ('SELECT a FROM "t-1" . "by x" WHERE y = 1', {"a"}, "by x"),
        ("SELECT a FROM t-1.by-x WHERE y = 1", {"a"}, "by-x"),
    ],
)
def test_a_select_of_plain_attributes_is_known(statement, attributes, index):
    names = None if attributes is None else frozenset(attributes)
    assert find_selected(ExecuteStatement(statement, table="t-1")) == Selected(names, index)


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT doc.a FROM "t-1"',
        'SELECT tags[0] FROM "t-1"',
        'SELECT a, * FROM "t-1"',
        'SELECT a AS b FROM "t-1"',
        'SELECT COUNT(*) FROM "t-1"',
        'SELECT size(a) FROM "t-1"',
        'SELECT * FROM "t-10"',
        "SELECT * FROM t-10",
        'SELECT * FROM "t-1"."a"."b"',
        'SELECT * FROM "other"',
        'UPDATE "t-1" SET a = 1',
        "",
    ],
)
def test_a_select_of_anything_else_is_not_guessed_at(statement):
    assert find_selected(ExecuteStatement(statement, table="t-1")) is None


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_quoted_names_are_read_as_they_are(names):
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    found = find_selected(ExecuteStatement(f'SELECT {columns} FROM "t"', table="t"))
    assert found == Selected(frozenset(names), None)


# -- parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("SELECT * FROM {table}", 0),
        ("SELECT * FROM {table} WHERE p = ? AND d IN [?, ?]", 3),
        ("SELECT * FROM {table} WHERE p = 'what?' AND \"why?\" = ? AND x = 'it''s ?'", 1),
        ("SELECT * FROM {table} /* where? */ WHERE p = ? -- which?", 1),
    ],
)
def test_each_question_mark_has_a_parameter(statement, count):
    assert len(Score.objects.raw(statement, *range(count)).parameters) == count
    for wrong in (count + 1, count - 1):
        if wrong >= 0:
            with pytest.raises(QueryError, match=f"has {count} question marks, and {wrong} param"):
                Score.objects.raw(statement, *range(wrong))


@pytest.mark.parametrize("statement", [None, 3, b"SELECT"])
def test_a_statement_is_a_text(statement):
    with pytest.raises(QueryError, match="is not a PartiQL statement: pass a string"):
        Score.objects.raw(statement)


# -- rows -------------------------------------------------------------------------------------------


def test_raw_sends_nothing_until_it_is_iterated_and_each_loop_sends_it_again(script, do):
    rows = Score.objects.raw("SELECT * FROM {table} WHERE p = ?", "a", consistent=True)
    assert repr(rows) == "<RawQuery of Score: SELECT * FROM {table} WHERE p = ?>"
    assert script.sent == []
    for _ in range(2):
        script.answers = [{"Items": [KEY], "NextToken": "n"}, {"Items": []}]
        assert [row.primary_key for row in do.list(rows)] == [("a", 1)]
    first = {
        "Statement": 'SELECT * FROM "scores" WHERE p = ?',
        "Parameters": [{"S": "a"}],
        "ConsistentRead": True,
    }
    assert list(map(checked, script.sent)) == [first, {**first, "NextToken": "n"}] * 2


def test_a_page_is_asked_for_when_its_rows_are_needed(script):
    rows = iter(Score.objects.raw("SELECT * FROM {table}", page_size=1))
    script.answers = [{"Items": [KEY], "NextToken": "n"}]
    assert next(rows).day == 1
    assert [each["Limit"] for each in script.payloads] == [1]


def test_a_select_of_some_attributes_gives_instances_in_part(script, do):
    rows = Score.objects.raw('SELECT p, "d", wins FROM {table}')
    script.answers = [{"Items": [{**KEY, "wins": {"N": "3"}}, KEY]}]
    first, second = do.list(rows)
    assert (type(first), first.primary_key, first.wins, first.persisted) == (
        Score, ("a", 1), 3, True,
    )  # fmt: skip
    assert second.wins == 0  # it was read, and is not there
    for name in ("note", "version"):
        with pytest.raises(FieldNotLoaded, match=f"Score.{name} was not fetched"):
            getattr(first, name)


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ('SELECT * FROM {table}."by_wins"', {"player", "day", "wins"}),
        ('SELECT * FROM {table}."by_note"', {"player", "day", "wins", "note"}),
        ('SELECT * FROM {table}."everything"', {"player", "day", "wins", "note", "version"}),
        ('SELECT p, d, note FROM {table}."by_wins"', {"player", "day"}),
        ('SELECT p, d, note FROM {table}."everything"', {"player", "day", "note"}),
        ("SELECT * FROM {table}", {"player", "day", "wins", "note", "version"}),
    ],
)
def test_what_an_index_does_not_hold_is_not_loaded(script, do, statement, loaded):
    script.answers = [{"Items": [KEY]}]
    [row] = do.list(Score.objects.raw(statement))
    found = set()
    for name in ("player", "day", "wins", "note", "version"):
        try:
            getattr(row, name)
        except FieldNotLoaded:
            continue
        found.add(name)
    assert found == loaded


@pytest.mark.parametrize(
    ("model", "statement", "words"),
    [
        (Score, "SELECT wins FROM {table}", "does not read p, d, which each instance needs: select it too"),
        (Score, "SELECT p, wins FROM {table}", "does not read d, which"),
        (Score, "SELECT p, d, doc.a FROM {table}", r"is not a SELECT of \* or of top-level attributes from scores"),
        (Score, 'SELECT * FROM "others"', r"is not a SELECT of \* or of top-level attributes from scores"),
        (Score, 'SELECT * FROM {table}."by_x"', "Score has no index 'by_x'"),
        (Animal, "SELECT name, legs FROM {table}", "does not read kind, which"),
        (Dog, "SELECT name, legs FROM {table}", "does not read kind, which"),
        (Session, "SELECT name FROM {table}", "does not read until, which"),
        (User, "SELECT name FROM {table}", "does not read pk, sk, which"),
        (Order, "SELECT pk FROM {table}", "does not read _kind, which"),
        (Score, "DELETE FROM {table}", r"is not a SELECT, and has no rows: execute it by objects.execute\(\), execute_all\(\)"),
    ],
)  # fmt: skip
def test_what_makes_no_instance_is_refused_before_it_is_sent(script, do, model, statement, words):
    rows = model.objects.raw(statement)
    with pytest.raises(QueryError, match=words):
        do.list(rows)
    with pytest.raises(QueryError, match=words):
        do(rows.page)
    assert script.sent == []


def test_as_dicts_gives_whatever_is_read_by_the_names_of_attributes(script, do):
    script.answers = [{"Items": [{"a": {"L": [{"N": "1"}]}}, {}]}]
    assert do.list(Score.objects.raw("SELECT doc.a FROM {table}").as_dicts()) == [{"a": [1]}, {}]


def test_items_are_of_their_classes_and_those_of_others_are_left_out(script, do):
    items = [
        {"name": {"S": "rex"}, "kind": {"S": "Dog"}},
        {"name": {"S": "tom"}, "kind": {"S": "Cat"}},
    ]
    for statement in ("SELECT * FROM {table}", "SELECT kind, name FROM {table}"):
        script.answers = [{"Items": items}] * 3
        assert [type(each) for each in do.list(Animal.objects.raw(statement))] == [Dog, Cat]
        [dog] = do.list(Dog.objects.raw(statement))
        assert (type(dog), dog.name) == (Dog, "rex")
        assert len(do.list(Dog.objects.raw(statement).as_dicts())) == 2


def test_items_of_other_models_in_the_table_are_left_out(script, do):
    items = [
        {"pk": {"S": "USER#ann"}, "sk": {"S": "USER"}},
        {"pk": {"S": "USER#ann"}, "sk": {"S": "INVOICE#7"}},
    ]
    for statement in (
        "SELECT * FROM {table} WHERE pk = ?",
        "SELECT pk, sk FROM {table} WHERE pk = ?",
    ):
        script.answers = [{"Items": items}] * 2
        assert [each.name for each in do.list(User.objects.raw(statement, "USER#ann"))] == ["ann"]
        [invoice] = do.list(Invoice.objects.raw(statement, "USER#ann"))
        assert (type(invoice), invoice.number) == (Invoice, "7")
    items = [
        {"pk": {"S": "ORDER#1"}, "_kind": {"S": "Order"}},
        {"pk": {"S": "COUPON#x"}, "_kind": {"S": "Coupon"}},
    ]
    for statement in ("SELECT * FROM {table}", "SELECT pk, _kind FROM {table}"):
        script.answers = [{"Items": items}] * 2
        assert [each.number for each in do.list(Order.objects.raw(statement))] == ["1"]
        assert [each.code for each in do.list(Coupon.objects.raw(statement))] == ["x"]


def test_expired_items_are_left_out_and_execute_shows_them(script, do):
    items = [{"name": {"S": "a"}, "until": {"N": "1"}}, {"name": {"S": "b"}}]
    statement = "SELECT * FROM {table}"
    script.answers = [{"Items": items}] * 2
    assert [each.name for each in do.list(Session.objects.raw(statement))] == ["b"]
    assert [each.name for each in do(Session.objects.execute, statement)] == ["a", "b"]


# -- pages ------------------------------------------------------------------------------------------

SELECT = "SELECT * FROM {table} WHERE p = ?"


def item(day):
    return {"p": {"S": "a"}, "d": {"N": str(day)}}


def test_a_page_is_filled_and_reads_nothing_behind_itself(script, do):
    script.answers = [
        {"Items": [item(1)], "NextToken": "one"},
        {"Items": [], "NextToken": "two"},
        {"Items": [item(2), item(3)], "NextToken": "three"},
    ]
    rows = Score.objects.raw(SELECT, "a")
    page = do(rows.page, 3)
    assert ([each.day for each in page], page.requests, page.has_next) == ([1, 2, 3], 3, True)
    assert (page.previous_cursor, page.has_previous) == (None, False)
    assert [(each["Limit"], each.get("NextToken")) for each in script.payloads] == [
        (3, None), (2, "one"), (2, "two"),
    ]  # fmt: skip
    script.answers = [{"Items": [item(4)]}]
    last = do(Score.objects.raw(SELECT, "a", consistent=True).page, 5, page.next_cursor)
    assert ([each.day for each in last], last.next_cursor) == ([4], None)
    assert (script.payloads[-1]["Limit"], script.payloads[-1]["NextToken"]) == (5, "three")


def test_page_size_limits_the_requests_of_a_page(script, do):
    script.answers = [{"Items": [item(1)], "NextToken": "x"}, {"Items": [item(2)]}]
    assert len(do(Score.objects.raw(SELECT, "a", page_size=1).page, 2)) == 2
    assert [each["Limit"] for each in script.payloads] == [1, 1]


def test_pages_are_those_of_dynamodb_empty_ones_too_with_cursors(script, do):
    script.answers = [{"Items": [], "NextToken": "x"}, {"Items": [item(2)]}]
    rows = Score.objects.raw(SELECT, "a")
    first, second = do.list(rows.pages())
    assert (len(first), first.has_next, first.requests) == (0, True, 1)
    assert ([each.day for each in second], second.has_next) == ([2], False)
    script.answers = [{"Items": [item(2)]}]
    assert len(do(rows.page, 1, first.next_cursor)) == 1
    assert script.payloads[-1]["NextToken"] == "x"


def test_a_limit_ends_the_pages(script, do):
    script.answers = [{"Items": [item(1), item(2)], "NextToken": "x"}]
    [page] = do.list(Score.objects.raw(SELECT, "a", limit=1).pages())
    assert ([each.day for each in page], page.next_cursor) == ([1], None)
    assert do.list(Score.objects.raw(SELECT, "a", limit=0)) == []


@pytest.fixture
def cursor(script, do):
    script.answers = [{"Items": [item(1)], "NextToken": "token"}]
    page: Page = do(Score.objects.raw(SELECT, "a").page, 1)
    assert page.next_cursor is not None
    script.sent.clear()
    return page.next_cursor


@pytest.mark.parametrize(
    ("statement", "parameter"),
    [(SELECT, "b"), (f"{SELECT} ", "a"), ("SELECT p, d FROM {table} WHERE p = ?", "a")],
)
def test_a_cursor_is_of_its_statement_and_parameters(script, do, cursor, statement, parameter):
    with pytest.raises(InvalidCursor, match="made for another query"):
        do(Score.objects.raw(statement, parameter).page, 1, cursor)
    assert script.sent == []


def test_a_cursor_cannot_be_altered_and_is_no_place_of_another_kind(script, do, cursor):
    page = Score.objects.raw(SELECT, "a").page
    for wrong, words in ((cursor[:-1], "cut short"), (f"B{cursor[1:]}", "cannot be used")):
        with pytest.raises(InvalidCursor, match=words):
            do(page, 1, wrong)
    digest = hash_statement('SELECT * FROM "scores" WHERE p = ?', [{"S": "a"}])
    for position in (Position(used=3), Position(value=({"N": "1"},))):
        with pytest.raises(InvalidCursor, match="not of a PartiQL statement"):
            do(page, 1, encode(position, digest))
    assert script.sent == []


def test_a_cursor_is_signed_where_the_connection_says_so(script, do, cursor):
    rows = Score.objects.raw(SELECT, "a")
    rows._link.cursor_key = b"secret"
    with pytest.raises(InvalidCursor, match="it is not signed"):
        do(rows.page, 1, cursor)
    script.answers = [{"Items": [item(1)], "NextToken": "token"}, {"Items": []}]
    assert len(do(rows.page, 1, do(rows.page, 1).next_cursor)) == 0


def test_a_set_among_the_parameters_makes_no_other_cursor_when_its_order_is_another():
    one, other = ([{"SS": ["a", "b"]}], [{"SS": ["b", "a"]}])
    assert hash_statement("s", one) == hash_statement("s", other) != hash_statement("t", one)


@pytest.mark.parametrize(
    ("given", "size", "words"),
    [
        ({}, 0, "a page has at least one row"),
        ({}, "5", "a page has at least one row"),
        ({}, True, "a page has at least one row"),
        ({"limit": 3}, 2, "size is the limit of rows: leave out limit=3"),
        ({"limit": -1}, 2, "limit=-1: give a number from 0|size is the limit of rows"),
        ({"page_size": 0}, 2, "page_size=0: give a number from 1"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(script, do, given, size, words):
    with pytest.raises(QueryError, match=words):
        do(Score.objects.raw(SELECT, "a", **given).page, size)
    assert script.sent == []


# -- where writes are refused -------------------------------------------------------------------------


def test_a_statement_that_writes_is_refused_in_a_transaction_and_one_that_reads_is_not(script):
    with transaction.atomic():
        with pytest.raises(QueryError, match=r"execute\(\) writes at once"):
            Score.objects.execute("DELETE FROM {table} WHERE p = ? AND d = ?", "a", 1)
        script.answers = [{"Items": []}] * 2
        assert Score.objects.execute(SELECT, "a") == []
        assert list(Score.objects.raw(SELECT, "a")) == []


def test_options_say_how_a_statement_reads(script, do):
    script.answers = [{"Items": []}]
    with options(consistent=True):
        do.list(Score.objects.raw(SELECT, "a"))
    assert script.payloads[0]["ConsistentRead"] is True
