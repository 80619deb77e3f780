from __future__ import annotations

import datetime as dt
from typing import Any

from typing_extensions import assert_type

from dynamodb_py.expressions import (
    FREE,
    Attr,
    Coder,
    Condition,
    F,
    Names,
    Operand,
    Path,
    RawExpression,
    Remove,
    Set,
    SizeOf,
    Value,
    render_projection,
    render_update,
)


class Integer(Operand[int]):
    def _path(self) -> Path:
        return Path(("score",), FREE, "Test.score")


class Floating(Operand[float]):
    pass


class Text(Operand[str]):
    pass


score, ratio, name = Integer(), Floating(), Text()

# Operators make conditions, of values of the operand's type.
assert_type(score > 3, Condition)
assert_type(score == 3, Condition)
assert_type(score != 3, Condition)
assert_type(score == None, Condition)  # noqa: E711
assert_type(score.eq(3), Condition)
assert_type(score.between(1, 2), Condition)
assert_type(score.is_in(1, 2), Condition)
assert_type(score.is_in([1, 2, None]), Condition)
assert_type(name.begins_with("x"), Condition)
assert_type(name.exists() & ~name.not_exists() | name.attribute_type("S"), Condition)
assert_type((score > 3) & (name == "x") | ~(ratio < 1), Condition)
assert_type((score > 3).bind(lambda path: path), Condition)

score < "x"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
score.lt("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
score.between(1, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
score.is_in("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
score.is_in(["x"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
score > None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
score.eq("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
name.begins_with(dt.date.today())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Attributes compare with attributes of a like type, and with those of which only a name is known.
assert_type(score < score, Condition)
assert_type(ratio < score, Condition)
assert_type(score < ratio, Condition)
assert_type(score == F("x"), Condition)
assert_type(F("x") >= score, Condition)
score < name  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]

# Sizes are whole numbers, whatever they are the sizes of.
assert_type(name.size(), SizeOf)
assert_type(name.size() > 3, Condition)
assert_type(name.size() == score, Condition)
name.size() > "x"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]

# Inside documents anything may lie.
assert_type(name["a"], Attr)
assert_type(name["a"][0] == object(), Condition)
assert_type(F("a__b")["c"].contains(b""), Condition)
name[1.5]  # type: ignore[index]  # pyright: ignore[reportArgumentType]

# A condition is joined with conditions only.
(score > 3) & True  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
assert_type(Condition() & RawExpression("a = b"), Condition)

coder: Coder = FREE
names = Names()
assert_type(Path(("a",)), Path)
assert_type(Path(("a",))["b"][0], Path)
assert_type(render_update([Set(Path(("a",)), Value({"N": "1"})), Remove(Path(("b",)))], names), str)
assert_type(render_projection([Path(("a",))], names), str)
assert_type(names.into({}), dict[str, Any])
