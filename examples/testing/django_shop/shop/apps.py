from django.apps import AppConfig

from dynamodb_py import connect


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        connect(region_name="eu-west-1", table_prefix="live-")
