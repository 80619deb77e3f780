"""Versions and ``atomic=True``: what is sent, and what is made of the answers."""

from __future__ import annotations

import copy
import pickle

import pytest

from dynamodb_py import (
    AlreadyExists,
    BinaryField,
    CharField,
    ConditionFailed,
    ConnectionFailed,
    ConnectTimeout,
    DictField,
    Document,
    EmbeddedField,
    F,
    FieldNotLoaded,
    FloatField,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    QueryError,
    ReadTimeout,
    SetField,
    StaleItem,
    TimestampField,
    UnreadableValue,
    ValidationError,
    VersionField,
    delete_all,
    options,
    save_all,
)
from dynamodb_py.exceptions import make_service_error

from ...scripted import checked
from ..wire import model_of


class Account(Model):
    class Meta:
        indexes = [
            GlobalIndex("by_owner", hash_key="owner", projection=["version"]),
            GlobalIndex("by_owner_keys", hash_key="owner", projection="keys"),
            GlobalIndex("by_version", hash_key="owner", range_key="version", projection="keys"),
        ]

    name = CharField(hash_key=True)
    owner = CharField()
    balance = IntegerField(default=0)
    notes = DictField()
    version = VersionField(name="v")


class Plain(Model):
    """Without a version: what ``atomic`` looks at is everything."""

    name = CharField(hash_key=True)
    number = FloatField(name="n")
    text = CharField(default="none")
    tags = SetField()
    photo = BinaryField()
    doc = DictField()


class Careful(Model):
    class Meta:
        atomic = True

    name = CharField(hash_key=True)
    number = IntegerField()


class Unique(Model):
    class Meta:
        atomic = True

    name = CharField(hash_key=True)
    number = IntegerField()
    code = CharField(unique=True)


KEY = {"name": {"S": "a"}}
ITEM = {**KEY, "balance": {"N": "5"}, "v": {"N": "3"}}
WRITTEN = {**KEY, "balance": {"N": "6"}, "v": {"N": "4"}}
LOST = ConnectionFailed("reset")
THROTTLED = make_service_error("ThrottlingException", "slow")


def failed(item=None):
    body = {} if item is None else {"Item": item}
    return make_service_error("ConditionalCheckFailedException", "no", body=body)


def sent(script):
    """Return what was sent, after botocore looked at it."""
    for each in script.sent:
        checked(each)
    return script.payloads


def spelled(payload, part="ConditionExpression"):
    """Return an expression of a request with its names and values in their places."""
    message = payload.get(part, "")
    for name, value in reversed(payload.get("ExpressionAttributeNames", {}).items()):
        message = message.replace(name, value)
    for name, wire in reversed(payload.get("ExpressionAttributeValues", {}).items()):
        message = message.replace(name, str(next(iter(wire.values()))))
    return message


def save(do, account):
    account.balance = 6
    do(account.save)


def overwrite(do, account):
    account.balance = 6
    do(account.save, overwrite=True)


def update(do, account):
    do(account.update, balance=6)


# -- declaring -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: model_of(VersionField(), y=VersionField()), "2 version fields, x and y"),
        (lambda: type("D", (Document,), {"v": VersionField()}), "a version belongs to the item"),
        (lambda: model_of(ListField(VersionField())), "a version belongs to the item"),
        (lambda: model_of(MapField({"v": VersionField()})), "a version belongs to the item"),
        (lambda: model_of(SetField(VersionField())), "a version belongs to the item"),
        (lambda: model_of(VersionField(name="k")), "both stored as 'k'"),
    ],
    ids=["two", "document", "list", "map", "set", "key"],
)
def test_a_version_is_one_field_of_a_model(declare, message):
    with pytest.raises(ModelDefinitionError, match=message):
        declare()


@pytest.mark.parametrize("option", ["hash_key", "range_key", "default", "unique", "required"])
def test_a_version_takes_a_name_alone(option):
    with pytest.raises(TypeError, match=option):
        VersionField(**{option: True})


def test_a_subclass_has_the_version_of_its_base():
    class Savings(Account):
        rate = FloatField()

    assert Savings._meta.version is Savings.version
    assert Savings(name="a").version == 0


def test_an_index_may_sort_by_the_version():
    [index] = [each for each in Account._meta.schema.indexes if each.name == "by_version"]
    assert [(key.name, key.type) for key in index.range_key] == [("v", "N")]


# -- versions: saving ----------------------------------------------------------------------------


