"""Statements of PartiQL: the answers of a real engine, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .requests import attributes, names, simple_values, values

SIGNS = ["=", "<>", "<", "<=", ">", ">="]


@st.composite
def filters(draw: Any) -> tuple[str, list[Any]]:
    """Give a condition on the attributes of an item, and its parameters."""
    name = draw(names)
    form = draw(
        st.sampled_from(["compare", "compare", "between", "in", "missing", "function", "NOT"])
    )
    if form == "compare":
        sign = draw(st.sampled_from(SIGNS))
        text, parameters = f'"{name}" {sign} ?', [draw(simple_values)]
        # Whether what is missing differs from a value is documented for conditions, not for statements.
        return f'{text} AND "{name}" IS NOT MISSING' if sign == "<>" else text, parameters
    if form == "between":
        return f'"{name}" BETWEEN ? AND ?', [{"N": "1"}, {"N": "9"}]
    if form == "in":
        several = draw(st.lists(simple_values, min_size=1, max_size=3))
        return f'"{name}" IN [{", ".join("?" * len(several))}]', several
    if form == "missing":
        return f'"{name}" IS {draw(st.sampled_from(["", "NOT "]))}MISSING', []
    if form == "NOT":
        text, parameters = draw(filters())
        return f"NOT ({text})", parameters
    function = draw(st.sampled_from(["begins_with", "contains"]))
    return f'{function}("{name}", ?)', [draw(st.sampled_from("abé").map(lambda each: {"S": each}))]


@st.composite
def changes(draw: Any) -> tuple[str, list[Any]]:
    """Give the clauses of an UPDATE, and their parameters."""
    clauses: list[str] = []
    parameters: list[Any] = []
    for name in draw(st.lists(names, min_size=1, max_size=2, unique=True)):
        if draw(st.integers(0, 2)):
            clauses.append(f'SET "{name}" = ?')
            parameters.append(draw(values))
        else:
            clauses.append(f'REMOVE "{name}"')
    return " ".join(clauses), parameters


def reduce(answer: Any) -> Any:
    """Return an answer without the empty members that some give for writes."""
    return {name: value for name, value in answer.items() if any(value)}


def execute(story: Any, text: str, parameters: list[Any]) -> None:
    members: dict[str, Any] = {"Parameters": parameters} if parameters else {}
    story.compare("ExecuteStatement", Statement=text, **members)


@examples(
    item=attributes,
    filtering=filters(),
    change=changes(),
    returned=st.sampled_from(["", " RETURNING ALL NEW *", " RETURNING ALL OLD *"]),
)
def test_statements_do_the_same(bench, item, filtering, change, returned):
    hashed = {"S": uuid.uuid4().hex}
    where, key = '"h" = ? AND "r" = 1', [hashed]
    story = bench.story("dynoxide")
    story.reduce = reduce
    fields = {"h": hashed, "r": {"N": "1"}, **item}
    members = ", ".join(f"'{name}': ?" for name in fields)
    execute(story, f'INSERT INTO "things" VALUE {{{members}}}', list(fields.values()))
    execute(story, f'INSERT INTO "things" VALUE {{{members}}}', list(fields.values()))
    text, parameters = filtering
    execute(story, f'SELECT * FROM "things" WHERE {where} AND {text}', key + parameters)
    execute(story, f'SELECT "a", "h" FROM "things" WHERE "h" = ? AND {text}', key + parameters)
    clauses, given = change
    execute(story, f'UPDATE "things" {clauses} WHERE {where}{returned}', given + key)
    execute(story, f'DELETE FROM "things" WHERE {where} AND {text}', key + parameters)
    execute(story, f'SELECT * FROM "things" WHERE {where}', key)


@examples(items=st.lists(st.tuples(st.integers(0, 2), attributes), min_size=1, max_size=3))
def test_transactions_of_statements_do_the_same(bench, items):
    hashed = {"S": uuid.uuid4().hex}
    story = bench.story("dynoxide")
    story.reduce = reduce
    statements = [
        {
            "Statement": f"INSERT INTO \"things\" VALUE {{'h': ?, 'r': {number}, 'm': ?}}",
            "Parameters": [hashed, {"M": item}],
        }
        for number, item in items
    ]
    story.compare("ExecuteTransaction", TransactStatements=statements)
    gets = [
        {
            "Statement": f'SELECT * FROM "things" WHERE "h" = ? AND "r" = {number}',
            "Parameters": [hashed],
        }
        for number in range(3)
    ]
    story.compare("BatchExecuteStatement", Statements=gets)
