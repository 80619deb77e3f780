"""The rooms of the package in order: a module imports only from rooms that come before its own."""

import ast
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamodb_py import lazy
from dynamodb_py.lazy.loading import LazyRoom, load

# From the ground up. A room is a file or a folder; a dotted name is one within a folder, as "models.fields".
ROOMS = [
    "lazy",
    "exceptions",
    "limits",
    "codec",
    "expressions",
    "schema",
    "operations",
    "planning",
    "metering",
    "retries",
    "observing",
    "flows",
    "dispatching",
    "credentials",
    "http",
    "local.database",
    "local.expressions.syntax",
    "local.expressions",
    "local.operations",
    "local.partiql",
    "local",
    "transports",
    "connections",
    "batching",
    "pacing",
    "reading",
    "waiting",
    "streams",
    "tables",
    "streams.delivery",
    "models.validators",
    "models.reserved_names",
    "models.fields",
    "models.fields.times",
    "models.fields.containers",
    "models.attribute_values",
    "models.keys",
    "models.inheritance",
    "models.expiry",
    "models.visibility",
    "models.constraints",
    "models.registry",
    "models.foreign_keys",
    "models.interop",
    "models.records",
    "models.document",
    "models.options",
    "models.instance",
    "models.signals",
    "models.unit_of_work",
    "models.persistence",
    "models.statements",
    "models.transaction",
    "models.bulk",
    "models.queryset",
    "models.managers",
    "models.relations",
    "models.model",
    "models.typed",
    "models.shared_tables",
    "models.soft_delete",
    "models.maintenance",
    "models.stream_events",
    "migrations",
    "compat",
    "signals",
    "contrib",
    "testing",
    "dumps",
    "introspection",
    "export",
    "cli",
    "__main__",
]
MOST_FILES_OF_A_CIRCLE = 3
MOST_FILES_OF_A_FOLDER = 14
ROOT = Path(__file__).parent.parent
PACKAGE = "dynamodb_py"
# What would make `import dynamodb_py` slow, and is imported where it is needed instead.
HEAVY = {
    "asyncio",
    "boto3",
    "botocore",
    "click",
    "concurrent.futures",
    "dataclasses",
    "dateutil",
    "pytz",
    "rich",
    "sqlite3",
    "ssl",
}