def test_a_new_instance_is_written_where_there_is_no_item(script, do):
    account = Account("a", balance=5)
    assert account.version == 0
    script.answers = [{}]
    do(account.save)
    [payload] = sent(script)
    assert payload["Item"] == {**KEY, "balance": {"N": "5"}, "v": {"N": "1"}}
    assert spelled(payload) == "attribute_not_exists(name)"
    assert (account.version, account.persisted, account.is_changed) == (1, True, False)


def test_a_new_instance_does_not_replace_an_item(script, do):
    account = Account("a", balance=7)
    script.answers = [failed(ITEM)]
    with pytest.raises(AlreadyExists, match="overwrite=True replaces it") as caught:
        do(account.save)
    assert type(caught.value) is Account.AlreadyExists
    assert (caught.value.current.balance, caught.value.current.version) == (5, 3)
    assert (account.version, account.persisted) == (0, False)


def test_a_loaded_instance_is_written_where_the_version_is_the_same(script, do):
    account = Account.from_db(ITEM)
    account.balance = 6
    script.answers = [{}, {}]
    do(account.save)
    assert account.version == 4
    account.balance = 7
    do(account.save)
    assert account.version == 5
    first, second = sent(script)
    assert spelled(first, "UpdateExpression") == "SET balance = 6, v = 4"
    assert spelled(first) == "(attribute_exists(name) AND v = 3)"
    assert spelled(second, "UpdateExpression") == "SET balance = 7, v = 5"
    assert spelled(second) == "(attribute_exists(name) AND v = 4)"


def test_nothing_is_sent_and_the_version_stays_where_nothing_changed(script, do):
    account = Account.from_db(ITEM)
    do(account.save)
    assert (account.version, script.sent) == (3, [])


def test_a_condition_alone_is_asked_of_the_version_too_and_raises_nothing(script, do):
    account = Account.from_db(ITEM)
    script.answers = [{}]
    do(account.save, condition=Account.balance > 1)
    [payload] = sent(script)
    assert "v = 3" in spelled(payload)
    assert "UpdateExpression" not in payload
    assert account.version == 3


def test_a_lost_race_is_told_with_what_there_is(script, do):
    account = Account.from_db(ITEM)
    account.balance = 9
    script.answers = [failed(WRITTEN)]
    with pytest.raises(StaleItem) as caught:
        do(account.save)
    error = caught.value
    assert isinstance(error, ConditionFailed)
    assert (error.current.balance, error.current.version) == (6, 4)
    message = "Account(name='a', balance=9, version=3) is stale: another writer changed version"
    assert message in str(error)
    assert "refresh_from_db(), change it again and save()" in str(error)
    assert (account.balance, account.version, account.is_changed) == (9, 3, True)


def test_a_condition_that_fails_is_no_lost_race(script, do):
    account = Account.from_db(ITEM)
    account.balance = 9
    script.answers = [failed(ITEM)]
    with pytest.raises(ConditionFailed) as caught:
        do(account.save, condition=Account.balance > 100)
    assert type(caught.value) is ConditionFailed
    assert caught.value.current.balance == 5


@pytest.mark.parametrize("write", [save, update])
def test_an_item_that_is_gone_is_told(script, do, write):
    account = Account.from_db(ITEM)
    script.answers = [failed()]
    with pytest.raises(Account.DoesNotExist, match="deleted since it was loaded"):
        write(do, account)


def test_an_item_from_before_the_version_was_declared_gets_one(script, do):
    account = Account.from_db({**KEY, "balance": {"N": "5"}})
    assert account.version == 0
    account.balance = 6
    script.answers = [{}]
    do(account.save)
    [payload] = sent(script)
    assert spelled(payload, "UpdateExpression") == "SET balance = 6, v = 1"
    assert "attribute_not_exists(v)" in spelled(payload)
    assert account.version == 1


@pytest.mark.parametrize(
    ("wire", "following"), [({"N": "3.0"}, 4), ({"N": "3E2"}, 301), ({"NULL": True}, 1)]
)
def test_a_version_that_another_writer_spelled_is_read(script, do, wire, following):
    account = Account.from_db({**ITEM, "v": wire})
    account.balance = 6
    script.answers = [{}]
    do(account.save)
    assert account.version == following


