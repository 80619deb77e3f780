"""factory_boy for models of dynamodb_py."""

from contextvars import ContextVar

import factory
from models import Customer, Order

from dynamodb_py import save_all

_batch = ContextVar("_batch", default=None)


class DynamoDBModelFactory(factory.Factory):
    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        batch = _batch.get()
        if batch is None:
            return model_class.create(*args, **kwargs)  # AlreadyExists, if the key is taken
        batch.append(model_class(*args, **kwargs))
        return batch[-1]

    @classmethod
    def create_batch(cls, size, **kwargs):
        """Write the instances, and those of their sub-factories, 25 items in each request."""
        token = _batch.set([])
        try:
            instances = super().create_batch(size, **kwargs)
            batch = _batch.get()
        finally:
            _batch.reset(token)
        save_all(batch)
        return instances


class CustomerFactory(DynamoDBModelFactory):
    class Meta:
        model = Customer

    id = factory.Sequence("customer-{}".format)
    name = factory.Faker("name")


class OrderFactory(DynamoDBModelFactory):
    class Meta:
        model = Order

    class Params:
        sent = factory.Trait(status="sent")

    id = factory.Sequence("order-{}".format)
    customer = factory.SubFactory(CustomerFactory)
    total = factory.Faker("random_int", min=1, max=1000)
