"""CharField(strip=True, lower=True): what is stored and compared has one form, what is read stays."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    CompressedField,
    CounterField,
    DictField,
    Document,
    EmbeddedField,
    ForeignKey,
    GlobalIndex,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    SetField,
    ValidationError,
)
from dynamodb_py.codec import from_json
from dynamodb_py.models.options.options import Options
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..wire import ids, model_of, read_by, stored_by

GIVEN, STORED = " Ann@Example.ORG\t", "ann@example.org"


def mail(**options):
    return CharField(strip=True, lower=True, **options)


FORMS = [
    (CharField(strip=True), " A b ", "A b"),
    (CharField(lower=True), " A b ", " a b "),
    (mail(), GIVEN, STORED),
    (mail(), "", ""),
    (mail(), "ÄÖ ", "äö"),
    (mail(required=True), GIVEN, STORED),
    (mail(null=True), GIVEN, STORED),
    (mail(null=True), None, None),
    (mail(default=GIVEN), GIVEN, STORED),
    (mail(choices=["Open", ("PAID", "Paid")]), " OPEN ", "open"),
    (mail(max_length=15), GIVEN, STORED),
    (SetField(mail()), {"A ", "a", " b"}, {"a", "b"}),
    (ListField(mail()), ["A ", "b"], ["a", "b"]),
    (ListField(mail(null=True)), ["A ", None], ["a", None]),
    (DictField(mail()), {"K": "A "}, {"K": "a"}),
    (MapField({"a": mail(), "b": CharField()}), {"a": "A ", "b": "B "}, {"a": "a", "b": "B "}),
    (CompressedField(mail()), GIVEN, STORED),
]  # fmt: skip


@pytest.mark.parametrize(("field", "given", "kept"), FORMS, ids=ids(FORMS))
def test_what_is_written_has_the_form_and_so_has_the_instance_afterwards(field, given, kept):
    wire = stored_by(field, given)
    assert wire is None or read_by(field, wire) == kept
    made = model_of(field)(k="a", x=given)
    encode_item(made)
    assert made.x == kept


@pytest.mark.parametrize(("field", "given", "kept"), FORMS, ids=ids(FORMS))
def test_full_clean_gives_the_instance_the_form(field, given, kept):
    made = model_of(field)(k="a", x=given)
    made.full_clean()
    assert made.x == kept


class Person(Model):
    email = mail(hash_key=True)
    nick = mail()
    names = ListField(mail())
    visits = CounterField()
    by_nick = GlobalIndex(hash_key="nick")


def loaded(**texts):
    return Person.from_db({"email": {"S": "a"}, **{n: {"S": t} for n, t in texts.items()}})


def changed(person):
    return changes_to_write(person, stored_wires(person), validate=True)


CHANGES = [
    ("nothing", "A ", lambda p: None, {}, "A "),
    ("another field", "A ", lambda p: setattr(p, "visits", 1), {"visits": {"N": "1"}}, "A "),
    ("the same text again", "A ", lambda p: setattr(p, "nick", "A "), {}, "A "),
    ("the form itself", "A ", lambda p: setattr(p, "nick", "a"), {"nick": {"S": "a"}}, "a"),
    ("one like it", "A ", lambda p: setattr(p, "nick", "  A"), {"nick": {"S": "a"}}, "a"),
    ("of the form", "a", lambda p: setattr(p, "nick", " A "), {}, "a"),
    ("another", "a", lambda p: setattr(p, "nick", " B"), {"nick": {"S": "b"}}, "b"),
    ("none", "A ", lambda p: setattr(p, "nick", None), {"nick": None}, None),
]  # fmt: skip


@pytest.mark.parametrize(("stored", "change", "sent", "kept"), [row[1:] for row in CHANGES],
                         ids=[row[0] for row in CHANGES])  # fmt: skip
def test_a_text_that_was_read_stays_until_it_is_set(stored, change, sent, kept):
    person = loaded(nick=stored)
    assert (person.nick, person.is_changed) == (stored, False)
    change(person)
    assert changed(person) == sent
    assert person.nick == kept


def test_an_element_that_was_read_stays_until_the_list_is_set():
    person = Person.from_db({"email": {"S": "a"}, "names": {"L": [{"S": "A "}]}})
    person.visits = 1
    assert (changed(person), person.names) == ({"visits": {"N": "1"}}, ["A "])
    person.names.append(" B")
    assert changed(person)["names"] == {"L": [{"S": "a"}, {"S": "b"}]}
    assert person.names == ["a", "b"]


def test_a_put_of_the_whole_item_keeps_what_was_read():
    person = loaded(nick="A ")
    person.visits = 1
    assert from_json(encode_item(person))["nick"] == {"S": "A "}
    assert person.nick == "A "


def test_a_key_that_was_read_is_the_key_that_is_written():
    person = Person.from_db({"email": {"S": " A"}})
    person.visits = 1
    assert Person._meta.key_of(person) == {"email": {"S": " A"}}
    assert changed(person) == {"visits": {"N": "1"}}


class Tag(Document):
    text = mail()
    more = mail()


class Page(Model):
    id = CharField(hash_key=True)
    tag = EmbeddedField(Tag)


def test_a_document_is_as_a_model_is():
    page = Page(id="a", tag=Tag(text=" A"))
    assert from_json(encode_item(page))["tag"] == {"M": {"text": {"S": "a"}}}
    assert page.tag.text == "a"
    page = Page.from_db({"id": {"S": "a"}, "tag": {"M": {"text": {"S": " A"}}}})
    page.tag.more = "B "
    assert changed(page)["tag"] == {"M": {"text": {"S": " A"}, "more": {"S": "b"}}}
    assert (page.tag.text, page.tag.more) == (" A", "b")


CONDITIONS = [
    (lambda: Person.nick == GIVEN, "<Condition: nick = 'ann@example.org'>"),
    (lambda: Person.nick.is_in(["A", " b "]), "<Condition: nick IN ('a', 'b')>"),
    (lambda: Person.nick > " B", "<Condition: nick > 'b'>"),
    (lambda: Person.names.contains(" B"), "<Condition: contains(names, 'b')>"),
    (lambda: Page.tag.text == " A", "<Condition: tag.text = 'a'>"),
    (lambda: Person.nick.begins_with(" B"), "<Condition: begins_with(nick, ' B')>"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "text"), CONDITIONS, ids=range(len(CONDITIONS)))
def test_conditions_compare_the_form_of_values_and_pieces_as_they_are(condition, text):
    assert repr(condition()) == text


@pytest.mark.parametrize("ask", ["first", "again"])
def test_lookups_ask_for_the_form_also_by_a_compiled_query(ask):
    for value in {"first": [GIVEN], "again": ["b", "c", GIVEN]}[ask]:
        query = Person.objects.filter(nick=value)
    assert query.operation().payload()["ExpressionAttributeValues"] == {":0": {"S": STORED}}


def test_a_key_is_named_by_any_spelling():
    meta: Options = Person._meta
    assert meta.key((GIVEN,), {}) == meta.key_of({"email": STORED}) == {"email": {"S": STORED}}


def test_a_hook_gets_the_form():
    class Guest(Model):
        id = CharField(hash_key=True)
        email = mail()

        def clean_email(self, value):
            return f"{value} "

    guest = Guest(id="a", email=GIVEN)
    assert from_json(encode_item(guest))["email"] == {"S": STORED}
    assert guest.email == STORED


def test_the_key_of_a_reference_and_a_part_of_a_key_have_the_form():
    class Letter(Model):
        pk = CharField(hash_key=True, template="TO#{to_id}#{subject}")
        to = ForeignKey(Person)
        subject = mail()

    item = from_json(encode_item(Letter(to_id=GIVEN, subject=" Hi")))
    assert item == {"pk": {"S": f"TO#{STORED}#hi"}}
    read = Letter.from_db({"pk": {"S": "TO#a#Hi"}})
    assert (read.subject, read.is_changed, changed(read)) == ("Hi", False, {})


REFUSED = [
    (mail(max_length=3), " abcd ", "its length 4 is greater than max_length 3"),
    (mail(min_length=3), " a  ", "its length 1 is less than min_length 3"),
    (mail(choices=["a"]), " B", "'b' is not one of 'a'"),
    (mail(), 7, "7 is an int, not text"),
    (mail(required=True), None, "it is required: give it a value"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "message"), REFUSED, ids=ids(REFUSED))
def test_the_options_check_the_form(field, value, message):
    with pytest.raises(ValidationError) as caught:
        stored_by(field, value)
    assert caught.value.errors == {"x": [message]}


def test_a_template_has_its_own_form():
    with pytest.raises(ModelDefinitionError, match="it is made of its template: drop lower="):
        model_of(CharField(template="{k}", lower=True))