def modules_of(root: Path) -> dict[str, Path]:
    """Return the modules below *root* by name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules_of(ROOT / PACKAGE)


def imports(name: str, tree: ast.AST, modules: dict[str, Path]) -> Iterator[tuple[str, int]]:
    """Yield the module of our own, and the line, of each import below *tree*, part of *name*."""
    package = name if modules[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")
            base = base[: len(base) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            # `from .operations import items` is of the module items where there is one.
            whole = [f"{source}.{alias.name}" for alias in node.names]
            found = [one if one in modules else source for one in whole]
        else:
            continue
        for one in dict.fromkeys(found):
            if one.split(".")[0] == PACKAGE:
                yield one, node.lineno


def room(name: str, rooms: list[str] = ROOMS) -> str:
    """Return the innermost room of a module; "" for a package that only contains rooms."""
    path = f"{name.partition('.')[2]}."
    return max((each for each in rooms if path.startswith(f"{each}.")), key=len, default="")


def parse(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def test_every_module_has_a_room():
    packages = {each.rpartition(".")[0] for each in ROOMS}
    assert {name.partition(".")[2] for name in MODULES if not room(name)} <= packages | {""}
    assert {room(name) for name in MODULES} - {""} == set(ROOMS)


def test_the_map_of_the_documentation_has_the_rooms_in_order():
    text = (ROOT / "docs" / "contributing.rst").read_text(encoding="utf-8")
    table = text.partition("The rooms, from the ground up")[2].partition("Three straight lines")[0]
    first = [line.partition(" ")[0] for line in table.splitlines()]
    assert [name for name in first if name in ROOMS] == [name for name in ROOMS if name[0] != "_"]


@pytest.mark.parametrize("name", [name for name in MODULES if room(name)])
def test_a_module_imports_only_from_rooms_above_it(name):
    below = ROOMS[ROOMS.index(room(name)) + 1 :]
    wrong = [
        f"{MODULES[name].relative_to(ROOT)}:{line} imports {other}"
        for other, line in imports(name, parse(name), MODULES)
        if room(other) in below or other == PACKAGE
    ]
    assert not wrong, "\n".join(wrong)


ROOMS_ON_DEMAND = {name: each for name, each in vars(lazy).items() if isinstance(each, LazyRoom)}


@pytest.mark.parametrize("name", ROOMS_ON_DEMAND)
def test_each_entry_of_the_lazy_list_exists(name):
    room_ = ROOMS_ON_DEMAND[name]
    module = importlib.import_module(f"{PACKAGE}.{room_.room}")
    assert all(callable(getattr(module, verb)) for verb in room_.verbs)


def late_names(name: str) -> dict[str, str]:
    """Return the names that a module takes from the lazy list, with what type checkers see instead."""
    found = {}
    for node in parse(name).body:
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            continue
        taken = {
            alias.asname or alias.name
            for each in node.orelse
            if isinstance(each, ast.ImportFrom) and each.module == "lazy"
            for alias in each.names
        }
        for each in node.body:
            for alias in each.names if isinstance(each, ast.ImportFrom) else ():
                one = ast.Module([ast.ImportFrom(each.module, [alias], each.level, lineno=0)], [])
                if (known := alias.asname or alias.name) in taken:
                    found[known] = next(source for source, _ in imports(name, one, MODULES))
        assert taken - {"EXPORTS"} == found.keys(), f"{name} takes names that no type checker sees"
    return found


def test_a_room_on_demand_is_the_one_that_type_checkers_see():
    used = {(name, source) for module in MODULES for name, source in late_names(module).items()}
    assert used == {(name, f"{PACKAGE}.{each.room}") for name, each in ROOMS_ON_DEMAND.items()}


@pytest.mark.parametrize("package", lazy.EXPORTS)
def test_what_a_package_exports_late_is_what_type_checkers_see(package):
    name = f"{PACKAGE}.{package}".rstrip(".")
    module = importlib.import_module(name)
    late = {each for names in lazy.EXPORTS[package].values() for each in names.split()}
    block = next(node for node in parse(name).body if isinstance(node, ast.If))
    assert late == {alias.name for each in block.body for alias in getattr(each, "names", ())}
    assert late <= {*module.__all__} & {*dir(module)}
    for room_, names in lazy.EXPORTS[package].items():
        assert all(getattr(module, each) is load(room_, each) for each in names.split())


def test_nothing_else_is_loaded_late():
    late = [name for name, path in MODULES.items() if "__import__(" in path.read_text("utf-8")]
    assert late == [f"{PACKAGE}.lazy.loading"]
    users = {
        "cli.naming",
        "models.fields.containers.compressed",
        "credentials.tls",
        "migrations.files",
    }  # of users, and of extras
    named = {name for name, path in MODULES.items() if "importlib" in path.read_text("utf-8")}
    assert named == {f"{PACKAGE}.{each}" for each in users}


@pytest.mark.parametrize("name", MODULES)
def test_nothing_of_our_own_is_imported_inside_a_function(name):
    inside = [
        f"{MODULES[name].relative_to(ROOT)}:{line} imports {other}"
        for node in ast.walk(parse(name))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for other, line in imports(name, node, MODULES)
    ]
    assert not inside, "\n".join(inside)


def without_type_checking(tree: ast.Module) -> ast.Module:
    """Return *tree* without what only a type checker imports."""

    class Drop(ast.NodeTransformer):
        def visit_If(self, node: ast.If):
            if ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
                return node.orelse or None
            return self.generic_visit(node)

    dropped = Drop().visit(tree)
    assert isinstance(dropped, ast.Module)
    return dropped


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names of a cycle in *graph*, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := walk(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := walk(name, []))), [])


def test_the_imports_have_no_cycle():
    graph = {
        name: {other for other, _ in imports(name, without_type_checking(parse(name)), MODULES)}
        for name in MODULES
    }
    assert not cycle(graph), " -> ".join(cycle(graph))


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of two or more names in *graph* that all lead to each other."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = graph.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return found

    reach = {name: reached(name) for name in graph}
    groups = {frozenset(o for o in reach[n] if n in reach.get(o, ())) for n in graph}
    return sorted((set(group) for group in groups if len(group) > 1), key=len, reverse=True)


# Imports for type checkers count here: a reader of one file has to read the other.
IMPORTS = {name: {other for other, _ in imports(name, parse(name), MODULES)} for name in MODULES}


def test_no_circle_of_files_is_large():
    large = [each for each in circles(IMPORTS) if len(each) > MOST_FILES_OF_A_CIRCLE]
    assert not large


def test_no_rooms_import_each_other():
    graph: dict[str, set[str]] = {}
    for name, others in IMPORTS.items():
        graph.setdefault(room(name), set()).update({room(each) for each in others} - {room(name)})
    assert not circles(graph)


def test_no_folder_has_too_many_files():
    folders = Counter(path.parent for path in MODULES.values())
    assert not [each for each, files in folders.items() if files > MOST_FILES_OF_A_FOLDER]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [{"a", "b", "c"}]),
        (
            {"a": {"b"}, "b": {"a"}, "c": {"a", "d"}, "d": {"e"}, "e": {"c"}},
            [{"c", "d", "e"}, {"a", "b"}],
        ),
        ({"a": {"a"}}, []),
    ],
    ids=["a chain", "a circle", "two circles", "itself"],
)
def test_circles_are_found(graph, expected):
    assert circles(graph) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("package", ""),
        ("package.models", ""),
        ("package.models.fields", "models.fields"),
        ("package.models.fields.base", "models.fields"),
        ("package.models.fields_of", ""),
        ("package.codec", "codec"),
    ],
)
def test_a_room_may_lie_within_a_folder(name, expected):
    assert room(name, ["codec", "models.fields"]) == expected


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b", "c"}, "b": {"c"}}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
        ({"a": {"a"}}, ["a", "a"]),
    ],
    ids=["a chain", "two paths", "a cycle further on", "itself"],
)
def test_a_cycle_would_be_found(graph, expected):
    assert cycle(graph) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from . import b", "dynamodb_py.rooms.b"),
        ("from .b import thing", "dynamodb_py.rooms.b"),
        ("from . import thing", "dynamodb_py.rooms"),
        ("from .. import other", "dynamodb_py.other"),
        ("from ..other import thing", "dynamodb_py.other"),
        ("from dynamodb_py.other import thing", "dynamodb_py.other"),
        ("import dynamodb_py.other", "dynamodb_py.other"),
        ("def f():\n  if f:\n    from .. import thing", "dynamodb_py"),
    ],
)
def test_every_spelling_of_an_import_is_seen(source, expected):
    modules = {
        "dynamodb_py": Path("dynamodb_py/__init__.py"),
        "dynamodb_py.other": Path("dynamodb_py/other.py"),
        "dynamodb_py.rooms": Path("dynamodb_py/rooms/__init__.py"),
        "dynamodb_py.rooms.a": Path("dynamodb_py/rooms/a.py"),
        "dynamodb_py.rooms.b": Path("dynamodb_py/rooms/b.py"),
    }
    found = [name for name, _ in imports("dynamodb_py.rooms.a", ast.parse(source), modules)]
    assert found == [expected]


def python(script: str) -> str:
    """Run *script* in an interpreter of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_heavy():
    script = "import sys; before = set(sys.modules); import dynamodb_py as package;"
    script += f"assert package.__file__; print(sorted({HEAVY!r} & set(sys.modules) - before))"
    assert python(script) == "[]"


