"""Errors as answers: what each means for a client, and that nothing of the database is in them."""

from __future__ import annotations

import pytest

from dynamodb_py import CharField, Model, VersionField, exceptions
from dynamodb_py.contrib.responses import (
    ANSWERED,
    BUSY,
    answer_error,
    format_links,
    has_match,
    list_cursors,
    make_etag,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.models.queryset.pages import Page


def canceled(*codes):
    """Return the error of a transaction, with the errors of its calls."""
    reasons = [{"Code": code, "Message": "secret"} for code in codes]
    error = make_service_error(
        "TransactionCanceledException", "secret", body={"CancellationReasons": reasons}
    )
    for reason in error.reasons:
        if reason.code == "ConditionalCheckFailed":
            reason.error = exceptions.StaleItem("secret")
    return error


def taken(*fields):
    error = make_service_error("DuplicateItemException", "secret")
    error.fields = fields
    return error


class Note(Model):
    id = CharField(hash_key=True)
    version = VersionField()


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (Note.DoesNotExist("secret"), 404, "not found"),
        (Note.AlreadyExists("secret"), 409, "it exists already"),
        (taken("login", "email"), 409, "there is one with the same login, email already"),
        (exceptions.StaleItem("secret"), 409, "somebody else changed it meanwhile"),
        (exceptions.ConditionFailed("secret"), 409, "its present state does not allow that"),
        (exceptions.ProtectedError("secret"), 409, "others refer to it"),
        (make_service_error("ThrottlingException", "secret"), 503, BUSY),
        (make_service_error("InternalServerError", "secret", status=500), 503, BUSY),
        (make_service_error("TransactionConflictException", "secret"), 503, BUSY),
        (exceptions.BatchIncomplete("secret"), 503, BUSY),
        (exceptions.ReadTimeout("secret"), 503, BUSY),
        (exceptions.DeadlineExceeded("secret"), 503, BUSY),
        (canceled("None", "ConditionalCheckFailed"), 409, "somebody else changed it meanwhile"),
        (canceled("ThrottlingError", "ConditionalCheckFailed"), 409, "somebody else changed it meanwhile"),
        (canceled("DuplicateItem"), 409, "its present state does not allow that"),
        (canceled("ThrottlingError", "TransactionConflict"), 503, BUSY),
    ],
)  # fmt: skip
def test_an_error_is_answered_without_words_of_the_database(error, status, detail):
    answer = answer_error(error)
    assert isinstance(error, ANSWERED)
    assert (answer.status, answer.detail) == (status, detail)
    assert answer.headers == ({"Retry-After": "1"} if status == 503 else {})


def test_a_transaction_that_a_fault_of_the_program_canceled_stays_that():
    error = canceled("ThrottlingError", "ValidationError")
    with pytest.raises(exceptions.TransactionCanceled) as caught:
        answer_error(error)
    assert caught.value is error


@pytest.mark.parametrize(("header", "status"), [(None, 409), ('"1"', 412)])
def test_what_is_stale_is_412_where_a_version_was_given(header, status):
    assert answer_error(exceptions.StaleItem("secret"), if_match=header).status == status


def test_what_is_wrong_is_answered_with_paths():
    error = exceptions.ValidationError(
        {"lines[1].qty": ["it is not a number", "it is late"], "": "no"}
    )
    assert answer_error(error).detail == [
        {"type": "value_error", "loc": ["body", "lines", 1, "qty"], "msg": "it is not a number"},
        {"type": "value_error", "loc": ["body", "lines", 1, "qty"], "msg": "it is late"},
        {"type": "value_error", "loc": ["body"], "msg": "no"},
    ]


@pytest.mark.parametrize(
    "error",
    [
        make_service_error("AccessDeniedException", ""),
        make_service_error("ResourceNotFoundException", ""),
        make_service_error("ValidationException", ""),
        exceptions.QueryError(),
        exceptions.ConfigurationError(),
        exceptions.FieldNotLoaded(),
        exceptions.MultipleObjectsReturned(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_the_program_is_no_affair_of_a_client(error):
    assert not isinstance(error, ANSWERED)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"3"', True),
        ('"2", "3"', True),
        ('"2" ,"3" ', True),
        ("*", True),
        ('"33"', False),
        ('W/"3"', False),
        ("3", False),
        ("", False),
    ],
)
def test_a_tag_is_found_in_a_header(header, expected):
    assert has_match('"3"', header) is expected


def test_a_tag_is_made_of_the_version():
    note = Note.from_db({"id": {"S": "a"}, "version": {"N": "7"}})
    assert make_etag(note) == '"7"'


def test_a_model_without_a_version_has_no_tag():
    class Plain(Model):
        id = CharField(hash_key=True)

    with pytest.raises(exceptions.ModelDefinitionError, match="Plain has no VersionField"):
        make_etag(Plain("a"))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page([]), {}),
        (Page([], "n"), {"next": "n"}),
        (Page([], "n", "p"), {"next": "n", "prev": "p"}),
        (Page([], None, "p"), {"prev": "p"}),
    ],
)
def test_a_page_has_links_where_there_are_others(page, expected):
    assert list_cursors(page) == expected


def test_links_are_one_header():
    assert format_links({"next": "/a?b", "prev": "/c"}) == '</a?b>; rel="next", </c>; rel="prev"'
