"""The private names that the package needs on users' classes; users may define any other name."""

from __future__ import annotations

from ..exceptions import ModelDefinitionError

RECORD = frozenset(
    [
        "_decode",
        "_decoded",
        "_fieldset",
        "_load",
        "_load_partially",
        "_settle_references",
        "_state",
        "_stored",
        "_value_of_unset",
    ]
)
DOCUMENT = RECORD | frozenset(
    ["_attribute_of", "_coder_at", "_kind", "_kinds", "_make_loader", "_to_wire"]
)
MODEL = RECORD | frozenset(
    ["_delete_for_good", "_link", "_managers", "_meta", "_prepare", "_using"]
)
MANAGER = frozenset(["_alias", "_base", "_link", "_name", "_queryset", "_scope"])
QUERYSET = frozenset(
    [
        "_alias",
        "_known_question",
        "_link",
        "_manager",
        "_query_shape",
        "_question",
        "_read_options",
        "_result_cache",
        "_scope",
        "_wires",
    ]
)
YIELDING = frozenset(["atouch", "by_key", "from_json", "previous_changes", "to_json", "touch"])
"""The public methods of models whose names fields may have: the field then replaces the method."""

_PACKAGE = __name__.partition(".")[0]


def refuse_reserved(kind: type, root: type, reserved: frozenset[str]) -> None:
    """Raise ModelDefinitionError if *kind*, or a mixin of it, defines one of the names *reserved*.

    :param root: the package's class that *kind* derives from; other subclasses of it were checked before.
    """
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] == _PACKAGE or (
            base is not kind and issubclass(base, root)
        ):
            continue
        for name in sorted(vars(base).keys() & reserved):
            raise ModelDefinitionError(
                f"{base.__name__}.{name}: dynamodb_py uses this private name on each "
                f"{root.__name__.removeprefix('Base')}: rename yours"
            )
