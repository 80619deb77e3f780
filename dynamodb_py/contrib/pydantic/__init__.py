"""Models and documents for pydantic.

A model and a document are types that pydantic knows, in ``TypeAdapter``, in the fields of pydantic's models, and in
FastAPI; :func:`pydantic_model` makes a pydantic model of some of a model's fields.

>>> from pydantic import TypeAdapter
>>> from dynamodb_py import CharField, DecimalField, Model
>>> class Product(Model):
...     sku = CharField(hash_key=True, max_length=8)
...     price = DecimalField(places=2)
>>> adapter = TypeAdapter(Product)
>>> adapter.validate_json('{"sku": "a1", "price": "12.50"}')
Product(sku='a1', price=Decimal('12.50'))
>>> adapter.dump_json(Product(sku="a1")).decode()
'{"sku":"a1","price":null}'
"""

from .inputs import pydantic_model

__all__ = ["pydantic_model"]