@pytest.mark.parametrize("wire", [{"S": "x"}, {"N": "1.5"}, {"BOOL": True}], ids=["S", "N", "BOOL"])
@pytest.mark.parametrize("write", [save, overwrite, update])
def test_a_version_that_is_no_whole_number_is_refused(script, do, wire, write):
    account = Account.from_db({**ITEM, "v": wire})
    with pytest.raises(
        UnreadableValue, match=r"Account.version: .* cannot be read as VersionField"
    ):
        write(do, account)
    assert script.sent == []


def test_a_version_cannot_be_assigned(script, do):
    account = Account.from_db(ITEM)
    account.version = 9
    with pytest.raises(ValidationError, match="version: it sets itself with each write"):
        do(account.save)
    account.revert()
    assert account.version == 3


@pytest.mark.parametrize(("given", "stored"), [(5, 6), (None, 1), (0, 1)])
def test_what_is_stored_follows_on_the_version_that_a_new_instance_has(script, do, given, stored):
    script.answers = [{}]
    account = do(Account.objects.create, name="a", version=given)
    assert account.version == stored
    assert sent(script)[0]["Item"]["v"] == {"N": str(stored)}


def test_a_version_of_another_type_is_refused(script, do):
    with pytest.raises(ValidationError, match="version: 'x' is a str"):
        do(Account("a", version="x").save)
    assert script.sent == []


# -- versions: putting whole ---------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["save", "create"])
def test_overwriting_unseen_reads_first_so_that_versions_never_go_back(script, do, verb):
    script.answers = [{"Item": {**ITEM, "v": {"N": "41"}, "more": {"S": "x"}}}, {}]
    if verb == "save":
        account = Account("a", balance=7)
        do(account.save, overwrite=True)
    else:
        account = do(Account.create, name="a", balance=7, overwrite=True)
    read, put = sent(script)
    assert read["ConsistentRead"] is True
    assert put["Item"] == {**KEY, "balance": {"N": "7"}, "v": {"N": "42"}}
    assert spelled(put) == "(attribute_exists(name) AND v = 41)"
    assert account.version == 42


def test_overwriting_unseen_goes_after_the_others_who_write(script, do):
    script.answers = [{}, failed(ITEM), failed(WRITTEN), {}]
    account = Account("a", balance=7)
    do(account.save, overwrite=True)
    assert [each["Item"]["v"]["N"] for each in sent(script)[1:]] == ["1", "4", "5"]
    assert account.version == 5


def test_overwriting_a_loaded_instance_needs_its_version_or_no_item(script, do):
    account = Account.from_db(ITEM)
    script.answers = [{}]
    do(account.save, overwrite=True)
    [payload] = sent(script)
    assert payload["Item"]["v"] == {"N": "4"}
    assert spelled(payload) == "(v = 3 OR attribute_not_exists(name))"
    script.answers = [failed({**ITEM, "v": {"N": "9"}})]
    with pytest.raises(StaleItem):
        do(account.save, overwrite=True)
    assert account.version == 4


def test_inserting_a_loaded_instance_goes_on_from_its_version(script, do):
    account = Account.from_db(ITEM)
    script.answers = [{}]
    do(account.save, force_insert=True)
    [payload] = sent(script)
    assert payload["Item"]["v"] == {"N": "4"}
    assert spelled(payload) == "attribute_not_exists(name)"


def test_an_instance_from_a_dict_is_new(script, do):
    account = Account.from_dict(Account.from_db(ITEM).to_dict())
    assert (account.version, account.persisted) == (3, False)
    script.answers = [failed(ITEM)]
    with pytest.raises(AlreadyExists):
        do(account.save)


