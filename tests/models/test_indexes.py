"""Indexes as attributes of models, and by name."""

from __future__ import annotations

import pytest

import dynamodb_py
from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Manager,
    Model,
    ModelDefinitionError,
    QueryError,
    QuerySet,
    schema,
)

from ..scripted import checked


class Mine(QuerySet["Account"]):
    def known(self):
        return self.filter(name__exists=True)


class Account(Model):
    class Meta:
        table_name = "accounts"
        indexes = [GlobalIndex("ByName", hash_key="name")]

    id = CharField(hash_key=True)
    born = IntegerField(range_key=True)
    email = CharField(name="e")
    name = CharField()
    seen = IntegerField()

    by_email = GlobalIndex("Emails", hash_key="email", projection="keys")
    by_seen = LocalIndex(range_key="seen")

    objects = Mine.as_manager()


def test_the_attribute_is_the_query_set_of_the_index(script, do):
    query = Account.by_email.filter(email="a@example.org")
    assert type(query) is Mine
    assert query.model is Account
    assert checked(query.operation()) == {
        "TableName": "accounts",
        "IndexName": "Emails",
        "KeyConditionExpression": "#0 = :0",
        "ExpressionAttributeNames": {"#0": "e"},
        "ExpressionAttributeValues": {":0": {"S": "a@example.org"}},
    }
    assert script.sent == []
    script.answers = [{"Items": [], "Count": 0, "ScannedCount": 0}]
    assert do(Account.by_email.filter(email="b").first) is None


def test_an_index_without_a_name_has_that_of_the_attribute():
    assert Account.by_seen.filter(id="a", seen__gt=3).reverse().operation().index == "by_seen"


def test_indexes_by_name_and_as_attributes_are_the_same():
    assert {index.name for index in Account._meta.schema.indexes} == {"Emails", "by_seen", "ByName"}
    for name in ("Emails", "by_seen", "ByName"):
        assert Account.objects.index(name)._question.index == name
    with pytest.raises(
        QueryError, match="Account has no index 'by_email': its indexes are Emails, by_seen, ByName"
    ):
        Account.objects.index("by_email")


def test_an_index_is_of_the_class_that_it_is_asked_of():
    class Base(Model):
        class Meta:
            abstract = True

        id = CharField(hash_key=True)
        email = CharField()
        by_email = GlobalIndex(hash_key="email")

    class One(Base):
        pass

    class Two(One):
        objects = Manager()

    assert (One.by_email.model, Two.by_email.model) == (One, Two)
    assert type(Two.by_email) is QuerySet
    with pytest.raises(TypeError, match="Base is abstract"):
        _ = Base.by_email


def test_an_instance_has_no_index():
    with pytest.raises(
        AttributeError, match=r"by_email is an attribute of the class.*: use Account\.by_email"
    ):
        _ = Account(id="a", born=1).by_email


def test_an_index_asks_only_what_it_can_answer():
    with pytest.raises(QueryError, match="index Emails: its hash key, email, is not fixed"):
        list(Account.by_email.filter(name="x"))
    with pytest.raises(QueryError, match="consistent"):
        list(Account.by_email.filter(email="x").consistent())


def test_those_of_a_schema_alone_still_declare_one():
    class Plain(Model):
        class Meta:
            indexes = [schema.GlobalIndex("ByName", hash_key="name")]

        id = CharField(hash_key=True)
        name = CharField()

    assert Plain.objects.filter(name="x").operation().index == "ByName"
    assert issubclass(dynamodb_py.GlobalIndex, schema.GlobalIndex)
    assert issubclass(dynamodb_py.LocalIndex, schema.LocalIndex)


def test_a_wrong_declaration_is_told_as_before():
    with pytest.raises(ModelDefinitionError, match="there is no field 'emial'"):

        class Wrong(Model):
            id = CharField(hash_key=True)
            by_email = GlobalIndex(hash_key="emial")
