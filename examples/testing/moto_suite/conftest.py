"""conftest.py after: the kit has DynamoDB, and moto still mocks the rest of AWS."""

import os

import boto3
import pytest
from moto import mock_aws

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"


@pytest.fixture
def reports(dynamodb_tables, dynamodb_server):  # boto3 uses the engine too
    from reports import Report

    dynamodb_tables(Report)


@pytest.fixture
def archives():
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="archive")
        yield