@pytest.mark.parametrize(
    "twin",
    [lambda each: pickle.loads(pickle.dumps(each)), copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
def test_a_copy_of_an_instance_is_as_stale_as_that(script, do, twin):
    account = Account.from_db(ITEM)
    other = twin(account)
    script.answers = [{}, failed(WRITTEN)]
    account.balance = 6
    do(account.save)
    other.balance = 9
    with pytest.raises(StaleItem):
        do(other.save)
    assert "v = 3" in spelled(sent(script)[1])


# -- versions: updating and deleting -------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expression"),
    [
        (lambda a: (a.update, (), {"balance": 6}), "SET balance = 6, v = 4"),
        (
            lambda a: (a.update, (), {"balance": F("balance") + 1}),
            "SET balance = balance + 1, v = 4",
        ),
        (lambda a: (a.incr, (), {"balance": 1}), "SET v = 4 ADD balance 1"),
    ],
    ids=["value", "expression", "incr"],
)
def test_an_update_of_a_loaded_instance_is_checked_and_raises_the_version(
    script, do, call, expression
):
    account = Account.from_db(ITEM)
    script.answers = [{"Attributes": {"balance": {"N": "6"}, "v": {"N": "4"}}}, failed(ITEM)]
    function, args, values = call(account)
    do(function, *args, **values)
    [payload] = sent(script)
    assert spelled(payload, "UpdateExpression") == expression
    assert spelled(payload) == "(attribute_exists(name) AND v = 3)"
    assert (account.balance, account.version, account.is_changed) == (6, 4, False)
    with pytest.raises(StaleItem, match="another writer changed version"):
        do(function, *args, **values)
    assert account.version == 4


UNSEEN = "SET balance = 6, v = if_not_exists(v, 0) + 1"


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        (lambda do: do(Account("a").update, balance=6), ""),
        (lambda do: do(Account.objects.filter(name="a").update, balance=6), "attribute_exists"),
        (
            lambda do: do(Account.objects.update_or_create, name="a", defaults={"balance": 6}),
            "attribute_exists",
        ),
    ],
    ids=["never loaded", "query", "update_or_create"],
)
def test_an_update_without_the_item_raises_the_version_unasked(script, do, call, condition):
    script.answers = [{"Attributes": WRITTEN}]
    call(do)
    [payload] = sent(script)
    assert spelled(payload, "UpdateExpression") == UNSEEN
    assert spelled(payload).startswith(condition)
    assert "v =" not in spelled(payload)


@pytest.mark.parametrize(
    "call",
    [
        lambda do: do(Account.from_db(ITEM).update, version=4),
        lambda do: do(Account.from_db(ITEM).update, version=F("version") + 1),
        lambda do: do(Account.from_db(ITEM).update, Account.version.add(1)),
        lambda do: do(Account.from_db(ITEM).incr, version=1),
        lambda do: do(Account("a").update, version=None),
        lambda do: do(Account.objects.filter(name="a").update, version=4),
        lambda do: do(Account.objects.update_or_create, name="a", defaults={"version": 4}),
    ],
    ids=["value", "expression", "action", "incr", "never loaded", "query", "update_or_create"],
)
def test_an_update_cannot_change_the_version(script, do, call):
    with pytest.raises(ValidationError, match="version: it sets itself with each write"):
        call(do)
    assert script.sent == []


def test_a_delete_of_a_loaded_instance_is_checked(script, do):
    account = Account.from_db(ITEM)
    script.answers = [failed(WRITTEN), {}]
    with pytest.raises(StaleItem, match="another writer changed version") as caught:
        do(account.delete)
    assert caught.value.current.version == 4
    assert account.persisted
    do(account.delete)
    assert spelled(sent(script)[1]) == "v = 3"
    assert not account.persisted


def test_a_delete_of_a_loaded_instance_tells_that_another_was_first(script, do):
    account = Account.from_db(ITEM)
    script.answers = [failed()]
    with pytest.raises(StaleItem, match="deleted since it was loaded") as caught:
        do(account.delete)
    assert caught.value.current is None


@pytest.mark.parametrize("by", ["instance", "key"])
def test_a_delete_without_the_item_asks_nothing(script, do, by):
    script.answers = [{}]
    do(Account("a").delete) if by == "instance" else do(Account.objects.delete, "a")
    [payload] = sent(script)
    assert spelled(payload) == ""


def test_an_instance_that_was_deleted_goes_on_from_its_version(script, do):
    account = Account.from_db(ITEM)
    script.answers = [{}, {}]
    do(account.delete)
    do(account.save)
    put = sent(script)[1]
    assert put["Item"]["v"] == {"N": "4"}
    assert spelled(put) == "attribute_not_exists(name)"


