"""Writing Python code of models: fields, documents, indexes and ``Meta``, formatted as ``ruff format`` does."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from ..operations.base import Wire
from ..schema import PROVISIONED, IndexSchema, TableSchema
from .choosing import Choice, choose_scalar
from .naming import BUILTINS, name_class, name_field
from .observing import WireMap, find_kind, gather_contents, gather_members, observe

WIDTH = 88
"""The longest line, ruff's default."""
MOST_MEMBERS = 64
"""The most keys of a map that becomes a document; in a larger map, the keys are data."""

_TYPES = {
    "BinaryField": "bytes",
    "BooleanField": "bool",
    "CharField": "str",
    "DecimalField": "Decimal",
    "IntegerField": "int",
}
"""The Python types to write instead of fields without arguments, inside lists, sets and maps."""
_IMPORTED = {*_TYPES, "Decimal", "DictField", "Document", "EmbeddedField", "Model", "compat"}
"""The imported names, which no class and no field may have."""


_TTL = "ttl=True"


class Member(Struct, frozen=True):
    """An attribute that the table itself declares: a key, or the attribute of the TTL."""

    type: str
    arguments: tuple[str, ...] = ()
    note: str = ""
    is_key: bool = False
    """Whether it is a key of the table or of an index."""


def quote(text: str) -> str:
    """Return the literal of *text*, in double quotes unless these need more escapes.

    >>> print(quote("it's"), quote('"'))
    "it's" '"'
    """
    literal = repr(text)
    inner = literal[1:-1]
    if literal[0] == '"' or ('"' in inner and "'" not in text):
        return literal
    escaped = inner.replace("\\'", "'").replace('"', '\\"')
    return f'"{escaped}"'


def write_call(target: str, function: str, arguments: Sequence[str], comments: str = "") -> str:
    """Return an assignment in a class, on one line if it fits, with comments after it or above it."""
    line = f"    {target} = {function}({', '.join(arguments)})"
    if _measure(line) > WIDTH and arguments:
        inner = "".join(f"        {each},\n" for each in arguments)
        line = f"    {target} = {function}(\n{inner}    )"
    if not comments:
        return line
    behind = f"{line}  # {comments}"
    if "\n" not in line and _measure(behind) <= WIDTH:
        return behind
    return f"    # {comments}\n{line}"


def _measure(line: str) -> int:
    """Return the most columns that a line may have: some characters outside of ASCII have two."""
    return len(line) + sum(not each.isascii() for each in line)


def write_class(name: str, base: str, doc: str, parts: Iterable[Sequence[str]]) -> str:
    """Return the code of a class; there is a blank line between its *parts*, which are lists of lines."""
    body = [f'    """{doc}"""', *("\n".join(lines) for lines in parts if lines)]
    return f"class {name}({base}):\n" + "\n\n".join(body) + "\n"


def write_meta(options: Mapping[str, str], base: str = "") -> list[str]:
    """Return the lines of a class ``Meta``; none without options."""
    if not options:
        return []
    head = f"    class Meta({base}):" if base else "    class Meta:"
    return [head, *(f"        {name} = {value}" for name, value in options.items())]


def write_module(doc: str, classes: Sequence[str]) -> str:
    """Return the code of a module with *classes* and the imports that they need."""
    body = "\n\n".join(classes)
    tree = ast.parse(body)
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    fields = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    used = {node.id for node in nodes} - fields - defined - BUILTINS
    names = sorted(used - {"Decimal"})
    line = f"from dynamodb_py import {', '.join(names)}"
    if len(line) > WIDTH:
        line = "from dynamodb_py import (\n" + "".join(f"    {name},\n" for name in names) + ")"
    imports = ["from decimal import Decimal\n"] if "Decimal" in used else []
    return "\n".join([f'"""{doc}"""\n', *imports, line, "", "", body])


