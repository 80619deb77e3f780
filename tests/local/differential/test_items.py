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
    simple_values,
    updates,
)


def new_key() -> dict[str, Any]:
    return {"h": {"S": uuid.uuid4().hex}, "r": {"N": "1"}}


index_keys = st.fixed_dictionaries({}, optional={"l": simple_values, "g": simple_values})


@examples(
    first=rough_attributes,
    second=attributes,
    indexed=st.just({}) | index_keys,
    returned=st.sampled_from(["NONE", "ALL_OLD"]),
    consumed=st.sampled_from(["NONE", "TOTAL", "INDEXES"]),
)
def test_items_come_back_as_they_are_kept(bench, first, second, indexed, returned, consumed):
    key = new_key()
    common = {"TableName": "things", "ReturnConsumedCapacity": consumed}
    story = bench.story()
    for item in (first, {**second, **indexed}):
        story.compare("PutItem", Item={**key, **item}, ReturnValues=returned, **common)
    story.compare("GetItem", Key=key, ConsistentRead=True, **common)
    story.compare("DeleteItem", Key=key, ReturnValues=returned, **common)
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


WRITES: dict[str, dict[str, Any]] = {
    "PutItem": {},
    "UpdateItem": {"UpdateExpression": "REMOVE zz"},
    "DeleteItem": {},
}


@examples(
    item=attributes,
    condition=conditions(),
    operation=st.sampled_from(sorted(WRITES)),
    returned=st.sampled_from(["NONE", "ALL_OLD"]),
)
def test_conditions_hold_for_the_same_items(bench, item, condition, operation, returned):
    key, (text, members) = new_key(), condition
    place = {"Item": key} if operation == "PutItem" else {"Key": key}
    story = bench.story()
    story.compare("PutItem", TableName="things", Item={**key, **item})
    story.compare(
        operation,
        TableName="things",
        ConditionExpression=text,
        ReturnValuesOnConditionCheckFailure=returned,
        **place,
        **WRITES[operation],
        **members,
    )
    story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


@examples(
    item=st.none() | attributes,
    update=updates(),
    returned=st.sampled_from(["ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"]),
)
def test_updates_do_the_same(bench, item, update, returned):
    key, (text, members) = new_key(), update
    story = bench.story()
    if item is not None:
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
