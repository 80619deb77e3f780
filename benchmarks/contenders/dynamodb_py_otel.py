"""dynamodb_py under OpenTelemetry, which instruments botocore: requests go through botocore then."""

from __future__ import annotations

from contenders import dynamodb_py
from contenders.boto3_otel import instrument


class Contestant(dynamodb_py.Contestant):
    """dynamodb_py's models, each request a span."""

    title = "dynamodb_py, OpenTelemetry"
    imports = cold = ""

    def __init__(self, endpoint: str) -> None:
        instrument()
        super().__init__(endpoint)
