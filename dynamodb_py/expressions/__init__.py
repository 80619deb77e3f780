"""Conditions, updates and projections as values, and their text in DynamoDB's expression language.

Nothing here does I/O. Values are encoded at once, so a wrong value raises where it is written.
"""

from .comparisons import (
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Contains,
    Exists,
    In,
    Never,
    NotExists,
)
from .conditions import And, Condition, Not, Or, Unexpired
from .lookups import FieldName, Lookup, Q, compile_lookup
from .names import Names, Wire
from .operands import Attr, Comparable, F, Operand, SizeOf, field_of, is_many
from .paths import (
    AFFIX,
    FREE,
    Argument,
    Coder,
    Path,
    SeveralAttributes,
    Size,
    Term,
    Value,
    check_apart,
    member,
    members,
    referred,
)
from .projections import render_projection
from .raw import RawExpression
from .sources import SETS, Arithmetic, Computable, IfNotExists, ListAppend, PythonValue, as_source
from .updates import (
    Action,
    Add,
    Delete,
    Remove,
    Set,
    as_action,
    is_repeatable,
    render_update,
)

__all__ = [
    "AFFIX",
    "FREE",
    "SETS",
    "Action",
    "Add",
    "And",
    "Argument",
    "Arithmetic",
    "Attr",
    "AttributeType",
    "BeginsWith",
    "Between",
    "Coder",
    "Comparable",
    "Compare",
    "Computable",
    "Condition",
    "Contains",
    "Delete",
    "Exists",
    "F",
    "FieldName",
    "IfNotExists",
    "In",
    "ListAppend",
    "Lookup",
    "Names",
    "Never",
    "Not",
    "NotExists",
    "Operand",
    "Or",
    "Path",
    "PythonValue",
    "Q",
    "RawExpression",
    "Remove",
    "Set",
    "SeveralAttributes",
    "Size",
    "SizeOf",
    "Term",
    "Unexpired",
    "Value",
    "Wire",
    "as_action",
    "as_source",
    "check_apart",
    "compile_lookup",
    "field_of",
    "is_many",
    "is_repeatable",
    "member",
    "members",
    "referred",
    "render_projection",
    "render_update",
]
