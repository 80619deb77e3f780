"""The reference: a page for each public class, written from the code before Sphinx reads the pages.

They are in ``docs/reference``, which Git ignores: for each subject one with its functions and a list of its
classes, and one for each of these. Errors are all on the page of their subject. A verb and its twin for
asyncio share an entry. What a class inherits is written out if its base is private; if the base has a page,
there are links.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.domains.python import PyFunction, PyMethod
from sphinx.environment.adapters.toctree import document_toc
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docstrings import prepare_docstring
from sphinx.util.inspect import object_description, stringify_signature
from sphinx.util.logging import getLogger
from sphinx.util.typing import stringify_annotation

import dynamodb_py
from dynamodb_py import compat

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment

PACKAGE = "dynamodb_py"

SUBJECTS = {
    "models": ["Models", "models"],
    "fields": ["Fields", "models.fields", "compat"],
    "relations": [
        "Relations",
        "models.foreign_keys",
        "models.relations",
        "models.queryset.prefetch",
    ],
    "queries": ["Managers and query sets", "models.managers", "models.queryset", "reading"],
    "conditions": ["Conditions and update expressions", "expressions"],
    "cost": ["Plans and cost", "planning", "metering"],
    "batches": ["Batches and bulk writes", "models.bulk", "models.queryset.write_execution"],
    "transactions": ["Transactions", "models.transaction"],
    "tables": [
        "Tables, indexes and unique values",
        "tables",
        "models.managers.indexes",
        "models.constraints",
        "models.maintenance",
    ],
    "migrations": ["Migrations", "migrations"],
    "streams": ["Streams", "streams", "models.stream_events"],
    "signals": ["Signals and requests", "models.signals", "dispatching", "observing"],
    "validators": ["Validators", "models.validators"],
    "connections": ["Connections", "connections", "retries"],
    "testing": ["Testing", "testing", "local"],
    "exports": ["Existing tables, exports and dumps", "introspection", "export", "dumps"],
    "frameworks": ["pydantic, FastAPI, Flask, OpenTelemetry", "contrib"],
    "errors": ["Errors", "exceptions"],
}
"""The subjects: the title, and the rooms whose public names are listed there. The longest room wins."""

MODULES = [
    *("", "testing", "migrations", "local", "introspection", "export", "dumps"),
    *("contrib.pydantic", "contrib.fastapi", "contrib.flask"),
    *(f"compat.{name}" for name in compat.__all__),
]
"""The modules with public names; those that are a name of the package itself need no mention."""

RETURNED = {
    "models.maintenance.unique_report": ["Finding", "UniqueReport"],
    "models.queryset.pages": ["Pages"],
    "observing.requests": ["SentRequest"],
}
"""Classes without a public name, whose instances users get."""

IMPORTED = {
    "local.server": ["Server"],
    "planning": ["estimate"],
    "contrib.opentelemetry": ["DynamoDBInstrumentor"],
}
"""What pages import from rooms that are not public."""

ONLY_RETURNED = re.findall(
    r"\w+",
    """
    AsyncBatchBlock BatchBlock BulkResult CancellationReason CheckReport Collection Condition Connection
    CopiesReport Dangling Done DumpReport DynamoDBInstrumentor DynamoDBTestCase Estimate FailedRecord Faults
    Finding Inspection LoadReport ManySet MigrationList MigrationPlan MigrationStatus Misfit Observation OnDelete
    Outcome Page Pages Plan PlannedOperation RawQuery RelatedSet Requests Sample SentRequest Signal Snapshot
    Stream StreamRecord TablePlan TableStep UniqueReport Walk
    """,
)
"""The classes that users do not call, or call with nothing: their entries are without parameters."""

OPERANDS = (
    "exists not_exists begins_with contains size attribute_type if_not_exists set remove add discard "
    "eq ne lt lte gt gte between is_in append prepend"
)
HOOKS = "to_db to_python leaf pre_save prepare misdeclared to_json from_json normalise encode kind"
SHOWN = {
    "Field": f"{HOOKS} {OPERANDS}",
    "ULIDField": "new at moment",
    "ManyToManyField": "",
    "Condition": "is_empty",
    "Connection": "alias table_name close cursor_key log_keys deadline sync_in_loop consistent atomic",
    "DynamoDBInstrumentor": "",
    "DynamoDBTestCase": "tables fixtures dynamodb setUpTestData",
    "GlobalIndex": "",
    "LocalIndex": "",
    "ManySet": "all count exists contains add create get_or_create update_or_create remove clear set",
    "MigrationOperation": "",
    "Plan": "kind index operations",
    "Prefetch": "",
    "Signal": "connect disconnect has_listeners",
    "Validator": "message",
    "atomic": "token state operation check on_commit on_rollback",
}
"""What users call of classes that work for the package too; a subclass has it from there."""

HOMES = {"Forwarding": "QuerySet", "ItemVerbs": "Manager"}
"""The private bases of several classes, and which of these has the entries: the others have links."""

WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_][\w.]*")


class Entry(NamedTuple):
    """Something public."""

    name: str
    """What users write after the name of the package: ``Model``, ``transaction.check``."""
    value: Any
    module: str
    """The module that defines it."""
    same_as: str = ""
    """The name of the entry of the same class."""

    @property
    def subject(self) -> str | None:
        """The subject that lists it; None if its room has none yet."""
        room = f"{self.module.removeprefix(f'{PACKAGE}.')}."
        found = {
            each: subject
            for subject, (_, *rooms) in SUBJECTS.items()
            for each in rooms
            if room.startswith(f"{each}.")
        }
        return found[max(found, key=len)] if found else None

    @property
    def has_page(self) -> bool:
        """Whether it has a page of its own."""
        return self.is_class and self.subject != "errors"

    @property
    def is_class(self) -> bool:
        """Whether it is a class that has no other name."""
        return isinstance(self.value, type) and not self.same_as


def find_public() -> list[Entry]:
    """Return all that is public, in the order of names."""
    found: list[Entry] = []
    for path in MODULES:
        found += _find_in(path, importlib.import_module(f"{PACKAGE}.{path}".rstrip(".")))
    for path, names in [*RETURNED.items(), *IMPORTED.items()]:
        module = importlib.import_module(f"{PACKAGE}.{path}")
        for name in names:
            shown = f"{path}.{name}" if path in IMPORTED else name
            found.append(
                Entry(shown, getattr(module, name), _find_module(name, getattr(module, name)))
            )
    # Of several names, a class goes by its own, and by the shortest path.
    named = [each for each in found if isinstance(each.value, type)]
    named.sort(key=lambda each: (each.name.endswith(each.value.__name__), -len(each.name)))
    classes = {each.value: each.name for each in named}
    entries = [
        each._replace(same_as=classes[each.value])
        if isinstance(each.value, type) and classes[each.value] != each.name
        else each
        for each in found
    ]
    return sorted(entries, key=lambda entry: entry.name.lower())


def _find_in(path: str, module: Any) -> Iterator[Entry]:
    for name in module.__all__:
        value, shown = getattr(module, name), f"{path}.{name}".lstrip(".")
        if inspect.ismodule(value):
            yield from _find_in(shown, value)
        else:
            yield Entry(shown, value, _find_module(name, value))


def _find_module(name: str, value: Any) -> str:
    """Return the module that defines *value* and documents it."""
    named = value if _is_function(value) or isinstance(value, type) else type(value)
    if named.__name__ == name:
        return str(named.__module__)
    modules = [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]
    having = (module for module in modules if vars(sys.modules[module]).get(name) is value)
    documented = (module for module in having if ("", name) in _attribute_docs(module))
    return next(documented, str(named.__module__))


def _analyze(module: str) -> ModuleAnalyzer:
    """Return what only the source of a module says."""
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return analyzer


def _attribute_docs(module: str) -> dict[tuple[str, str], list[str]]:
    """Return the docstrings below attributes, by the name of the class and of the attribute."""
    return _analyze(module).attr_docs


def find_members(kind: type[Any]) -> dict[str, type[Any]]:
    """Return the public names of a class, its own first, each with the class that defines it."""
    found: dict[str, type[Any]] = {}
    for base in kind.__mro__:
        if not base.__module__.startswith(PACKAGE):
            continue
        documented = [name for of, name in _attribute_docs(base.__module__) if of == base.__name__]
        for name in [*vars(base), *documented]:
            if name not in found and _is_shown(kind, base, name):
                found[name] = base
    return found


def list_signatures(name: str, value: Any, owner: type[Any] | None) -> list[inspect.Signature]:
    """Return the signatures of a function, or of a method of the class *owner*: of each overload."""
    path = value.__qualname__ if owner is None else f"{owner.__qualname__}.{name}"
    overloads = _analyze((owner or value).__module__).overloads.get(path)
    return overloads or [inspect.signature(value)]


def is_internal(kind: type[Any], name: str) -> bool:
    """Tell whether a name of a class is for the package alone."""
    lists = [SHOWN[base.__name__].split() for base in kind.__mro__ if base.__name__ in SHOWN]
    verb = name[1:] if name.startswith("a") and hasattr(kind, name[1:]) else name
    shown = not lists or any(verb in each for each in lists)
    return name.startswith("_") or not shown


def _is_shown(kind: type[Any], base: type[Any], name: str) -> bool:
    """Tell whether users use a member: a routine or property, or an attribute with a docstring below it."""
    static, value = inspect.getattr_static(kind, name, None), getattr(kind, name, None)
    if is_internal(kind, name) or type(static).__name__ == "OfManager":
        return False
    if _is_function(value):  # those that only raise an error, which says what to call, never return
        return inspect.signature(value).return_annotation != "NoReturn"
    if isinstance(value, type) and issubclass(value, BaseException):
        return bool(value.__doc__)
    return _is_property(static) or (base.__name__, name) in _attribute_docs(base.__module__)


def _is_function(value: object) -> bool:
    return inspect.isfunction(value) or inspect.ismethod(value)  # a manager is a routine for Python


def _is_property(static: object) -> bool:
    return isinstance(static, property | cached_property)


class Pages:
    """The pages, by name and text."""

    def __init__(self) -> None:
        self.entries = find_public()

    @cached_property
    def names(self) -> dict[Any, str]:
        """The names of the classes that have an entry."""
        return {each.value: each.name for each in self.entries if each.is_class}

    @cached_property
    def links(self) -> dict[str, str]:
        """The full names of these classes by the last part, which annotations have: the shortest of each."""
        names = sorted(self.names.values(), key=len, reverse=True)
        return {name.rpartition(".")[2]: f"~{PACKAGE}.{name}" for name in names}

    def write(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each page and its text."""
        for subject, (title, *_) in SUBJECTS.items():
            listed = [entry for entry in self.entries if entry.subject == subject]
            classes = [entry for entry in listed if entry.has_page]
            rows = [
                f"   * - :class:`{entry.name}`\n     - {_first_sentence(entry.value)}"
                for entry in classes
            ]
            tables = [".. list-table::\n   :widths: 35 65\n\n" + "\n".join(rows)] if rows else []
            tree = [f"   {entry.name}" for entry in classes]
            text = [".. toctree::\n   :hidden:\n\n" + "\n".join(tree), *tables] if tree else []
            text += self.describe_all(entry for entry in listed if not entry.has_page)
            yield f"{subject}/index", _page(title, text)
            for entry in classes:
                yield f"{subject}/{entry.name}", _page(entry.name, [self.describe_class(entry)])

    def describe_all(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield the entries of functions, data and errors; a function comes with its twin."""
        by_name = {entry.name: entry for entry in entries}
        for name, entry in by_name.items():
            path, dot, last = name.rpartition(".")
            twin = f"{path}{dot}a{last}"
            if last.startswith("a") and f"{path}{dot}{last[1:]}" in by_name:
                continue
            if entry.is_class:
                yield self.describe_class(entry)
            elif _is_function(entry.value):
                yield self.describe_routine(
                    "function", name, entry.value, twin if twin in by_name else ""
                )
            else:
                lines = _attribute_docs(entry.module).get(("", last), [])
                same = f"The same as :class:`{entry.same_as}`." if entry.same_as else ""
                yield _directive("data", name, "\n".join(lines) or same)

    def describe_class(self, entry: Entry) -> str:
        """Return the entry of a class, with its members."""
        kind, last = entry.value, entry.name.rpartition(".")[2]
        called = entry.name if last in ONLY_RETURNED else entry.name + self.signature_of(kind)
        text = [_document_class(kind)]
        bases = [f":class:`{self.names[base]}`" for base in kind.__bases__ if base in self.names]
        if bases:
            text.insert(0, f"Bases: {', '.join(bases)}")
        members = find_members(kind)
        own = {
            name: base
            for name, base in members.items()
            if self._find_home(kind, base, name) == entry.name
        }
        for name, base in own.items():
            if not (name.startswith("a") and name[1:] in own):
                twin = f"a{name}" if f"a{name}" in own else ""
                text.append(self.describe_member(kind, base, name, twin))
        homes = [(self._find_home(kind, base, name), name) for name, base in members.items()]
        for home, inherited in groupby(sorted(homes), key=lambda each: each[0]):
            if home != entry.name:
                links = ", ".join(
                    f":any:`{name} <{PACKAGE}.{home}.{name}>`" for _, name in inherited
                )
                text.append(f"As :class:`{home}` has them: {links}.")
        is_error = issubclass(kind, BaseException)
        return _directive(
            "exception" if is_error else "class",
            called,
            "\n\n".join(text),
            f":canonical: {kind.__module__}.{kind.__qualname__}",
        )

    def _find_home(self, kind: type[Any], base: type[Any], name: str) -> str:
        """Return which class has the entry of the member *name*, which *kind* has from *base*."""
        if base.__name__ in HOMES:
            return HOMES[base.__name__]
        for each in kind.__mro__:
            if each in self.names and name in SHOWN.get(each.__name__, "").split():
                return self.names[each]
        # The last of the classes with entries that has it: the others inherit it from there.
        heirs = [each for each in kind.__mro__ if each in self.names and issubclass(each, base)]
        return self.names[heirs[-1]]

    def describe_member(self, kind: type[Any], base: type[Any], name: str, twin: str) -> str:
        """Return the entry of a method, property or attribute of a class."""
        static, value = inspect.getattr_static(kind, name, None), getattr(kind, name, None)
        if _is_property(static):
            getter = static.func if isinstance(static, cached_property) else static.fget
            returns = getattr(getter, "__annotations__", {}).get("return")
            types = [f":type: {self._shorten(returns)}"] if returns else []
            return _directive("property", name, inspect.getdoc(static) or "", *types)
        if isinstance(value, type) and issubclass(value, BaseException):
            return _directive("exception", name, value.__doc__ or "")
        if _is_function(value):
            options = [":classmethod:"] if isinstance(static, classmethod) else []
            options += [":staticmethod:"] if isinstance(static, staticmethod) else []
            return self.describe_routine("method", name, value, twin, *options, owner=base)
        lines = _attribute_docs(base.__module__)[base.__name__, name]
        annotation = getattr(base, "__annotations__", {}).get(name)
        if annotation is None and value is not None and not inspect.isdatadescriptor(value):
            annotation = type(value)
        types = [f":type: {self._shorten(annotation)}"] if annotation else []
        return _directive("attribute", name, "\n".join(lines), *types)

    def describe_routine(
        self,
        directive: str,
        name: str,
        value: Any,
        twin: str,
        *options: str,
        owner: type[Any] | None = None,
    ) -> str:
        """Return the entry of a function, or of a method of the class *owner*: each of its overloads."""
        signatures = [self._write(each) for each in list_signatures(name, value, owner)]
        names = [name + signature for signature in signatures]
        if twin:
            returns = list(dict.fromkeys(each.rpartition(" -> ")[2] for each in signatures))
            names += [f"{twin}(...) -> {each}" for each in returns]
        return _directive(directive, "\n".join(names), inspect.getdoc(value) or "", *options)

    def signature_of(self, kind: type[Any]) -> str:
        """Return the parameters of a class."""
        try:
            signature = inspect.signature(kind)
        except ValueError:  # a constructor of Python's own
            return "()"
        return self._write(signature.replace(return_annotation=signature.empty))

    def _write(self, signature: inspect.Signature) -> str:
        """Return a signature as users read it: types by their last names, and without ``self``."""
        parameters = [
            each.replace(
                annotation=self._shorten(each.annotation),
                default=each.default if each.default is each.empty else _Default(each.default),
            )
            for each in signature.parameters.values()
            if each.name not in {"self", "cls", "unknown"}  # the last is only for a message
        ]
        returns = self._shorten(signature.return_annotation)
        return stringify_signature(
            signature.replace(parameters=parameters, return_annotation=returns)
        )

    def _shorten(self, annotation: Any) -> Any:
        """Return an annotation without the names of modules, and with links to the entries of classes."""
        if annotation is None or annotation is inspect.Signature.empty:
            return inspect.Signature.empty
        if not isinstance(annotation, str):
            annotation = stringify_annotation(annotation, "fully-qualified-except-typing")

        def shorten(found: re.Match[str]) -> str:
            last = found[0].rpartition(".")[2] if found[0][0] not in "'\"" else found[0]
            return self.links.get(last, last)

        return WORD.sub(shorten, annotation)


class _Default:
    """A default value, as it is shown."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        if isinstance(self.value, enum.Enum):
            return self.value.name
        if isinstance(self.value, type) or _is_function(self.value):
            return self.value.__name__
        shown = object_description(self.value)
        return "..." if shown.startswith("<") else shown


def _first_sentence(kind: type[Any]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _document_class(kind: type[Any]) -> str:
    """Return the docstring of a class, with that of its constructor."""
    own = next((vars(base)["__init__"] for base in kind.__mro__ if "__init__" in vars(base)), None)
    words = [inspect.getdoc(kind), own.__doc__ if inspect.isfunction(own) else None]
    if (
        issubclass(kind, dynamodb_py.Field)
        and "options" in inspect.signature(kind).parameters
        and "``**options``" not in (words[0] or "")
    ):
        words.append("``**options`` are the parameters of every :class:`Field`.")
    return "\n\n".join(inspect.cleandoc(each) for each in words if each)


def _page(title: str, parts: Iterable[str]) -> str:
    head = f"{title}\n{'=' * len(title)}\n\n.. py:currentmodule:: {PACKAGE}\n"
    return "\n".join([head, *(f"{part}\n" for part in parts)])


def _directive(kind: str, signature: str, text: str, *options: str) -> str:
    first, *others = signature.splitlines()
    head = f".. py:{kind}:: "
    lines = [head + first, *(" " * len(head) + other for other in others)]
    lines += [f"   {option}" for option in options]
    body = "\n".join(prepare_docstring(text)).strip()
    return "\n".join([*lines, "", indent(body, "   ")])


# -- Sphinx ------------------------------------------------------------------------------------


class _Awaited:
    """Marks the twin in an entry of two."""

    def get_signature_prefix(self, sig: str) -> list[nodes.Node]:
        prefix = [*super().get_signature_prefix(sig)]  # type: ignore[misc]
        if sig.partition("(")[0] != self.arguments[0].partition("(")[0]:  # type: ignore[attr-defined]
            prefix += [addnodes.desc_sig_keyword("", "async"), addnodes.desc_sig_space()]
        return prefix


class Method(_Awaited, PyMethod):
    """``py:method``, whose second signature is the twin."""


class Function(_Awaited, PyFunction):
    """``py:function``, whose second signature is the twin."""


def write_pages(app: Sphinx) -> None:
    """Write the pages that have changed, and remove those of classes that are no more."""
    folder = Path(app.srcdir) / "reference"
    pages = {folder / f"{name}.rst": text for name, text in Pages().write()}
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in {*folder.rglob("*.rst")} - pages.keys():
        path.unlink()


def forget_moved(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Forget the entries of all pages that are read again: one of them may have moved to another page."""
    for name in names:
        env.domains.python_domain.clear_doc(name)


def warn_of_missing(app: Sphinx, env: BuildEnvironment, node: Any, contnode: Any) -> None:
    """Warn where a page names a part of the package that has no entry."""
    target = str(node.get("reftarget", ""))
    ours = node.get("refdomain") == "py" and target.partition(".")[0] not in sys.stdlib_module_names
    if ours and not re.search("^reference/|:docstring of ", f"{node['refdoc']}{node.source}"):
        getLogger(__name__).warning("no entry for %s", target, location=node)


def shorten_contents(app: Sphinx, builder: Builder) -> None:
    """Keep sections and members out of the navigation, which copies them anew for each page."""
    for name, contents in app.env.tocs.items():
        if not any(contents.findall(addnodes.toctree)):
            title = contents[0][0].deepcopy()  # type: ignore[index]
            short = nodes.bullet_list("", nodes.list_item("", title))
            CONTENTS[name] = contents, short
            app.env.tocs[name] = short


def show_contents(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Show its sections and members beside the page itself."""
    if name in CONTENTS:
        app.env.tocs[name], _ = CONTENTS[name]
        contents = document_toc(app.env, name, app.tags)
        context["toc"] = app.builder.render_partial(contents)["fragment"]  # type: ignore[attr-defined]


def hide_contents(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Undo :func:`show_contents`."""
    if name in CONTENTS:
        _, app.env.tocs[name] = CONTENTS[name]


CONTENTS: dict[str, tuple[nodes.bullet_list, nodes.bullet_list]] = {}
"""What is on the pages, and only their titles."""


def leave_out_decisions(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the records of decisions out of the search."""
    name = app.env.docname
    if name.startswith("decisions/"):
        app.env.metadata[name]["no-search"] = ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx call what is above."""
    app.connect("builder-inited", write_pages)
    app.connect("doctree-read", leave_out_decisions)
    app.connect("env-before-read-docs", forget_moved)
    app.connect("missing-reference", warn_of_missing)
    app.connect("write-started", shorten_contents)
    app.connect("html-page-context", show_contents, priority=400)  # before and after the theme
    app.connect("html-page-context", hide_contents, priority=600)
    app.add_directive_to_domain("py", "method", Method, override=True)
    app.add_directive_to_domain("py", "function", Function, override=True)
    return {
        "version": dynamodb_py.__version__,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
