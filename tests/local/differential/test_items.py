"""Items, conditions, updates and projections: the answers of real engines, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .requests import (
    attributes,
    conditions,
    projections,
    rough_attributes,
    updates,
)


def new_key() -> dict[str, Any]:
    return {"h": {"S": uuid.uuid4().hex}, "r": {"N": "1"}}


@examples(first=rough_attributes, second=attributes, returned=st.sampled_from(["NONE", "ALL_OLD"]))
def test_items_come_back_as_they_are_kept(bench, first, second, returned):
    key = new_key()
    story = bench.story()
    for item in (first, second):
        story.compare("PutItem", TableName="things", Item={**key, **item}, ReturnValues=returned)
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)
    story.compare("DeleteItem", TableName="things", Key=key, ReturnValues=returned)
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


@examples(item=attributes, condition=conditions())
def test_conditions_hold_for_the_same_items(bench, item, condition):
    key, (text, members) = new_key(), condition
    story = bench.story()
    story.compare("PutItem", TableName="things", Item={**key, **item})
    story.compare("DeleteItem", TableName="things", Key=key, ConditionExpression=text, **members)
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


@examples(
    item=attributes,
    update=updates(),
    returned=st.sampled_from(["ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"]),
)
def test_updates_do_the_same(bench, item, update, returned):
    key, (text, members) = new_key(), update
    story = bench.story()
    story.compare("PutItem", TableName="things", Item={**key, **item})
    story.compare(
        "UpdateItem",
        TableName="things",
        Key=key,
        UpdateExpression=text,
        ReturnValues=returned,
        **members,
    )
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


@examples(item=attributes, projection=projections())
def test_projections_give_the_same(bench, item, projection):
    key = new_key()
    story = bench.story()
    story.compare("PutItem", TableName="things", Item={**key, **item})
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True, **projection)
