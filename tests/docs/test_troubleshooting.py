"""The messages on the page of troubleshooting are those that the package, or DynamoDB, has."""

import ast
import datetime as dt
import re

import pytest

from dynamodb_py import CharField, DateTimeField, DecimalField, IntegerField, Model

from .pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.rst").read_text("utf-8")
MESSAGES = re.findall(r"^``([^`]+)``$", PAGE, re.MULTILINE)

FROM_DYNAMODB = {
    "... is not authorized to perform: dynamodb:...",
    "Requested resource not found",
    "Signature expired",
    "Subscriber limit exceeded",
    "The conditional request failed",
    "The level of configured provisioned throughput for the table was exceeded",
    "The provided key element does not match the schema",
    "The security token included in the request is expired",
    "The security token included in the request is invalid",
    "The table does not have the specified index",
    "Throughput exceeds the current capacity of your table or index",
    "Transaction cancelled, please refer cancellation reasons for specific reasons",
    "Transaction is ongoing for the item",
    "Type mismatch for key ...",
}


class Bill(Model):
    id = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    amount = DecimalField()
    due = DateTimeField()


COMPOSED = {
    "... is a float, not a Decimal: write Decimal(...)": lambda: Bill.amount.encode(0.1),
    "... is a str, not an int: convert it": lambda: Bill.number.encode("3"),
    "... is a date, not a datetime": lambda: Bill.due.encode(dt.date(2026, 11, 1)),
    "DynamoDB has no icontains": lambda: Bill.objects.filter(id__icontains="a"),
    "the key of ... is ..., not ...": lambda: Bill.get("a"),
}
"""Messages that several parts of the code compose, and calls that raise them."""


def gather_texts() -> set[str]:
    """Return the texts in the code of the package, with three dots in place of what is filled in."""
    found = set()
    for path in (ROOT / "dynamodb_py").rglob("*.py"):
        if "local" in path.relative_to(ROOT).parts:
            continue  # the embedded database, which speaks as DynamoDB does
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    each.value if isinstance(each, ast.Constant) else "..." for each in node.values
                ]
                found.add("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


TEXTS = gather_texts()


def matches(message: str, text: str) -> bool:
    parts = [re.escape(part.strip()) for part in message.split("...")]
    return bool(re.search(".*".join(parts), text, re.DOTALL))


def is_in_code(message: str) -> bool:
    return any(matches(message, text) for text in TEXTS)


def test_a_message_that_nobody_writes_is_noticed():
    assert is_in_code("migrations are being run by ...; its lease ends")
    assert not is_in_code("migrations are being run by ...; their lease ends")
    assert not is_in_code("its lease ends ... migrations are being run by")


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_the_package_s_or_dynamodb_s(message):
    assert (message in FROM_DYNAMODB or message in COMPOSED) != is_in_code(message)


@pytest.mark.parametrize("message", COMPOSED)
def test_a_composed_message_is_raised(message):
    with pytest.raises((TypeError, ValueError)) as caught:
        COMPOSED[message]()
    assert matches(message, str(caught.value))


def test_the_page_has_the_messages_and_marks_those_of_dynamodb():
    assert len(MESSAGES) == len(set(MESSAGES)) > 60
    assert FROM_DYNAMODB | COMPOSED.keys() <= set(MESSAGES)
    for message in FROM_DYNAMODB:
        answer = PAGE.partition(f"``{message}``\n")[2].partition("\n\n")[0]
        assert answer.lstrip().startswith("From DynamoDB")
