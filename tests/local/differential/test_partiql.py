"""Statements of PartiQL: the answers of a real engine, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .requests import attributes, names, simple_values, values

SIGNS = ["=", "<>", "<", "<=", ">", ">="]


def draw_path(draw: Any) -> str:
    name, more = draw(names), draw(names)
    return draw(st.sampled_from([f'"{name}"', f'"{name}"', f'"{name}"."{more}"', f'"{name}"[0]']))


@st.composite
def filters(draw: Any, depth: int = 2) -> tuple[str, list[Any]]:
    """Give a condition on the attributes of an item, and its parameters."""
    name = draw_path(draw)
    # dynoxide has neither IS NULL nor size() and attribute_type(), and no calculations in an UPDATE.
    forms = ["compare", "compare", "between", "in", "missing", "function"]
    form = draw(st.sampled_from(forms + ["NOT", "AND", "OR"] * bool(depth)))
    if form == "compare":
        sign = draw(st.sampled_from(SIGNS))
        text, parameters = f"{name} {sign} ?", [draw(simple_values)]
        # Whether what is missing differs from a value is documented for conditions, not for statements.
        return f"{text} AND {name} IS NOT MISSING" if sign == "<>" else text, parameters
    if form == "between":
        return f"{name} BETWEEN ? AND ?", [{"N": "1"}, {"N": "9"}]
    if form == "in":
        several = draw(st.lists(simple_values, min_size=1, max_size=3))
        return f"{name} IN [{', '.join('?' * len(several))}]", several
    if form == "missing":
        return f"{name} IS {draw(st.sampled_from(['', 'NOT ']))}MISSING", []
    if form == "NOT":
        text, parameters = draw(filters(depth - 1))
        return f"NOT ({text})", parameters
    if form in ("AND", "OR"):
        (left, first), (right, second) = draw(filters(depth - 1)), draw(filters(depth - 1))
        return f"({left} {form} {right})", first + second
    function = draw(st.sampled_from(["begins_with", "contains"]))
    return f"{function}({name}, ?)", [draw(st.sampled_from("abé").map(lambda each: {"S": each}))]


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
    """Return an answer without the empty members that some give for writes, and without its token."""
    return {
        name: value
        for name, value in answer.items()
        if name != "NextToken" and (any(value) if name == "Responses" else value)
    }


def execute(story: Any, text: str, parameters: list[Any]) -> None:
    members: dict[str, Any] = {"Parameters": parameters} if parameters else {}
    story.compare("ExecuteStatement", Statement=text, **members)


@examples(
    item=attributes,
    filtering=filters(),
    change=changes(),
    returned=st.sampled_from(
        [
            "",
            *(
                f" RETURNING {which} {when} *"
                for which in ("ALL", "MODIFIED")
                for when in ("NEW", "OLD")
            ),
        ]
    ),
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


WRITES = [
    "INSERT INTO \"things\" VALUE {'h': ?, 'r': %d, 'm': ?}",
    'UPDATE "things" SET "m" = ? WHERE "h" = ? AND "r" = %d',
    'UPDATE "things" SET "m" = ? WHERE "h" = ? AND "r" = %d AND "m" IS MISSING',
    'DELETE FROM "things" WHERE "h" = ? AND "r" = %d',
    'DELETE FROM "things" WHERE "h" = ? AND "r" = %d AND "m" IS NOT MISSING',
    'SELECT * FROM "things" WHERE "h" = ? AND "r" = %d',
]


def make_statement(text: str, hashed: Any, number: int, item: Any) -> dict[str, Any]:
    parameters = [hashed]
    if "INSERT" in text:
        parameters = [hashed, {"M": item}]
    elif "UPDATE" in text:
        parameters = [{"M": item}, hashed]
    return {"Statement": text % number, "Parameters": parameters}


@examples(
    drawn=st.lists(
        st.tuples(st.sampled_from(WRITES), st.integers(0, 3), attributes), min_size=1, max_size=5
    ),
    together=st.booleans(),
)
def test_several_statements_do_the_same(bench, drawn, together):
    hashed = {"S": uuid.uuid4().hex}
    story = bench.story("dynoxide")
    story.reduce = reduce
    for number in range(2):
        execute(story, WRITES[0] % number, [hashed, {"M": {}}])
    statements = [make_statement(text, hashed, *rest) for text, *rest in drawn]
    if together:
        story.compare("ExecuteTransaction", TransactStatements=statements)
    else:
        story.compare("BatchExecuteStatement", Statements=statements)
    gets = [make_statement(WRITES[-1], hashed, number, None) for number in range(4)]
    story.compare("BatchExecuteStatement", Statements=gets)


@examples(
    items=st.lists(st.tuples(st.text("aAbé", max_size=2), attributes), min_size=1, max_size=6),
    source=st.sampled_from(['"things"', '"things"."by_l"']),
    columns=st.sampled_from(["*", '"r", "a"', '"h"']),
    ranged=st.sampled_from(["", " AND \"l\" >= 'b'", " AND begins_with(\"l\", 'a')"]),
    limit=st.none() | st.integers(1, 4),
)
def test_selects_give_the_same_pages(bench, items, source, columns, ranged, limit):
    hashed = {"S": uuid.uuid4().hex}
    story = bench.story("dynoxide")
    story.reduce = lambda answer: (answer.get("Items"), "NextToken" in answer)
    for number, (text, item) in enumerate(items):
        key = {"h": hashed, "r": {"N": str(number)}, **({"l": {"S": text}} if text else {})}
        story.compare("PutItem", TableName="things", Item={**item, **key})
    # Whether a prefix of the range key is looked for before or after the limit is undocumented.
    limited = {} if limit is None or "begins_with" in ranged else {"Limit": limit}
    story.compare(
        "ExecuteStatement",
        Statement=f'SELECT {columns} FROM {source} WHERE "h" = ?{ranged}',
        Parameters=[hashed],
        **limited,
    )
