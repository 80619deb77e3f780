"""The reference has an entry for each public name, and none for what is no more."""

import functools
import importlib
import inspect
import re
import sys

import pytest

import dynamodb_py

from .pages import PAGES, ROOT, code_lines, name_of

pytest.importorskip("sphinx", reason="the extra docs is not installed")
sys.path.append(str(ROOT / "docs" / "_ext"))

import reference


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(reference.Pages().write())


@pytest.fixture(scope="module")
def entries(pages) -> dict[str, str]:
    """The page of each entry, by its name after that of the package: ``Model.save``, ``testing.Clock``."""
    found: dict[str, str] = {}
    for page, text in pages.items():
        # The directives around a line: their indentation, and the name.
        outer: list[tuple[int, str]] = []
        signature = -1  # where the signatures of the last directive begin
        for line in text.splitlines():
            indentation = len(line) - len(line.lstrip())
            if directive := re.match(r" *\.\. py:(?!currentmodule)\w+:: ", line):
                outer = [each for each in outer if each[0] < indentation]
                signature = directive.end()
            elif indentation != signature:
                signature = -1
                continue
            if directive:
                together: set[str] = set()  # its overloads and twins
                prefix = "".join(f"{name}." for _, name in outer)
                outer.append((indentation, re.match(r"[\w.]+", line[signature:])[0]))
            name = prefix + re.match(r"[\w.]+", line[signature:])[0]
            assert name not in found or name in together, f"{name} has two entries"
            together.add(name)
            found[name] = page
    return found


def public_names() -> set[str]:
    """Return the names in the ``__all__`` of the package and of its public modules."""
    names: set[str] = set()
    modules = {"": dynamodb_py}
    compat = [f"compat.{name}" for name in importlib.import_module("dynamodb_py.compat").__all__]
    contrib = [f"contrib.{name}" for name in ("pydantic", "fastapi", "flask")]
    tools = ["introspection", "dumps"]
    for path in ["testing", "migrations", "local", *tools, *contrib, *compat]:
        modules[path] = importlib.import_module(f"dynamodb_py.{path}")
    for path, module in modules.items():
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.ismodule(value):
                names |= {f"{name}.{each}" for each in value.__all__}
            else:
                names.add(f"{path}.{name}".lstrip("."))
    return names


def test_each_public_name_has_an_entry(entries):
    assert {"Model", "transaction.check", "signals.post_save", "testing.Clock"} <= public_names()
    assert public_names() - entries.keys() == set(), (
        "docs/_ext/reference.py lists what is public by subject"
    )


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_what_examples_import_has_an_entry(path, entries):
    code = "\n".join(line for _, line in code_lines(path.read_text("utf-8")))
    imported = re.findall(r"from dynamodb_py(?:\.([\w.]+))? import ([\w, ]+)", code)
    parts = {name.partition(".")[0] for name in entries} | {"compat"}
    for module, names in imported:
        for name in (each.strip() for each in names.split(",")):
            last = name.partition(" as ")[0]
            public = module in {"models", "models.validators", "exceptions", ""} or not module
            full = last if public else f"{module.removeprefix('models.')}.{last}"
            assert full in entries or full in parts, f"{full} is on no page of the reference"


def test_no_entry_is_stale(entries):
    returned = {name for names in reference.RETURNED.values() for name in names}
    for name in entries:
        first, *rest = name.split(".")
        if first in returned:
            continue
        owner = dynamodb_py
        for each in [first, *rest]:
            if inspect.ismodule(owner) and not hasattr(owner, each):
                importlib.import_module(f"{owner.__name__}.{each}")
            if isinstance(owner, type) and each not in dir(owner):
                assert (owner.__name__, each) in annotated(owner), f"{name} is no more"
                break
            owner = (
                inspect.getattr_static(owner, each)
                if isinstance(owner, type)
                else getattr(owner, each)
            )


@functools.cache
def annotated(owner: type) -> set[tuple[str, str]]:
    """Return the attributes that instances have, by docstrings in the class or its bases."""
    return {
        (owner.__name__, name)
        for base in owner.__mro__
        if base.__module__.startswith("dynamodb_py")
        for _, name in reference._attribute_docs(base.__module__)
    }


