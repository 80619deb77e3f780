"""Shared tables: several models in one table, distinguished by their keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from ...exceptions import ModelDefinitionError
from ..model import Model
from .collection_arguments import make_collection
from .item_collections import Collection
from .layout import SharedTableLayout


class SharedTable(Model):
    """A table of several models: its name, its keys and its indexes, declared once.

    A model is placed in it by ``Meta.table``, with the templates of its keys:

    >>> from dynamodb_py import CharField, GlobalIndex, IntegerField, Model
    >>> class App(SharedTable):
    ...     class Meta:
    ...         table_name = "app"
    ...
    ...     pk = CharField(hash_key=True)
    ...     sk = CharField(range_key=True)
    ...     gsi1pk = CharField()
    ...     gsi1sk = CharField()
    ...     by_gsi1 = GlobalIndex(hash_key="gsi1pk", range_key="gsi1sk")
    >>> class Order(Model):
    ...     class Meta:
    ...         table = App
    ...         keys = {"pk": "USER#{user_id}", "sk": "ORDER#{number:08d}"}
    ...
    ...     user_id = IntegerField()
    ...     number = IntegerField()
    >>> Order(user_id=7, number=12).sk
    'ORDER#00000012'

    ``Meta`` takes what that of a model takes, and ``discriminator``: the attribute that says which
    model an item is of, ``"_kind"`` by default. With None there is no such attribute, and the keys
    alone tell the models apart. :meth:`collection` reads the items of several models by one Query.

    It is itself a model of its items as they are stored: keys, and the rest in ``extra``.
    """

    if not TYPE_CHECKING:  # else that of each shared table would have to be of its kind

        class Meta:
            """The options of the abstract base class."""

            abstract = True
            discriminator = "_kind"

    _layout: ClassVar[SharedTableLayout]
    """The layout, on each shared table that is not abstract; the attribute marks shared tables."""

    if not TYPE_CHECKING:
        _layout = None

    @classmethod
    def _prepare(cls, *, late: bool = False) -> None:
        layout: SharedTableLayout | None = vars(cls).get("_layout")
        if layout is not None and (models := layout.models):
            raise ModelDefinitionError(
                f"{cls.__name__} has models already, such as {models[0].__name__}, which were made with "
                "its fields and indexes: declare all of them in the class"
            )
        super()._prepare(late=late)
        if "_meta" in cls.__dict__:
            cls._layout = SharedTableLayout(cls._meta)

    @classmethod
    def models(cls) -> list[type[Model]]:
        """Return the models that are in the table, in the order of their classes."""
        return cls._layout.models

    @classmethod
    def collection(
        cls,
        *,
        index: str | None = None,
        model: type[Model] | None = None,
        only: Iterable[type[Model]] | None = None,
        consistent: bool | None = None,
        reverse: bool = False,
        limit: int | None = None,
        using: str | None = None,
        **parts: Any,
    ) -> Collection:
        """Return the items of all models under one hash key; nothing is sent yet.

        >>> from dynamodb_py import CharField
        >>> class Notes(SharedTable):
        ...     pk = CharField(hash_key=True)
        ...     sk = CharField(range_key=True)
        >>> Notes.collection(pk="USER#7", sk__startswith="ORDER#").plan().operations[0].api
        'Query'

        :param parts: the values of the parts that the hash templates of the models are made of, as
            in ``user_id=7``; or the key itself, ``pk="USER#7"``. Beside it, lookups of the range key,
            such as ``sk__startswith="ORDER#"`` or ``sk__gte="ORDER#00000005"``.
        :param index: the name of a global index to read in place of the table.
        :param model: the model whose template to use, if several fit and make different keys.
        :param only: read the items of these models alone.
        :param consistent: True sees every write before it, for twice the price; by default as
            ``options()`` says.
        :param reverse: the opposite order of the range key.
        :param limit: how many items at most.
        :param using: the alias of a connection, in place of the table's own.
        :raises TypeError: no model's key is made of these parts.
        :raises QueryError: several are, and they make different keys.
        """
        return make_collection(
            cls,
            parts,
            index=index,
            model=model,
            only=only,
            consistent=consistent,
            reverse=reverse,
            limit=limit,
            using=using,
        )

    @classmethod
    async def acollection(cls, **arguments: Any) -> Collection:
        """Return the items under one hash key, read; the arguments are those of ``collection``."""
        found = cls.collection(**arguments)
        await found.afetch()
        return found