def describe_meta(schema: TableSchema, description: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of ``Meta`` that describe the live table, as code."""
    options: dict[str, str] = {"table_name": quote(schema.name)}
    if schema.billing_mode == PROVISIONED:
        options |= {"read_capacity": f"{schema.read_capacity}"}
        options |= {"write_capacity": f"{schema.write_capacity}"}
    most: Mapping[str, int] = description.get("OnDemandThroughput") or {}
    found = (most.get("MaxReadRequestUnits", -1), most.get("MaxWriteRequestUnits", -1))
    units = [f'"{what}": {n}' for what, n in zip(("read", "write"), found, strict=True) if n > 0]
    if units:
        options["on_demand_maximum"] = f"{{{', '.join(units)}}}"
    stream: Mapping[str, Any] = description.get("StreamSpecification") or {}
    if stream.get("StreamEnabled"):
        options["stream"] = quote(str(stream["StreamViewType"]).lower())
    encryption: Mapping[str, str] = description.get("SSEDescription") or {}
    if encryption.get("Status") == "ENABLED" and (key := encryption.get("KMSMasterKeyArn")):
        options["encryption"] = quote(key)
    summary: Mapping[str, str] = description.get("TableClassSummary") or {}
    kind = summary.get("TableClass", "STANDARD")
    if kind != "STANDARD":
        options["table_class"] = quote(kind.lower())
    if description.get("DeletionProtectionEnabled"):
        options["deletion_protection"] = "True"
    return options


def list_known_members(schema: TableSchema, ttl: str | None) -> dict[str, Member]:
    """Return the attributes that the table declares: its keys, the keys of its indexes, and the TTL."""
    known = {schema.hash_key.name: Member(schema.hash_key.type, ("hash_key=True",), is_key=True)}
    if schema.range_key is not None:
        key = schema.range_key
        known[key.name] = Member(key.type, ("range_key=True",), is_key=True)
    for index in schema.indexes:
        for key in index.keys:
            known.setdefault(key.name, Member(key.type, is_key=True))
    if ttl is not None:
        before = known.get(ttl, Member("N"))
        arguments = (*before.arguments, _TTL)
        known[ttl] = Member("N", arguments, "the TTL of the table", is_key=before.is_key)
    return known


class Written(NamedTuple):
    """The fields of a class."""

    lines: list[str]
    names: dict[str, str]
    """The names of the fields by attribute."""
    signature: tuple[str, ...]
    """The lines without comments."""


class Fields:
    """A writer of the fields of all classes of one module, and of the documents that the fields need."""

    def __init__(self, attributes: Collection[str], undeclared: Collection[str] = ()) -> None:
        self.attributes = attributes
        """All names of attributes, at any depth; no class gets one of them as its name."""
        self.undeclared = undeclared
        """The attributes that get no field."""
        self.class_names: set[str] = set()
        self.documents: dict[tuple[str, ...], tuple[str, str]] = {}
        """The name and code of each document, by the signature of its fields."""

    def name_class(self, text: str) -> str:
        """Return a name for a class that is unique in the module."""
        name = name_class(text, {*self.attributes, *self.class_names, *_IMPORTED})
        self.class_names.add(name)
        return name

    def write(
        self,
        maps: Sequence[WireMap],
        known: Mapping[str, Member] = {},
        without: Collection[str] = (),
        names: Mapping[str, str] = {},
    ) -> Written:
        """Return the fields of a class.

        :param maps: the items, or the contents of maps, that the class must be able to read.
        :param known: attributes that always get a field.
        :param without: attributes that a base class has.
        :param names: the names of the fields of the base class, by attribute.
        """
        found = gather_members(maps)
        named, lines, signature = dict(names), list[str](), list[str]()
        for attribute in dict.fromkeys([*known, *found]):
            if attribute in without:
                continue
            wires, member = found.get(attribute, []), known.get(attribute)
            choice: Choice | None = None
            if attribute not in self.undeclared:
                choice = (
                    choose_known(attribute, member, wires)
                    if member
                    else self.choose(attribute, wires)
                )
            elif member is not None and member.is_key:  # a TTL that is a key and has no moments
                rest = tuple(each for each in member.arguments if each != _TTL)
                choice = choose_known(attribute, Member(member.type, rest), wires)
            seen = f"{len(wires)} of {len(maps)}" if maps else ""
            if choice is None:
                types = ", ".join(f"{n} {kind}" for kind, n in observe(wires).types.items())
                where = f"extra[{quote(attribute)}]"
                lines.append(f"    # {where} has values that no field can read: {seen}, {types}")
                continue
            name = name_field(attribute, {*named.values(), *self.class_names, *_IMPORTED})
            named[attribute] = name
            own = () if name == attribute else (f"name={quote(attribute)}",)
            arguments = (*choice.arguments, *own)
            comments = "; ".join(filter(None, [seen, choice.note]))
            lines.append(write_call(name, choice.kind, arguments, comments))
            signature.append(write_call(name, choice.kind, arguments))
        return Written(lines, named, tuple(signature))

    def choose(self, name: str, wires: Sequence[Wire]) -> Choice | None:
        """Return the field for values, or None if no field can read them all, or all are NULL."""
        present = [wire for wire in wires if "NULL" not in wire]
        kinds = {*map(find_kind, present)}
        if len(kinds) != 1:
            return None
        kind = kinds.pop()
        contents = gather_contents(present, kind)
        if kind in ("SS", "NS", "BS"):
            inner = choose_scalar("", kind[0], [each for content in contents for each in content])
            choice = Choice("SetField", (_as_argument(inner),), inner.note)
        elif kind == "L":
            choice = self._choose_list(name, contents)
        elif kind == "M":
            choice = self._choose_map(name, contents)
        else:
            choice = choose_scalar(name, kind, contents)
        if len(present) < len(wires):
            choice = choice._replace(arguments=(*choice.arguments, "null=True"))
        return choice

    def _choose_list(self, name: str, lists: Sequence[Sequence[Wire]]) -> Choice:
        single = name[:-1] if name.endswith("s") and not name.endswith("ss") else name
        return self._choose_container("ListField", single, [each for one in lists for each in one])

    def _choose_map(self, name: str, maps: Sequence[WireMap]) -> Choice:
        if not _are_documents(maps):
            return self._choose_container(
                "DictField", name, [each for one in maps for each in one.values()]
            )
        written = self.write(maps)
        if written.signature not in self.documents:
            label = self.name_class(name)
            doc = f"A map, as in ``{name}``." if name.isidentifier() else "A map."
            code = write_class(label, "Document", doc, [written.lines])
            self.documents[written.signature] = label, code
        return Choice("EmbeddedField", (self.documents[written.signature][0],))

    def _choose_container(self, kind: str, name: str, wires: Sequence[Wire]) -> Choice:
        """Return a list or map field: of one type if all values fit it, else of any types."""
        if not wires:
            return Choice(kind, note="all are empty")
        inner = None if any("NULL" in wire for wire in wires) else self.choose(name, wires)
        if inner is None or inner.kind == "SetField":
            return Choice(kind, note="of several types")
        return Choice(kind, (_as_argument(inner),), inner.note)


def choose_known(attribute: str, member: Member, wires: Sequence[Wire]) -> Choice:
    """Return the field for an attribute whose type is known."""
    contents = gather_contents(wires, member.type)
    if _TTL in member.arguments:
        choice = Choice("TimestampField")
    else:
        choice = choose_scalar(attribute, member.type, contents)
    notes = "; ".join(filter(None, [choice.note, member.note]))
    return Choice(choice.kind, (*choice.arguments, *member.arguments), notes)


def write_indexes(
    indexes: Sequence[IndexSchema],
    names: Mapping[str, str],
    schema: TableSchema,
    taken: Collection[str],
) -> list[str]:
    """Return the lines of *indexes*.

    :param names: the names of the fields, by attribute.
    :param taken: other names that an index must not have.
    """
    lines, used = list[str](), {*names.values(), *taken}
    for index in indexes:
        name = name_field(index.name, used)
        used.add(name)
        arguments = [] if name == index.name else [quote(index.name)]
        for role, keys in (("hash_key", index.hash_key), ("range_key", index.range_key)):
            if not keys or (role == "hash_key" and index.scope == "local"):
                continue
            fields = [quote(names[key.name]) for key in keys]
            arguments.append(
                f"{role}={fields[0]}" if len(fields) == 1 else f"{role}=[{', '.join(fields)}]"
            )
        comments = ""
        if index.projection.kind == "KEYS_ONLY":
            arguments.append('projection="keys"')
        elif index.projection.kind == "INCLUDE":
            held = [names[each] for each in index.projection.names if each in names]
            lost = [quote(each) for each in index.projection.names if each not in names]
            arguments.append(f"projection=[{', '.join(map(quote, held))}]")
            comments = f"it also holds {', '.join(lost)}, without a field here" if lost else ""
        own = index.read_capacity, index.write_capacity
        if None not in own and own != (schema.read_capacity, schema.write_capacity):
            arguments += [f"read_capacity={own[0]}", f"write_capacity={own[1]}"]
        kind = "LocalIndex" if index.scope == "local" else "GlobalIndex"
        lines.append(write_call(name, kind, arguments, comments))
    return lines


def _as_argument(choice: Choice) -> str:
    """Return the code for a field as the argument of a list, a set or a map."""
    if choice.kind == "EmbeddedField":
        return choice.arguments[0]
    if not choice.arguments and choice.kind in _TYPES:
        return _TYPES[choice.kind]
    return choice.source


def _are_documents(maps: Sequence[WireMap]) -> bool:
    """Tell whether most maps have the same keys; for a single map, whether its keys look like names."""
    names = gather_members(maps)
    if not names or len(names) > MOST_MEMBERS or "" in names:
        return False
    if len(maps) == 1:
        return all(name.isidentifier() for name in names)
    return sum(map(len, names.values())) * 2 >= len(maps) * len(names)