# What a program that defines a model and reads an item never enters.
SELDOM = {
    "batching",
    "contrib",
    "http.aio",
    "expressions.unsupported_lookups",
    "models.attribute_values.diff",
    "models.attribute_values.display",
    "models.attribute_values.spelling",
    "models.bulk",
    "models.fields.times.formats",
    "models.fields.unknown_options",
    "models.maintenance",
    "models.persistence.save",
    "models.records.plain",
    "models.relations",
    "models.shared_tables",
    "models.soft_delete",
    "models.statements",
    "models.transaction",
    "models.unit_of_work",
    "observing.callers",
    "observing.n_plus_one",
    "observing.requests",
    "operations.tables",
    "operations.transactions",
    "planning.planner",
    "reading",
    "schema.options",
    "tables",
    "models.interop",
    "testing",
    "transports.boto",
    "waiting",
}
MOST_MODULES_OF_AN_IMPORT = 112
MOST_MODULES_OF_A_FIRST_READ = 140
HEAVY_FOR_A_READ = HEAVY | {"encodings.idna", "inspect", "random", "string", "unicodedata"}

FIRST_READ = f"""
import sys
sys.modules["typing_extensions"] = None  # msgspec takes it where it is installed; it loads inspect
before = set(sys.modules)
from dynamodb_py import CharField, Model, Retries, connect
imported = set(sys.modules)
class Score(Model):
    player = CharField(hash_key=True)
connect("default", region_name="eu-west-1", endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a", aws_secret_access_key="b", retries=Retries(attempts=1))
try:
    Score.objects.get(player="ann")
except Exception as error:
    assert type(error).__name__ == "ConnectionFailed", error
for loaded in imported, set(sys.modules):
    own = {{each.partition(".")[2] for each in loaded if each.startswith("{PACKAGE}")}}
    print(len(own), *(own & {SELDOM!r}), *(loaded - before & {HEAVY_FOR_A_READ!r}))
"""


def test_an_import_and_a_first_read_load_few_modules():
    """What they cost, counted: each module is half a millisecond of a cold start."""
    (imported, *seldom), (read, *seldom_read) = map(str.split, python(FIRST_READ).splitlines())
    assert seldom == seldom_read == []
    assert int(imported) <= MOST_MODULES_OF_AN_IMPORT
    assert int(read) <= MOST_MODULES_OF_A_FIRST_READ


def test_import_opens_no_socket_and_starts_no_process():
    script = "import sys; seen = [];"
    script += "watched = ('socket.', 'subprocess.', 'os.fork', 'os.exec', 'os.posix_spawn');"
    script += "sys.addaudithook(lambda event, _: event.startswith(watched) and seen.append(event));"
    script += "import dynamodb_py; print(seen);"
    script += "import socket; socket.socket().close(); assert 'socket.__new__' in seen"
    assert python(script) == "[]"
