"""Writing the models of a table, for one kind of items or several, and checking them with the sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from ..codec import from_json
from ..connections import get_connection
from ..exceptions import ModelDefinitionError
from ..flows import run
from ..metering import format_count
from ..models.model import Model
from ..schema import TableSchema
from .checking import find_misfits, make_module
from .grouping import KeyPattern, find_discriminator, group_by_keys, group_by_text
from .observing import Observation, WireMap, gather_members, observe_members
from .sampling import Sample, read_sample
from .source import (
    Fields,
    Member,
    Written,
    describe_meta,
    list_known_members,
    quote,
    write_class,
    write_indexes,
    write_meta,
    write_module,
)


class Inspection(Struct, frozen=True):
    """The result of :func:`inspect_table`."""

    source: str
    """The code of the models."""
    root: type[Model]
    """The model of the table's items; for several models in a shared table, the class of the shared table."""
    sample: Sample
    """The items that were read."""
    attributes: dict[str, Observation]
    """The observed values of each attribute, by its name."""


class _Draft(NamedTuple):
    """Code that may fit all items, and the name of its root class."""

    source: str
    root: str


def inspect_table(table: str, *, using: str | None = None, sample: int = 1000) -> Inspection:
    """Read some items of a table, and write the code of models that can read them.

    The models are checked: they can read every field of these items. Other items may have values of other types;
    reading such a field raises ``UnreadableValue``, and the other fields can be read.

    :param table: the name of the table in DynamoDB.
    :param using: the alias of a connection; by default, the default connection.
    :param sample: the number of items to read, from all parts of the table; each 4 KB of them cost half a read unit.
    :return: the code, the classes, and the observed attributes.
    :raises TableNotFound: the table does not exist.

    >>> Score.objects.count()
    3
    >>> found = inspect_table("scores")
    >>> print(found.source[found.source.index("    player") :].rstrip())
        player = CharField(hash_key=True)  # 3 of 3
        game = IntegerField(range_key=True)  # 3 of 3
        points = IntegerField()  # 3 of 3
    <BLANKLINE>
        by_game = GlobalIndex(hash_key="game", range_key="points")
    """
    found = run(read_sample(table, sample), get_connection(using))
    items: list[WireMap] = [from_json(item) for item in found.items]
    writer = _Writer(found, items)
    for draft in writer.list_drafts():
        try:
            root: type[Model] = vars(make_module(draft.source))[draft.root]
        except ModelDefinitionError:  # templates of keys may collide, for example
            continue
        misfits = {misfit.attribute for misfit in find_misfits(root, found.items)}
        if not misfits:
            return Inspection(draft.source, root, found, observe_members(items))
        writer.undeclared |= misfits
    raise ModelDefinitionError(f"no model was found for the table {table}")


