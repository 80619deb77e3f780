"""boto3's client as OpenTelemetry instruments it; spans are made and handed to nobody."""

from __future__ import annotations

from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from contenders import boto3


def instrument() -> None:
    """Let OpenTelemetry make a span of each request that goes through botocore."""
    BotocoreInstrumentor().instrument(tracer_provider=TracerProvider())


class Contestant(boto3.Contestant):
    """boto3's client, each request a span."""

    title = "boto3 client, OpenTelemetry"
    imports = cold = ""

    def __init__(self, endpoint: str) -> None:
        instrument()
        super().__init__(endpoint)
