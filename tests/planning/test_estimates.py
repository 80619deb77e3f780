"""Estimates: from what DescribeTable says, with the rules that DynamoDB bills by."""

from __future__ import annotations

import pytest

from dynamodb_py.expressions import F
from dynamodb_py.planning import Planner, estimate

from .tables import asking, subject

DESCRIPTION = {
    "ItemCount": 1000,
    "TableSizeBytes": 1000 * 8192,
    "GlobalSecondaryIndexes": [
        {"IndexName": "titles", "ItemCount": 500, "IndexSizeBytes": 500 * 8192},
        {"IndexName": "wins", "ItemCount": 1000, "IndexSizeBytes": 1000 * 64},
    ],
    "LocalSecondaryIndexes": [{"IndexName": "by_score", "ItemCount": 10, "IndexSizeBytes": 40960}],
}
ONE, TITLE = F("user") == "a", F("title") == "b"
CASES = [
    (asking(ONE & TITLE), 0.5, 1.0, 1.0),
    (asking(ONE & TITLE, consistent=True), 1.0, 2.0, 2.0),
    (asking((F("user").is_in("a", "b")) & TITLE), 1.0, 2.0, 1.0),
    (asking(ONE), 0.5, 1000.0, 1.0),
    (asking(ONE, limit=10), 0.5, 10.0, 1.0),
    (asking(ONE & (F("wins") == 1), limit=10), 0.5, 1000.0, 1.0),
    (asking(TITLE, index="titles"), 0.5, 500.0, 1.0),
    (asking(ONE, "score"), 0.5, 5.0, 0.5),
    (asking(TITLE, index="wins"), 0.5, 8.0, 0.0078125),
    (asking(TITLE, index="wins", full=True), 0.5, 1008.0, 1.0078125),
    (asking(), 1000.0, 1000.0, 1.0),
    (asking(ONE & (F("user") == "b")), 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("question", "least", "most", "per_item"), CASES)
def test_what_a_plan_would_cost(question, least, most, per_item):
    found = estimate(Planner(subject()).explain("scores", question), DESCRIPTION)
    assert (found.least, found.most, found.per_item) == (least, most, per_item)
    assert "read units" in str(found)


def test_an_empty_table_costs_the_least_that_there_is():
    found = estimate(Planner(subject()).explain("scores", asking(ONE)), {})
    assert (found.least, found.most, found.items) == (0.5, 0.5, 0)
