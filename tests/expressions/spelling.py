"""How expressions are looked at: their text with its placeholders, and botocore's opinion of it."""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from dynamodb_py.expressions import Condition, Names


@functools.cache
def service(name: str = "dynamodb") -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"))


def check_request(api: str, payload: dict[str, Any]) -> None:
    """Fail where botocore's model of the service does not know such a request."""
    streams = service("dynamodbstreams")
    model = streams if api in streams.operation_names else service()
    shape = model.operation_model(api).input_shape
    report = ParamValidator().validate(payload, shape)
    assert not report.has_errors(), report.generate_report()


def spell(condition: Condition) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the condition's text, names and values, as they go into a valid request."""
    names = Names()
    text = condition.render(names)
    payload = names.into({"TableName": "test", "Item": {"id": {"S": "1"}}})
    check_request("PutItem", payload | {"ConditionExpression": text})
    return text, names.names, names.values