# -- what was read in part -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        (Account.objects.filter(name="a").only("balance"), {"name", "balance", "v"}),
        (Account.objects.filter(name="a").only("version"), {"name", "v"}),
        (
            Account.objects.filter(name="a").defer("version", "notes", "owner"),
            {"name", "balance", "v"},
        ),
        (Account.objects.filter(name__in=["a", "b"]).only("balance"), {"name", "balance", "v"}),
        (Account.objects.only("balance"), {"name", "balance", "v"}),
        (Account.objects.index("by_owner").filter(owner="x").only("owner"), {"name", "owner", "v"}),
        (
            Account.objects.index("by_version").filter(owner="x").only("owner"),
            {"name", "owner", "v"},
        ),
        (Account.objects.index("by_owner_keys").filter(owner="x").only("owner"), {"name", "owner"}),
        (
            Account.objects.index("by_owner_keys").filter(owner="x").only("balance").full(),
            {"name", "owner", "balance", "v"},
        ),
        (Account.objects.filter(name="a").values("balance"), {"name", "balance"}),
        (Account.objects.filter(name="a").values_list("balance", flat=True), {"name", "balance"}),
        (Account.objects.filter(name="a").only("balance").as_dicts(), {"name", "balance"}),
        (Account.objects.filter(name="a").as_dicts().only("balance"), {"name", "balance"}),
    ],
)
def test_instances_have_the_version_wherever_it_can_be_read(rows, held):
    plan = rows.explain()
    assert plan.held == held
    names = set()
    for each in plan.operations:
        payload = checked(each)
        for part in (payload, *payload.get("RequestItems", {}).values()):
            names |= set(part.get("ExpressionAttributeNames", {}).values())
    if plan.expressions is not None:
        names |= set(plan.expressions.names.values())
    assert names >= held


def test_in_bulk_reads_the_version_too(script, do):
    item = {**KEY, "v": {"N": "3"}, "balance": {"N": "5"}}
    script.answers = [{"Responses": {"Account": [item]}}, {}]
    [account] = do(Account.objects.only("balance").in_bulk, ["a"]).values()
    account.balance = 6
    do(account.save)
    assert "v = 3" in spelled(sent(script)[1])
    assert account.version == 4


def test_exists_reads_no_version(script, do):
    script.answers = [{"Item": KEY}]
    assert do(Account.objects.filter(name="a").only("balance").exists)
    assert list(sent(script)[0]["ExpressionAttributeNames"].values()) == ["name"]


def of_keys():
    """Return an instance as an index gives it that does not have the version."""
    return Account._load_partially(frozenset({"name", "owner"}))(
        b'{"name":{"S":"a"},"owner":{"S":"x"}}'
    )


@pytest.mark.parametrize("atomic", [None, True])
@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_an_instance_without_its_version_is_not_written(script, do, verb, atomic):
    account = of_keys()
    account.owner = "y"
    with pytest.raises(
        FieldNotLoaded, match=r"Account.version was not fetched .* refresh_from_db\(\)"
    ):
        do(getattr(account, verb), atomic=atomic, **({"balance": 1} if verb == "update" else {}))
    assert script.sent == []


def test_refreshing_fetches_the_version(script, do):
    account = of_keys()
    script.answers = [{"Item": ITEM}, {}]
    do(account.refresh_from_db)
    account.balance = 6
    do(account.save)
    assert account.version == 4


# -- lost answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [save, overwrite, update])
def test_a_write_whose_answer_was_lost_is_not_stale(script, do, write):
    account = Account.from_db(ITEM)
    script.answers = [LOST, failed(WRITTEN)]
    write(do, account)
    assert (account.balance, account.version, account.is_changed) == (6, 4, False)


@pytest.mark.parametrize("write", [save, overwrite, update])
@pytest.mark.parametrize(
    "now",
    [
        {**WRITTEN, "balance": {"N": "7"}},  # another's
        {**WRITTEN, "v": {"N": "5"}},  # another was there after it
    ],
)
def test_a_write_that_is_not_there_is_stale_though_an_answer_was_lost(script, do, write, now):
    account = Account.from_db(ITEM)
    script.answers = [LOST, failed(now)]
    with pytest.raises(StaleItem) as caught:
        write(do, account)
    assert (caught.value.attempts, caught.value.in_doubt) == (2, True)
    assert account.version == 3


@pytest.mark.parametrize("write", [save, overwrite, update])
def test_the_same_write_of_another_is_not_taken_for_ones_own(script, do, write):
    # What was throttled was not carried out: two who take 1 of 5 must not both believe they did.
    account = Account.from_db(ITEM)
    script.answers = [THROTTLED, failed(WRITTEN)]
    with pytest.raises(StaleItem) as caught:
        write(do, account)
    assert (caught.value.attempts, caught.value.in_doubt) == (2, False)
    assert account.version == 3


NEVER_SENT = ConnectionFailed("refused")
NEVER_SENT.__cause__ = ConnectionRefusedError()


