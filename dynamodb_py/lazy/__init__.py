"""The one list of rooms that are loaded at their first use, as many programs never need them.

``import dynamodb_py`` loads the rooms that the definition of models needs. A file that needs one of the other
rooms only when a verb is called imports it from here, and for type checkers from its own place::

    if TYPE_CHECKING:
        from ..queryset import reads
    else:
        from ...lazy import reads

The list may name rooms above those that use it. ``tests/test_architecture.py`` checks that each name exists,
that it has the same meaning here as under TYPE_CHECKING, and that nothing else is loaded late.
"""

from .loading import LazyRoom

EXPORTS = {
    "": {
        "models": "transaction",
        "models.bulk.batch_block": "AsyncBatchBlock BatchBlock",
        "models.bulk.mixed_models": "adelete_all aload asave_all delete_all load save_all",
        "models.bulk.results": "BulkResult Outcome",
        "models.bulk.statements": "aexecute_all execute_all",
        "models.maintenance.denormalized": "CopiesReport arefresh_copies refresh_copies",
        "models.maintenance.unique": "acheck_unique arepair_unique check_unique repair_unique",
        "models.managers.partiql": "RawQuery",
        "models.queryset.pages": "Page",
        "models.queryset.prefetch.levels": "aprefetch prefetch",
        "models.queryset.prefetch.wants": "Dangling",
        "models.queryset.write_execution": "Done",
        "models.relations.many_set": "ManySet",
        "models.relations.many_to_many": "ManyToManyField",
        "models.relations.prefetch_lookup": "Prefetch",
        "models.relations.reverse": "RelatedSet",
        "models.shared_tables.item_collections": "Collection",
        "models.shared_tables.shared_table": "SharedTable",
        "models.soft_delete": "SoftDelete SoftDeleteManager SoftDeleteQuerySet Timestamped",
        "models.stream_events": "record_from_event",
        "models.typed": "TypedDocument TypedModel",
        "planning.estimates": "Estimate",
        "planning.plan": "Plan",
        "reading.iteration": "Walk",
        "streams.delivery.events": "stream_handler",
        "streams.delivery.runner": "StreamRunner",
        "streams.delivery.worker": "FailedRecord",
        "streams.records": "StreamRecord",
        "streams.stream": "Stream",
        "tables.many": "Tables",
        "tables.steps": "TablePlan TableStep",
        "tables.table": "Table",
    },
    "planning": {
        "planning.estimates": "Estimate estimate find_sizes",
        "planning.plan_cache": "Shortcut",
        "planning.planner": "Planner",
    },
    "reading": {
        "reading.cursors": "decode encode hash_query",
        "reading.iteration": "Walk adrive_pages drive_pages",
        "reading.positions": "Mark Position reversed_plan",
        "reading.reader": "Reader",
    },
    "transports": {"transports.boto": "AsyncBotoTransport BotoTransport"},
}
"""The names that each package exports and loads at their first use, by room."""

COMMANDS = {
    "cli.commands.denormalize": "denormalize",
    "cli.commands.dump": "dump load",
    "cli.commands.export": "export",
    "cli.commands.inspect": "inspect",
    "cli.commands.local": "local",
    "cli.commands.migrate": "migrate",
    "cli.commands.sql": "sql",
    "cli.commands.stream": "stream",
    "cli.commands.tables": "tables",
    "cli.commands.unique": "unique",
}
"""The commands of the command line, by room."""

arguments = LazyRoom("credentials.arguments")
backrefs = LazyRoom("models.relations.backrefs")
batch_gets = LazyRoom("models.managers.batch_get", "batch_get_items")
batching = LazyRoom("batching")
boto = LazyRoom("transports.boto")
buckets = LazyRoom("pacing.buckets")
bulk_writes = LazyRoom(
    "models.bulk.writes",
    "abatch_write batch_write bulk_create_items bulk_delete_items bulk_update_items",
)
callers = LazyRoom("observing.callers")
cascade = LazyRoom("models.relations.cascade")
computed_writes = LazyRoom("models.keys.computed_writes")
creates = LazyRoom(
    "models.managers.create", "create_one get_or_create_one insert_one update_or_create_one"
)
declaration = LazyRoom("models.fields.declaration")
deletes = LazyRoom("models.persistence.delete", "delete_instance")
display = LazyRoom("models.attribute_values.display")
embedded = LazyRoom("local.transport")
execution = LazyRoom("models.queryset.execution")
formats = LazyRoom("models.fields.times.formats")
fetch = LazyRoom("models.attribute_values.fetch")
http_aio = LazyRoom("http.aio")
iteration = LazyRoom("reading.iteration")
key_deletes = LazyRoom("models.managers.delete_by_key", "delete_by_key")
key_readers = LazyRoom("reading.keys")
log = LazyRoom("observing.log")
n_plus_one = LazyRoom("observing.n_plus_one")
pacing_flows = LazyRoom("pacing.flows")
paging = LazyRoom("models.queryset.pages", "get_page")
partiql = LazyRoom("models.managers.partiql", "execute_statement")
plain = LazyRoom("models.records.plain")
planning = LazyRoom("planning")
prefetch_paths = LazyRoom("models.queryset.prefetch.paths")
projection = LazyRoom("models.queryset.projection")
reads = LazyRoom(
    "models.queryset.reads",
    "contains_item count_rows estimate_cost get_earliest get_first get_in_bulk get_last get_latest get_one "
    "get_or_none has_rows",
)
pydantic_schemas = LazyRoom("models.interop.pydantic_schemas")
recipes = LazyRoom("models.keys.recipes")
refreshes = LazyRoom(
    "models.persistence.refresh",
    "decrement fetch_instance increment refresh_instance touch_instance",
)
requests = LazyRoom("observing.requests")
rewriting = LazyRoom("models.keys.rewriting")
saves = LazyRoom("models.persistence.save", "save_instance")
serving = LazyRoom("testing.serving")
spelling = LazyRoom("models.attribute_values.spelling")
streams_links = LazyRoom("transports.streams")
stream_reader = LazyRoom("streams.reader")
stream_records = LazyRoom("streams.records")
stream_rooms = LazyRoom("streams.stream")
stored = LazyRoom("models.persistence.stored")
table_options = LazyRoom("schema.options")
tables = LazyRoom("operations.tables")
terminal = LazyRoom("cli.terminal")
templates = LazyRoom("models.keys.template")
tracking = LazyRoom("models.persistence.tracking")
transactions = LazyRoom("operations.transactions")
transports = LazyRoom("transports")
unique_lookup = LazyRoom("models.queryset.unique_lookup")
unknown_options = LazyRoom("models.fields.unknown_options")
unsupported_lookups = LazyRoom("expressions.unsupported_lookups")
updates = LazyRoom("models.persistence.update", "update_instance")
validation = LazyRoom("models.records.validation")
wire_values = LazyRoom("models.attribute_values.values")
writes = LazyRoom("models.queryset.writes", "delete_matching modify_one update_matching")
