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
    """A table of several models: one class declares its name, its keys and its indexes.

    A model joins the table by ``Meta.table``, with the templates of its keys:

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

    ``Meta`` has the options of a model's, and ``discriminator``: the attribute that stores the model of
    an item, by default ``"_kind"``. With None there is no such attribute, and the keys alone distinguish
    the models. :meth:`collection` reads the items of several models by one Query.

    A shared table is itself a model: its instances have the stored keys, and all other attributes in
    ``extra``.
    """

    # Type checkers would take the Meta of each shared table for a wrong override.
    if not TYPE_CHECKING:

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
        """Return the models of the table, in the order of their definition.

        >>> [model.__name__ for model in App.models()]
        ['User', 'Order']
        """
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

        :param parts: the values of the parts of a model's hash key template, such as ``user_id=7``; or the
            hash key itself, ``pk="USER#7"``. Besides, lookups of the range key, such as
            ``sk__startswith="ORDER#"`` or ``sk__gte="ORDER#00000005"``.
        :param index: the name of a global index to read instead of the table.
        :param model: the model whose template makes the key, if several fit and make different keys.
        :param only: read only the items of these models.
        :param consistent: True makes strongly consistent reads, at twice the price. The default is that
            of ``options()``.
        :param reverse: read in descending order of the range key.
        :param limit: the largest number of items to return.
        :param using: the alias of a connection; by default, the table's ``Meta.using``.
        :raises TypeError: no model's template has exactly these parts.
        :raises QueryError: several templates have these parts, and make different keys.
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
        """Read the items under one hash key, and return them; the arguments are those of ``collection``."""
        found = cls.collection(**arguments)
        await found.afetch()
        return found