@pytest.mark.parametrize(
    ("first", "in_doubt"),
    [
        ([LOST], True),
        ([ReadTimeout("slow")], True),
        ([make_service_error("InternalServerError", "oops", status=500)], True),
        ([THROTTLED], False),
        ([ConnectTimeout("far")], False),
        ([NEVER_SENT], False),
        ([THROTTLED, LOST, THROTTLED], True),
        ([], False),
    ],
)
def test_what_may_have_been_carried_out_is_in_doubt(script, do, first, in_doubt):
    account = Account.from_db(ITEM)
    script.answers = [*first, failed({**WRITTEN, "v": {"N": "8"}})]
    with pytest.raises(StaleItem) as caught:
        do(account.update, balance=6)
    assert (caught.value.in_doubt, caught.value.attempts) == (in_doubt, len(first) + 1)


def test_a_delete_whose_answer_was_lost_has_deleted(script, do):
    account = Account.from_db(ITEM)
    script.answers = [LOST, failed()]
    do(account.delete)
    assert not account.persisted


def test_a_delete_of_another_is_not_taken_for_ones_own(script, do):
    script.answers = [THROTTLED, failed()]
    with pytest.raises(StaleItem, match="deleted since"):
        do(Account.from_db(ITEM).delete)


def test_a_new_instance_whose_answer_was_lost_is_told_as_create_tells_it(script, do):
    # It may be another's, who took the key with the same values.
    script.answers = [LOST, failed({**KEY, "balance": {"N": "0"}, "v": {"N": "1"}})]
    with pytest.raises(AlreadyExists) as caught:
        do(Account("a").save)
    assert caught.value.in_doubt


# -- atomic --------------------------------------------------------------------------------------


def written(do, instance, verb, number=2, **given):
    """Write *number* by one of the verbs, or delete the item."""
    if verb == "save":
        instance.number = number
    do(getattr(instance, verb), **given, **({"number": number} if verb == "update" else {}))


EVERYTHING = {
    **KEY,
    "n": {"N": "1.0"},
    "tags": {"SS": ["b", "a"]},
    "photo": {"B": "AP8="},
    "text": {"S": ""},
    "doc": {"NULL": True},
    "more": {"S": "undeclared"},
}


def test_atomic_compares_all_that_was_loaded(script, do):
    plain = Plain.from_db(EVERYTHING)
    plain.number = 2.0
    script.answers = [{}]
    do(plain.save, atomic=True)
    operation = script.sent[0]
    payload = checked(operation)
    named = payload["ExpressionAttributeNames"]
    values = payload["ExpressionAttributeValues"]
    asked = payload["ConditionExpression"]
    found = {}
    for name, attribute in named.items():
        for value, wire in values.items():
            if f"{name} = {value}" in asked:
                found[attribute] = wire
    wanted = {name: wire for name, wire in EVERYTHING.items() if name != "name"}
    assert found == {**wanted, "photo": {"B": b"\x00\xff"}}


def test_atomic_expects_nothing_where_nothing_was(script, do):
    plain = Plain.from_db({**KEY, "n": {"N": "1"}})
    assert plain.text == "none"  # a default that was only read
    plain.number = 2
    script.answers = [{}]
    do(plain.save, atomic=True)
    asked = spelled(sent(script)[0])
    for name in ("text", "tags", "photo", "doc"):
        assert f"attribute_not_exists({name})" in asked
    assert "attribute_exists(name)" in asked


def test_atomic_after_a_save_compares_with_what_was_saved(script, do):
    plain = Plain.from_db({**KEY, "n": {"N": "1"}})
    script.answers = [{}, {}, {}]
    plain.number = 2
    do(plain.save)
    plain.number = 3
    do(plain.save, atomic=True)
    assert "n = 2" in spelled(sent(script)[1])
    do(plain.delete, atomic=True)
    assert "n = 3" in spelled(sent(script)[2])


