"""conftest.py before: moto mocks all of AWS."""

import os

import boto3
import pytest
from moto import mock_aws

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"


@pytest.fixture
def aws():
    with mock_aws():
        yield


@pytest.fixture
def reports(aws):
    boto3.client("dynamodb").create_table(
        TableName="reports",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def archives(aws):
    boto3.client("s3").create_bucket(Bucket="archive")
