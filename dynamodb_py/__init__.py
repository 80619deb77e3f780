"""Active Record for Amazon DynamoDB, with a manager API in Django's manner."""

from typing import TYPE_CHECKING

from . import exceptions, signals
from .connections import Connection, connect, get_connection, options
from .exceptions import *  # noqa: F403
from .expressions import Condition, F, Q, RawExpression
from .metering import capacity
from .models import validators
from .models.constraints import UniqueConstraint
from .models.document import Document
from .models.fields.base import Field
from .models.fields.containers.composite import CompositeField
from .models.fields.containers.compressed import CompressedField
from .models.fields.containers.elements import register_field
from .models.fields.containers.embedded import EmbeddedField
from .models.fields.containers.lists import ListField, SetField
from .models.fields.containers.maps import DictField, MapField
from .models.fields.ids import ULIDField, UUIDField
from .models.fields.numbers import (
    BooleanField,
    CounterField,
    DecimalField,
    FloatField,
    IntegerField,
)
from .models.fields.text import BinaryField, CharField, EnumField, TextField
from .models.fields.times.dates import DateField, TimeField
from .models.fields.times.datetimes import DateTimeField, TimestampField
from .models.fields.times.durations import TimeDeltaField
from .models.fields.version import VersionField
from .models.foreign_keys.field import ForeignKey, OneToOneField
from .models.foreign_keys.on_delete import CASCADE, DO_NOTHING, NULLIFY, PROTECT, OnDelete
from .models.managers.indexes import GlobalIndex, LocalIndex
from .models.managers.manager import Manager
from .models.managers.queryset import QuerySet
from .models.model import Model
from .models.validators import *  # noqa: F403
from .retries import Retries

if TYPE_CHECKING:
    from .models import transaction
    from .models.bulk.batch_block import AsyncBatchBlock, BatchBlock
    from .models.bulk.mixed_models import adelete_all, aload, asave_all, delete_all, load, save_all
    from .models.bulk.results import BulkResult, Outcome
    from .models.bulk.statements import aexecute_all, execute_all
    from .models.maintenance.denormalized import CopiesReport, arefresh_copies, refresh_copies
    from .models.maintenance.unique import (
        acheck_unique,
        arepair_unique,
        check_unique,
        repair_unique,
    )
    from .models.managers.partiql import RawQuery
    from .models.queryset.pages import Page
    from .models.queryset.prefetch.levels import aprefetch, prefetch
    from .models.queryset.prefetch.wants import Dangling
    from .models.queryset.write_execution import Done
    from .models.relations.many_set import ManySet
    from .models.relations.many_to_many import ManyToManyField
    from .models.relations.prefetch_lookup import Prefetch
    from .models.relations.reverse import RelatedSet
    from .models.shared_tables.item_collections import Collection
    from .models.shared_tables.shared_table import SharedTable
    from .models.soft_delete import SoftDelete, SoftDeleteManager, SoftDeleteQuerySet, Timestamped
    from .models.stream_events import record_from_event
    from .models.typed import TypedDocument, TypedModel
    from .planning import Estimate, Plan
    from .reading import Walk
    from .streams.delivery.events import stream_handler
    from .streams.delivery.runner import StreamRunner
    from .streams.delivery.worker import FailedRecord
    from .streams.records import StreamRecord
    from .streams.stream import Stream
    from .tables.many import Tables
    from .tables.steps import TablePlan, TableStep
    from .tables.table import Table
else:
    from .lazy import EXPORTS
    from .lazy.loading import export_lazily

    __getattr__, __dir__ = export_lazily(EXPORTS[""], globals())

__version__ = "0.2.0"

__all__ = [
    "CASCADE",
    "DO_NOTHING",
    "NULLIFY",
    "PROTECT",
    "AsyncBatchBlock",
    "BatchBlock",
    "BinaryField",
    "BooleanField",
    "BulkResult",
    "CharField",
    "Collection",
    "CompositeField",
    "CompressedField",
    "Condition",
    "Connection",
    "CopiesReport",
    "CounterField",
    "Dangling",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "DictField",
    "Document",
    "Done",
    "EmbeddedField",
    "EnumField",
    "Estimate",
    "F",
    "FailedRecord",
    "Field",
    "FloatField",
    "ForeignKey",
    "GlobalIndex",
    "IntegerField",
    "ListField",
    "LocalIndex",
    "Manager",
    "ManySet",
    "ManyToManyField",
    "MapField",
    "Model",
    "OnDelete",
    "OneToOneField",
    "Outcome",
    "Page",
    "Plan",
    "Prefetch",
    "Q",
    "QuerySet",
    "RawExpression",
    "RawQuery",
    "RelatedSet",
    "Retries",
    "SetField",
    "SharedTable",
    "SoftDelete",
    "SoftDeleteManager",
    "SoftDeleteQuerySet",
    "Stream",
    "StreamRecord",
    "StreamRunner",
    "Table",
    "TablePlan",
    "TableStep",
    "Tables",
    "TextField",
    "TimeDeltaField",
    "TimeField",
    "TimestampField",
    "Timestamped",
    "TypedDocument",
    "TypedModel",
    "ULIDField",
    "UUIDField",
    "UniqueConstraint",
    "VersionField",
    "Walk",
    "acheck_unique",
    "adelete_all",
    "aexecute_all",
    "aload",
    "aprefetch",
    "arefresh_copies",
    "arepair_unique",
    "asave_all",
    "capacity",
    "check_unique",
    "connect",
    "delete_all",
    "execute_all",
    "get_connection",
    "load",
    "options",
    "prefetch",
    "record_from_event",
    "refresh_copies",
    "register_field",
    "repair_unique",
    "save_all",
    "signals",
    "stream_handler",
    "transaction",
]
__all__ += exceptions.__all__
__all__ += validators.__all__