def test_atomic_sends_nothing_where_nothing_changed(script, do):
    do(Plain.from_db(EVERYTHING).save, atomic=True)
    assert script.sent == []


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
@pytest.mark.parametrize(
    "change",
    [
        {"n": {"N": "7"}},
        {"tags": {"SS": ["a"]}},
        {"photo": {"B": "AAA="}},
        {"text": {"S": "x"}},
        {"doc": {"M": {}}},
        {"more": {"S": "other"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_atomic_tells_what_another_changed(script, do, verb, change):
    plain = Plain.from_db(EVERYTHING)
    [attribute] = change
    script.answers = [failed({**EVERYTHING, **change})]
    name = {"n": "number"}.get(attribute, attribute)
    with pytest.raises(StaleItem, match=f"another writer changed {name} since"):
        written(do, plain, verb, atomic=True)


def test_the_same_in_another_spelling_is_no_change(script, do):
    plain = Plain.from_db(EVERYTHING)
    respelled = {**EVERYTHING, "n": {"N": "1"}, "tags": {"SS": ["a", "b"]}}
    script.answers = [failed(respelled)]
    with pytest.raises(ConditionFailed) as caught:  # so it was the other condition that failed
        do(plain.delete, condition=Plain.number > 5, atomic=True)
    assert type(caught.value) is ConditionFailed


@pytest.mark.parametrize("held", [{"name", "n"}, {"name", "n", "tags"}])
def test_atomic_compares_what_was_fetched(script, do, held):
    plain = Plain._load_partially(frozenset(held))(b'{"name":{"S":"a"},"n":{"N":"1"}}')
    plain.number = 2
    script.answers = [{}]
    do(plain.save, atomic=True)
    asked = spelled(sent(script)[0])
    assert "n = 1" in asked
    assert ("attribute_not_exists(tags)" in asked) is ("tags" in held)
    assert "text" not in asked


def test_atomic_takes_a_limit_of_attributes(script, do):
    item = {**KEY, **{f"a{n}": {"N": "1"} for n in range(150)}}
    plain = Plain.from_db(item)
    plain.number = 2
    with pytest.raises(QueryError, match=r"155 are more than .* declare a VersionField"):
        do(plain.save, atomic=True)
    assert script.sent == []


def test_atomic_takes_as_many_attributes_as_it_says(script, do):
    plain = Plain.from_db({**KEY, **{f"a{n}": {"N": "1"} for n in range(135)}})
    plain.number = 2
    script.answers = [{}]
    do(plain.save, atomic=True)
    asked = sent(script)[0]["ConditionExpression"]
    operators = asked.count(" AND ") + asked.count(" = ") + asked.count("attribute_")
    assert operators <= 300
    assert len(asked) < 4096


def test_atomic_of_a_model_with_a_version_compares_everything(script, do):
    account = Account.from_db(ITEM)
    account.owner = "y"
    script.answers = [{}]
    do(account.save, atomic=True)
    asked = spelled(sent(script)[0])
    assert "v = 3" in asked
    assert "balance = 5" in asked
    assert account.version == 4


@pytest.mark.parametrize("verb", ["save", "update"])
def test_atomic_of_what_is_gone_is_told(script, do, verb):
    plain = Plain.from_db(EVERYTHING)
    plain.number = 2
    script.answers = [failed()]
    with pytest.raises(Plain.DoesNotExist):
        written(do, plain, verb, atomic=True)


def test_atomic_writes_whose_answer_was_lost_are_not_stale(script, do):
    plain = Plain.from_db({**KEY, "n": {"N": "1"}})
    plain.number = 2
    script.answers = [LOST, failed({**KEY, "n": {"N": "2"}})]
    do(plain.save, atomic=True)
    script.answers = [LOST, failed({**KEY, "n": {"N": "3"}})]
    do(plain.update, number=3, atomic=True)
    script.answers = [LOST, failed()]
    do(plain.delete, atomic=True)
    assert (plain.number, plain.persisted) == (3, False)


# -- atomic: what was never loaded ---------------------------------------------------------------


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_what_was_never_loaded_expects_no_item(script, do, verb):
    plain = Plain("a", number=1)
    script.answers = [failed(EVERYTHING)]
    kind = AlreadyExists if verb == "save" else StaleItem
    with pytest.raises(kind) as caught:
        written(do, plain, verb, atomic=True)
    assert caught.value.current.number == 1.0
    assert spelled(sent(script)[0]) == "attribute_not_exists(name)"
    if verb != "save":
        assert "was never loaded: with atomic=True no item may have its key" in str(caught.value)


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_what_was_never_loaded_is_written_where_there_is_no_item(script, do, verb):
    plain = Plain("a", number=1)
    script.answers = [{}]
    written(do, plain, verb, atomic=True)
    assert plain.persisted is (verb == "save")


def test_what_was_never_loaded_and_expects_an_item_all_the_same_is_told(script, do):
    script.answers = [failed()]
    with pytest.raises(ConditionFailed) as caught:
        do(Plain("a").delete, condition=Plain.number.exists(), atomic=True)
    assert type(caught.value) is ConditionFailed


@pytest.mark.parametrize(
    "call",
    [
        lambda do: do(Unique("a").update, number=2, must_exist=True),
        lambda do: do(Unique.objects.bulk_update, [Unique("a", number=2)], ["number"]),
        lambda do: do(Unique.objects.update_or_create, name="a", defaults={"code": "x"}),
    ],
    ids=["must_exist", "bulk_update", "update_or_create"],
)
def test_what_must_exist_is_not_expected_to_be_absent(script, do, call):
    there = {"Item": {**KEY, "number": {"N": "1"}}}
    script.answers = [there, {}, there]
    call(do)
    writes = [each for each in sent(script) if "UpdateExpression" in str(each)]
    [asked] = [
        spelled(each.get("TransactItems", [{"Update": each}])[0]["Update"]) for each in writes
    ]
    assert "attribute_exists(name)" in asked
    assert "attribute_not_exists(name)" not in asked
    script.answers.clear()


def test_overwriting_is_stronger_than_atomic_where_nothing_was_loaded(script, do):
    script.answers = [{}]
    do(Plain("a").save, overwrite=True, atomic=True)
    assert spelled(sent(script)[0]) == ""


def test_an_expired_item_that_is_hidden_counts_as_none(script, do):
    class Session(Model):
        class Meta:
            hide_expired = True

        key = CharField(hash_key=True)
        until = TimestampField(ttl=True)
        version = VersionField()

    expired = {"key": {"S": "a"}, "until": {"N": "1"}, "version": {"N": "7"}}
    session = Session("a")
    script.answers = [{}, failed(expired)]
    do(session.save)
    assert spelled(sent(script)[0]).startswith("(attribute_not_exists(key) OR until <= ")
    assert session.version == 1
    with pytest.raises(ConditionFailed) as caught:
        do(Session("a").delete, condition=Session.version > 9, atomic=True)
    assert type(caught.value) is ConditionFailed  # not that there is an item


# -- atomic: who says it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "option", "asked", "compares"),
    [
        (Plain, None, None, False),
        (Plain, None, True, True),
        (Plain, True, None, True),
        (Plain, True, False, False),
        (Careful, None, None, True),
        (Careful, None, False, False),
        (Careful, False, None, False),
        (Careful, False, True, True),
    ],
)
@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_the_call_counts_before_the_options_and_these_before_meta(
    script, do, model, option, asked, compares, verb
):
    attribute = model.number.attribute
    instance = model.from_db({**KEY, attribute: {"N": "1"}})
    instance.number = 2
    script.answers = [{}, {}]
    given = {} if asked is None else {"atomic": asked}
    if verb == "update":
        given["number"] = 3
    if option is None:
        do(getattr(instance, verb), **given)
    else:
        with options(atomic=option):
            do(getattr(instance, verb), **given)
    assert (f"{attribute} = 1" in spelled(sent(script)[0])) is compares
    if model is Plain and verb == "save":  # the options were for a while
        instance.number = 5
        do(instance.save)
        assert f"{attribute} = " not in spelled(sent(script)[1])
    else:
        script.answers.clear()


def test_options_do_not_undo_a_version(script, do):
    account = Account.from_db(ITEM)
    account.balance = 6
    script.answers = [{}]
    with options(atomic=False):
        do(account.save, atomic=False)
    assert "v = 3" in spelled(sent(script)[0])


@pytest.mark.parametrize("verb", [save_all, delete_all], ids=["save", "delete"])
def test_many_at_once_are_as_atomic_as_one(script, do, verb):
    loaded, new = Careful.from_db({**KEY, "number": {"N": "1"}}), Careful("b", number=1)
    loaded.number = 2
    script.answers = [{}, {}]
    do(verb, [loaded, new])
    asked = set(map(spelled, sent(script)))
    assert "attribute_not_exists(name)" in asked
    [other] = asked - {"attribute_not_exists(name)"}
    assert "number = 1" in other


def test_documents_are_compared_whole_and_written_by_keys(script, do):
    class Place(Document):
        town = CharField()
        street = CharField()

    class Person(Model):
        name = CharField(hash_key=True)
        home = EmbeddedField(Place)

    stored = {"M": {"town": {"S": "x"}, "street": {"S": "y"}}}
    person = Person.from_db({**KEY, "home": stored})
    person.home.town = "z"
    script.answers = [{}]
    do(person.save, atomic=True)
    [payload] = sent(script)
    assert spelled(payload, "UpdateExpression") == "SET home.town = z"
    assert stored in payload["ExpressionAttributeValues"].values()
