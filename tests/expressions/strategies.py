"""Random items, and random conditions on them."""

from __future__ import annotations

from hypothesis import strategies as st

from dynamodb_py.expressions import F

# Few names and values, so that conditions often hold; reserved words and odd letters among them.
NAMES = ["size", "a.b", "größe", "Name"]
texts = st.sampled_from(["", "a", "ab", "b"])
numbers = st.sampled_from([-1, 0, 1, 2, 10])
pieces = st.sampled_from([b"", b"\x00", b"\x00\xff"])
scalars = texts | numbers | pieces | st.booleans() | st.none()
sets = (
    st.frozensets(texts.filter(bool), min_size=1)
    | st.frozensets(numbers, min_size=1)
    | st.frozensets(pieces.filter(bool), min_size=1)
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=5,
)
items = st.dictionaries(st.sampled_from(NAMES), values)


@st.composite
def operands(draw):
    operand = F(draw(st.sampled_from(NAMES)))
    for part in draw(st.lists(st.sampled_from([0, 1, *NAMES]), max_size=2)):
        operand = operand[part]
    return operand


@st.composite
def leaves(draw):
    operand, other = draw(operands()), draw(operands())
    low, high = sorted(draw(st.tuples(numbers, numbers)))
    conditions = [
        operand == draw(values),
        operand != draw(values),
        operand < draw(texts | numbers | pieces),
        operand >= draw(texts | numbers | pieces),
        operand.between(low, high),
        operand.is_in(draw(st.lists(values, max_size=3))),
        operand.exists(),
        operand.not_exists(),
        operand.begins_with(draw(texts | pieces)),
        operand.contains(draw(scalars)),
        operand.attribute_type(draw(st.sampled_from(["S", "N", "L", "M", "SS", "NULL", "BOOL"]))),
        operand.size() > draw(st.integers(0, 3)),
        operand.size() == other.size() if operand._path() != other._path() else operand == None,  # noqa: E711
    ]
    if operand._path() != other._path():
        conditions += [operand == other, operand != other, operand <= other]
    return draw(st.sampled_from(conditions))


conditions = st.recursive(
    leaves(),
    lambda inner: (
        st.tuples(inner, inner).map(lambda two: two[0] & two[1])
        | st.tuples(inner, inner).map(lambda two: two[0] | two[1])
        | st.tuples(inner, inner).map(lambda two: two[0] ^ two[1])
        | inner.map(lambda one: ~one)
    ),
    max_leaves=6,
)
