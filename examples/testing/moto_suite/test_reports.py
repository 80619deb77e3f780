"""Tests that ran on moto, and run on the kit unchanged."""

import boto3
import pytest
from reports import Report, archive, client, count_view, list_popular

pytestmark = pytest.mark.usefixtures("reports")


def test_views_are_counted():
    Report.create(id="a")
    count_view("a")
    count_view("b")
    assert Report.objects.get(id="a").views == 1
    assert list_popular(1) == ["a", "b"]


def test_boto3_sees_what_models_write():
    Report.create(id="a", views=3)
    assert client.get_item(TableName="reports", Key={"id": {"S": "a"}})["Item"] == {
        "id": {"S": "a"},
        "views": {"N": "3"},
    }


@pytest.mark.usefixtures("archives")
def test_an_archived_report_is_in_s3_alone():
    Report.create(id="a", views=3)
    archive("a")
    assert Report.objects.count() == 0
    assert b'"a"' in boto3.client("s3").get_object(Bucket="archive", Key="a")["Body"].read()
