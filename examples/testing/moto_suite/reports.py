"""Code under test that uses models and also boto3."""

import boto3

from dynamodb_py import CharField, IntegerField, Model

client = boto3.client("dynamodb")  # made at import, as in many functions of AWS Lambda


class Report(Model):
    class Meta:
        table_name = "reports"

    id = CharField(hash_key=True)
    views = IntegerField(default=0)


def count_view(key):
    """Count with boto3, as the code did before it had models."""
    client.update_item(
        TableName="reports",
        Key={"id": {"S": key}},
        UpdateExpression="ADD #views :one",
        ExpressionAttributeNames={"#views": "views"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def list_popular(least):
    return [each.id for each in Report.objects.filter(views__gte=least).scan()]


def archive(key):
    """Move a report to S3."""
    report = Report.objects.get(id=key)
    boto3.client("s3").put_object(Bucket="archive", Key=key, Body=report.to_json().encode())
    report.delete()