def test_each_public_method_has_an_entry_or_a_link_to_one(pages, entries):
    lacking = []
    for kind, owner in reference.Pages().names.items():
        text = pages[entries[owner]]
        for name in (each for each in dir(kind) if not reference.is_internal(kind, each)):
            method = getattr(kind, name, None)
            module = getattr(method, "__module__", None) or ""
            if not inspect.isfunction(method) or not module.startswith("dynamodb_py"):
                continue
            if inspect.signature(method).return_annotation == "NoReturn":
                continue  # it is there only for its message
            linked = re.search(rf":any:`{name} <dynamodb_py\.([\w.]+)>`", text)
            if f"{owner}.{name}" not in entries and not (linked and linked[1] in entries):
                lacking.append(f"{owner}.{name}")
    assert lacking == []


def test_each_method_and_function_has_an_example(pages):
    lacking, found = [], 0
    for page, text in pages.items():
        # A routine's entry goes as far as the next line that is indented no more than itself.
        for entry in re.finditer(
            r"^( *)\.\. py:(?:method|function):: ([\w.]+)(.*\n(?:\1 +.*\n|\n)*)",
            f"{text}\n",
            re.MULTILINE,
        ):
            found += 1
            if ">>> " not in entry[3]:
                lacking.append(f"{page}: {entry[2]}")
    assert found > 250
    assert lacking == []


def test_each_parameter_is_named_in_a_docstring():
    lacking, found = [], 0

    def is_named(parameter, prose):
        named = rf":param {parameter}:|\*{parameter}\*|``(\*\*)?{parameter}\b|\b{parameter}="
        return re.search(named, re.sub(r"^(>>>|\.\.\.) .*", "", prose, flags=re.MULTILINE))

    def parameters_of(kind):
        try:
            return inspect.signature(kind).parameters
        except ValueError:  # a constructor of Python's own
            return {}

    class Routines(reference.Pages):
        def signature_of(self, kind):
            nonlocal found
            bases = {base: parameters_of(base) for base in kind.__mro__ if base in self.names}
            for parameter, each in bases[kind].items():
                # A base names it for its subclasses, but not a default of theirs.
                proses = [
                    reference._document_class(base)
                    for base, parameters in bases.items()
                    if parameter in parameters and parameters[parameter].default == each.default
                ]
                is_text = parameter == "message" and issubclass(kind, Exception)
                if parameter != "unknown" and not is_text:
                    found += 1
                    if not any(is_named(parameter, prose) for prose in proses):
                        lacking.append(f"{kind.__qualname__}({parameter})")
            return super().signature_of(kind)

        def describe_routine(self, directive, name, value, twin, *options, owner=None):
            nonlocal found
            prose = inspect.getdoc(value) or ""
            shared = inspect.getdoc(owner) or ""  # such as the parameters of all faults
            for each in reference.list_signatures(name, value, owner):
                for parameter in each.parameters.keys() - {"self", "cls"}:
                    found += 1
                    if not is_named(parameter, prose) and f"*{parameter}*" not in shared:
                        lacking.append(f"{value.__qualname__}({parameter})")
            return super().describe_routine(directive, name, value, twin, *options, owner=owner)

    dict(Routines().write())
    assert found > 750
    assert sorted(lacking) == []


@pytest.mark.parametrize("verb", ["Model.save", "Manager.create", "QuerySet.count", "Table.create"])
def test_twins_share_an_entry_with_the_type_that_users_get(verb, pages, entries):
    owner, _, name = verb.partition(".")
    assert entries[verb] == entries[f"{owner}.a{name}"]
    text = pages[entries[verb]]
    entry = re.search(
        rf"^ *\.\. py:method:: {name}\(.*\n +a{name}\(\.\.\.\).*$", text, re.MULTILINE
    )
    assert entry
    waits, awaits = (line.rpartition(" -> ")[2] for line in entry[0].splitlines())
    assert waits == awaits
    assert "Flow" not in entry[0]
    assert "self" not in entry[0]


def test_each_room_of_a_subject_exists():
    for _, *rooms in reference.SUBJECTS.values():
        for room in rooms:
            assert importlib.import_module(f"dynamodb_py.{room}")


def test_the_reference_lists_each_subject():
    listed = re.findall(
        r"^   reference/(\w+)/index$", (ROOT / "docs/reference.rst").read_text(), re.MULTILINE
    )
    assert listed == [*reference.SUBJECTS]
