"""Any text gives an answer or a ValidationException."""

from hypothesis import strategies as st

from ..fuzzing import fuzz
from .parsing import holds, project, read_key, refusal, update

words = st.sampled_from(
    [
        "n",
        "s",
        "l",
        "m",
        "q",
        "#n",
        "#none",
        ":n",
        ":s",
        ":l",
        ":ss",
        ":none",
        "size",
        "attribute_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "foo",
        "date",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "(",
        "(",
        "(",
        ")",
        ")",
        ")",
        "[",
        "]",
        ".",
        ",",
        ",",
        "+",
        "-",
        "0",
        "1",
        "99999999999",
        "_",
        "$",
        "ö",
    ]
)
texts = (
    st.lists(words, max_size=25).map(" ".join)
    | st.lists(words, max_size=25).map("".join)
    | st.text(max_size=60)
)
operands = st.recursive(
    st.sampled_from(["n", "s", "l[1]", "m.x", "#n", ":n", ":s", ":l", ":ss"]),
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds(
            "{}({}, {})".format,
            st.sampled_from(["if_not_exists", "list_append", "contains", "begins_with", "size"]),
            inner,
            inner,
        )
        | st.builds("size({})".format, inner)
    ),
    max_leaves=4,
)
conditions = st.recursive(
    st.builds("{} {} {}".format, operands, st.sampled_from(["=", "<>", "<", ">="]), operands)
    | st.builds("{} BETWEEN {} AND {}".format, operands, operands, operands)
    | st.builds("{} IN ({}, {})".format, operands, operands, operands)
    | operands,
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds("NOT {}".format, inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR"]), inner)
    ),
    max_leaves=6,
)
updates = st.lists(
    st.builds("SET {} = {}".format, operands, operands)
    | st.builds("SET {} = {} + {}, {} = {}".format, *[operands] * 5)
    | st.builds("REMOVE {}, {}".format, operands, operands)
    | st.builds("{} {} {}".format, st.sampled_from(["ADD", "DELETE"]), operands, operands),
    min_size=1,
    max_size=3,
).map(" ".join)


@fuzz(300, texts | conditions)
def test_any_text_as_a_condition_gives_an_answer_or_a_validation_error(text):
    assert isinstance(refusal(holds, text), str)
    assert isinstance(refusal(read_key, text), str)


@fuzz(300, texts | updates)
def test_any_text_as_an_update_gives_an_answer_or_a_validation_error(text):
    assert isinstance(refusal(update, text), str)


@fuzz(100, texts)
def test_any_text_as_a_projection_gives_an_answer_or_a_validation_error(text):
    assert isinstance(refusal(project, text), str)