class _Writer:
    """A writer of drafts of the models of one table."""

    def __init__(self, sample: Sample, items: Sequence[WireMap]) -> None:
        self.schema = TableSchema.parse(sample.description)
        self.sample, self.items = sample, items
        self.known = list_known_members(self.schema, sample.ttl)
        self.attributes = {*_list_names(observe_members(items)), *self.known}
        self.undeclared: set[str] = set()
        """The attributes whose values the earlier drafts could not read."""

    def list_drafts(self) -> Iterator[_Draft]:
        """Yield drafts, the best first; the last ones have fewer fields."""
        attribute = find_discriminator(self.items, {key.name for key in self.schema.key})
        if attribute is not None:
            yield self._write_kinds(attribute)
        elif (groups := group_by_keys(self.items, self.schema)) is not None:
            yield self._write_shared_table(groups)
        self.undeclared.clear()
        yield self._write_model()
        yield self._write_model()
        self.undeclared |= self.attributes
        yield self._write_model()

    def _start(self) -> tuple[Fields, str]:
        fields = Fields(self.attributes, self.undeclared)
        return fields, fields.name_class(self.schema.name)

    def _finish(self, fields: Fields, root: str, classes: Sequence[str]) -> _Draft:
        documents = [code for _, code in fields.documents.values()]
        return _Draft(write_module(self._describe(), [*documents, *classes]), root)

    def _describe(self) -> str:
        sample, count = self.sample, len(self.items)
        known = sample.description.get("ItemCount", 0)
        of = "all" if sample.is_whole else f"of about {known}" if known > count else "of more"
        return (
            f"Models of the table {self.schema.name}, written by dynamodb-py inspect.\n\n"
            f"Items that were read: {count}, {of}. The comments have the number of items with\n"
            "the attribute, and mark guesses.\n"
        )

    def _write_table_class(
        self,
        fields: Fields,
        name: str,
        base: str,
        doc: str,
        meta: Mapping[str, str],
        written: Written,
    ) -> str:
        options = {**describe_meta(self.schema, self.sample.description), **meta}
        taken = fields.class_names
        indexes = write_indexes(self.schema.indexes, written.names, self.schema, taken)
        return write_class(name, base, doc, [write_meta(options), written.lines, indexes])

    def _write_model(self) -> _Draft:
        fields, name = self._start()
        written = fields.write(self.items, {**self.known, **self._list_projected()})
        doc = "An item of the table."
        return self._finish(
            fields, name, [self._write_table_class(fields, name, "Model", doc, {}, written)]
        )

    def _list_projected(self) -> dict[str, Member]:
        """Return the attributes in the projections of indexes that no item of the sample has."""
        names = {name for index in self.schema.indexes for name in index.projection.names}
        seen = gather_members(self.items)
        return {
            name: Member("S", note="never seen: its type is a guess")
            for name in sorted(names - seen.keys() - self.known.keys())
        }

    def _write_kinds(self, attribute: str) -> _Draft:
        """Write a class for each text in *attribute*, and a base class with their common fields."""
        groups = group_by_text(self.items, attribute)
        in_kinds = Counter(name for group in groups.values() for name in gather_members(group))
        trial, _ = self._start()  # a separate one, because choose() also writes documents
        shared = {
            name
            for name, wires in gather_members(self.items).items()
            if in_kinds[name] > 1 and trial.choose(name, wires) is not None
        }
        fields, root = self._start()
        known = {**self.known, attribute: Member("S", ("required=True",), "the kind of the item")}
        if attribute in self.known:
            known[attribute] = Member("S", self.known[attribute].arguments)
        known |= self._list_projected()
        held = {*shared, *known}
        maps = [{name: wire for name, wire in item.items() if name in held} for item in self.items]
        written = fields.write(maps, known)
        meta = {"discriminator": quote(written.names[attribute])}
        kinds: list[str] = []
        for text, group in groups.items():
            name = fields.name_class(text)
            own = fields.write(group, without=held, names=written.names)
            parts = [write_meta({"kind": quote(text)}, f"{root}.Meta"), own.lines]
            kinds.append(write_class(name, root, f"{format_count(len(group), 'item')}.", parts))
        doc = "An item of any kind."
        base = self._write_table_class(fields, root, "Model", doc, meta, written)
        return self._finish(fields, root, [base, *kinds])

    def _write_shared_table(self, groups: Mapping[KeyPattern, Sequence[WireMap]]) -> _Draft:
        """Write a class for each pattern of keys, in a shared table."""
        fields, root = self._start()
        written = fields.write([], self.known)
        meta = {"discriminator": "None"}
        classes: list[str] = []
        for pattern, group in groups.items():
            name = fields.name_class(pattern.label.lower())
            keys = [
                f"    {quote(written.names[key])}: {quote(text)},"
                for key, text in pattern.templates
            ]
            options = {"table": root, "keys": "\n        ".join(["{", *keys, "}"])}
            lines = [f"    {part} = CharField()" for part in pattern.parts]
            names = {**written.names, **{part: part for part in pattern.parts}}
            own = fields.write(group, without=self.known, names=names)
            parts = [write_meta(options), [*lines, *own.lines]]
            classes.append(
                write_class(name, "Model", f"{format_count(len(group), 'item')}.", parts)
            )
        doc = "The table of several models."
        base = self._write_table_class(fields, root, "SharedTable", doc, meta, written)
        return self._finish(fields, root, [base, *classes])


def _list_names(members: Mapping[str, Observation]) -> Iterator[str]:
    for name, found in members.items():
        yield name
        yield from _list_names(found.members)
        while (inner := found.elements) is not None:
            found = inner
            yield from _list_names(found.members)
