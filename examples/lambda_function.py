"""A function of AWS Lambda behind API Gateway, which counts the visits of pages.

Models are defined once, when the process starts. Connections stay open between invocations.
"""

from __future__ import annotations

from typing import Any

from dynamodb_py import (
    CharField,
    DateTimeField,
    DeadlineExceeded,
    IntegerField,
    Model,
    Throttled,
    get_connection,
    options,
)


class Page(Model):
    class Meta:
        table_name = "pages"

    path = CharField(hash_key=True)
    visits = IntegerField(default=0)
    last = DateTimeField(auto_now=True)


# Loaded during initialization, which provisioned concurrency and SnapStart run ahead of time.
READY = get_connection, Page.objects.get_or_none, Page.incr


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Count a visit (POST), or return the number of visits (GET)."""
    path = event["rawPath"]
    left = context.get_remaining_time_in_millis() / 1000
    try:
        with options(deadline=max(left - 0.5, 0.1)):  # leaves time for the response
            if event["requestContext"]["http"]["method"] == "POST":
                Page(path=path).incr(visits=1)
                return {"statusCode": 204}
            page = Page.get(path)
    except (DeadlineExceeded, Throttled):
        return {"statusCode": 503, "headers": {"Retry-After": "1"}}
    if page is None:
        return {"statusCode": 404}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": page.to_json(),
    }
