"""Random items, expressions and updates, as strategies of Hypothesis."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

NAMES = ["a", "b", "c", "n"]
"""The attributes of random items, beside the key."""

# -- values -----------------------------------------------------------------------------------------

texts = st.text("abAB é€😀\0", max_size=4)
numbers = st.one_of(
    st.integers(-20, 20).map(str),
    st.sampled_from(
        [
            "0",
            "-0",
            "0.0",
            "1.0",
            "01",
            "1e2",
            "1E-3",
            "-2.50",
            "1e125",
            "-1e-130",
            "9" * 38,
            "+5",
            ".5",
        ]
    ),
    st.decimals(-100, 100, allow_nan=False, places=3).map(str),
)
binaries = st.binary(max_size=4).map(lambda data: b64encode(data).decode())
scalars = st.one_of(
    texts.map(lambda each: {"S": each}),
    numbers.map(lambda each: {"N": each}),
    binaries.map(lambda each: {"B": each}),
    st.booleans().map(lambda each: {"BOOL": each}),
    st.just({"NULL": True}),
)
small_numbers = st.integers(-5, 20).map(str)
sets = st.one_of(
    st.lists(st.sampled_from("abcé"), min_size=1, max_size=3, unique=True).map(
        lambda each: {"SS": each}
    ),
    st.lists(small_numbers, min_size=1, max_size=3, unique=True).map(lambda each: {"NS": each}),
    st.lists(binaries, min_size=1, max_size=3, unique=True).map(lambda each: {"BS": each}),
)
names = st.sampled_from(NAMES)
values = st.recursive(
    scalars | sets,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"L": each})
        | st.dictionaries(names, inner, max_size=3).map(lambda each: {"M": each})
    ),
    max_leaves=6,
)
simple_values = st.one_of(
    small_numbers.map(lambda each: {"N": each}),
    st.sampled_from("abAé").map(lambda each: {"S": each}),
    scalars,
    sets,
)
broken_values = st.sampled_from(
    [
        {},
        {"S": "a", "N": "1"},
        {"N": "1e126"},
        {"N": "1" * 39},
        {"N": "x"},
        {"N": ""},
        {"SS": []},
        {"SS": ["a", "a"]},
        {"NS": ["1", "1.0"]},
        {"NULL": False},
        {"L": [{"N": "1e-131"}]},
    ]
)
attributes = st.dictionaries(names, values, max_size=4)
rough_attributes = st.dictionaries(names, values | broken_values, max_size=4)


# -- expressions ------------------------------------------------------------------------------------


class Placeholders:
    """Gathers the names and values of one expression."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, name: str) -> str:
        self.names[f"#{name}"] = name
        return f"#{name}"

    def value(self, value: Any) -> str:
        key = f":v{len(self.values)}"
        self.values[key] = value
        return key

    def members(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.names:
            found["ExpressionAttributeNames"] = self.names
        if self.values:
            found["ExpressionAttributeValues"] = self.values
        return found


def draw_path(draw: Any, holders: Placeholders) -> str:
    path = holders.name(draw(names))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        if draw(st.booleans()):
            path += f"[{draw(st.integers(0, 3))}]"
        else:
            path += f".{holders.name(draw(names))}"
    return path


def draw_operand(draw: Any, holders: Placeholders) -> str:
    kind = draw(st.sampled_from(["path", "path", "value", "value", "size"]))
    if kind == "path":
        return draw_path(draw, holders)
    if kind == "value":
        return holders.value(draw(simple_values))
    return f"size({draw_path(draw, holders)})"


def draw_condition(draw: Any, holders: Placeholders, depth: int = 2) -> str:
    if depth and draw(st.integers(0, 2)) == 0:
        kind = draw(st.sampled_from(["AND", "OR", "NOT", "()"]))
        first = draw_condition(draw, holders, depth - 1)
        if kind == "NOT":
            return f"NOT {first}"
        if kind == "()":
            return f"({first})"
        return f"{first} {kind} {draw_condition(draw, holders, depth - 1)}"
    kind = draw(st.sampled_from(["compare", "compare", "between", "in", "function", "type"]))
    if kind == "compare":
        sign = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
        return f"{draw_operand(draw, holders)} {sign} {draw_operand(draw, holders)}"
    if kind == "between":
        low, high = draw_operand(draw, holders), draw_operand(draw, holders)
        return f"{draw_operand(draw, holders)} BETWEEN {low} AND {high}"
    if kind == "in":
        several = [draw_operand(draw, holders) for _ in range(draw(st.integers(1, 3)))]
        return f"{draw_operand(draw, holders)} IN ({', '.join(several)})"
    path = draw_path(draw, holders)
    if kind == "type":
        type_ = draw(st.sampled_from(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]))
        return f"attribute_type({path}, {holders.value({'S': type_})})"
    function = draw(
        st.sampled_from(["attribute_exists", "attribute_not_exists", "begins_with", "contains"])
    )
    if function.startswith("attribute"):
        return f"{function}({path})"
    return f"{function}({path}, {draw_operand(draw, holders)})"


@st.composite
def conditions(draw: Any) -> tuple[str, dict[str, Any]]:
    """Give a condition, and the members of the request with its names and values."""
    holders = Placeholders()
    return draw_condition(draw, holders), holders.members()


def _draw_set(draw: Any, holders: Placeholders) -> str:
    path = draw_path(draw, holders)
    kind = draw(st.sampled_from(["value", "value", "path", "plus", "default", "append"]))
    if kind == "value":
        return f"{path} = {holders.value(draw(values))}"
    if kind == "path":
        return f"{path} = {draw_path(draw, holders)}"
    if kind == "default":
        return f"{path} = if_not_exists({draw_path(draw, holders)}, {holders.value(draw(values))})"
    if kind == "append":
        parts = [
            draw_path(draw, holders),
            holders.value({"L": draw(st.lists(scalars, max_size=2))}),
        ]
        return f"{path} = list_append({', '.join(draw(st.permutations(parts)))})"
    sign = draw(st.sampled_from("+-"))
    number = holders.value({"N": draw(numbers)})
    return f"{path} = {draw_path(draw, holders)} {sign} {number}"


@st.composite
def updates(draw: Any) -> tuple[str, dict[str, Any]]:
    """Give an update expression, and the members of the request with its names and values."""
    holders = Placeholders()
    clauses = draw(
        st.lists(
            st.sampled_from(["SET", "REMOVE", "ADD", "DELETE"]), min_size=1, max_size=2, unique=True
        )
    )
    parts: list[str] = []
    for clause in clauses:
        actions: list[str] = []
        for _ in range(draw(st.integers(1, 2))):
            if clause == "SET":
                actions.append(_draw_set(draw, holders))
            elif clause == "REMOVE":
                actions.append(draw_path(draw, holders))
            else:
                operand = draw(
                    sets if clause == "DELETE" else sets | numbers.map(lambda n: {"N": n})
                )
                actions.append(f"{holders.name(draw(names))} {holders.value(operand)}")
        parts.append(f"{clause} {', '.join(actions)}")
    return " ".join(parts), holders.members()


@st.composite
def projections(draw: Any) -> dict[str, Any]:
    """Give the members of a request with a projection."""
    holders = Placeholders()
    paths = [draw_path(draw, holders) for _ in range(draw(st.integers(1, 3)))]
    return {"ProjectionExpression": ", ".join(paths), **holders.members()}
