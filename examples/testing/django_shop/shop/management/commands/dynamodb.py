from django.core.management.base import BaseCommand

from dynamodb_py import Table

from ...models import Order


class Command(BaseCommand):
    help = "Make the tables of DynamoDB where they are missing, and bring them to what the models declare."

    def handle(self, *args, **options):
        Table(Order).create(if_not_exists=True)
        Table(Order).update()
