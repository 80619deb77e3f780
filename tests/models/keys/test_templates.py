"""Key templates by themselves: composing, parsing, order, ranges, collisions."""

import contextlib
import datetime as dt
import enum
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dynamodb_py import (
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    EnumField,
    FloatField,
    IntegerField,
    ModelDefinitionError,
    TimeDeltaField,
    TimestampField,
    UUIDField,
    ValidationError,
)
from dynamodb_py.models.keys.ranges import escape, find_following, unescape
from dynamodb_py.models.keys.template import KeyTemplate


class Kind(enum.Enum):
    CHAT = "chat"
    MAIL = "e-mail"
    POST = "post #1"


DECLARED = {
    "user": CharField(),
    "other": CharField(),
    "kind": EnumField(Kind),
    "number": IntegerField(),
    "count": IntegerField(),
    "day": DateField(),
    "created": DateTimeField(),
    "expires": TimestampField(ttl=True),
    "at": TimestampField(),
    "token": UUIDField(),
    "price": DecimalField(),
    "ratio": FloatField(),
    "raw": BinaryField(),
    "span": TimeDeltaField(),
    "seconds": TimeDeltaField(storage="seconds"),
    "nothing": CharField(null=True),
}
FIELDS = {name: field.bound_to("Thing", name) for name, field in DECLARED.items()}
UTC = dt.timezone.utc

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(
    ' !"#$%&-./0a|:', max_size=4
)
MOMENTS = st.datetimes(timezones=st.just(UTC))
SECONDS = st.datetimes(dt.datetime(1970, 1, 2), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
VALUES = {
    "user": WORDS,
    "other": WORDS,
    "kind": st.sampled_from(Kind),
    "number": st.integers(0, 10**8 - 1),
    "count": st.integers(-(10**12), 10**12),
    "day": st.dates(),
    "created": MOMENTS,
    "expires": SECONDS,
    "token": st.uuids(),
}


def bound(text):
    return KeyTemplate(text, "Thing.pk").bind(FIELDS)


def values_of(text):
    return st.fixed_dictionaries({name: VALUES[name] for name in bound(text).names})


# Those that sort, by their parts in the order in which they stand; none loses anything.
SORTING = [
    "USER#{user}",
    "{user}",
    "{user}#{other}",
    "{user}#{number:08d}",
    "{number:08d}{user}",
    "U-{user}-{other}-{number:08d}",
    "{user}.{other}",
    "{user} {other}",
    "{user}##{other}#",
    "{user}\x00{other}",
    "{user},{kind}",
    "{kind}#{user}",
    "D{day}T{number:08d}",
    "{day:%Y-%m-%d}#{user}",
    "{created}{user}",
    "{created:%Y-%m-%dT%H:%M:%S.%f}/{number:08d}",
    "{expires:%Y%m%d%H%M%S}#{user}",
    "{token}{user}#{number:08d}#",
    "{{{user}#}}{number:08d}",
]
UNSORTED = ["{count}", "{count}#{user}", "N{count}-{user}", "{user}:{other}", "{user}/{number:08d}"]


def order(name, value):
    """What the stored value of a field is ordered by."""
    return value.value if name == "kind" else str(value) if name == "token" else value


# -- composing and parsing -------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*SORTING, *UNSORTED])
@given(data=st.data())
def test_parsing_what_was_composed_gives_the_parts(text, data):
    template, values = bound(text), data.draw(values_of(text))
    try:
        key = template.compose(values)
    except ValidationError:  # what stands before : or / cannot have one in it
        assert text in UNSORTED
        return
    assert template.parse(key) == values
    assert key.startswith(template.literal_prefix)


@pytest.mark.parametrize("text", SORTING)
@given(data=st.data())
def test_keys_are_in_the_order_of_the_tuples_of_parts(text, data):
    template = bound(text)
    assert template.sorts
    one, other = data.draw(values_of(text)), data.draw(values_of(text))
    for name in template.names:
        if data.draw(st.booleans()):
            other = {**other, name: one[name]}
            continue
        if name in ("user", "other") and data.draw(st.booleans()):
            other = {**other, name: one[name] + data.draw(WORDS)}
        break
    mine, theirs = (
        [order(name, values[name]) for name in template.names] for values in (one, other)
    )
    keys = template.compose(one), template.compose(other)
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (mine < theirs, mine == theirs)
    assert (keys[0].encode() < keys[1].encode()) == (keys[0] < keys[1])  # as DynamoDB compares


@pytest.mark.parametrize("text", UNSORTED)
@given(data=st.data())
def test_two_tuples_of_parts_have_two_keys_where_there_is_no_order_too(text, data):
    template = bound(text)
    assert not template.sorts
    one, other = data.draw(values_of(text)), data.draw(values_of(text))
    with contextlib.suppress(ValidationError):
        assert (template.compose(one) == template.compose(other)) == (one == other)


@pytest.mark.parametrize("text", [*SORTING, *UNSORTED])
@given(data=st.data())
def test_a_key_that_parses_is_composed_of_what_it_parses_to(text, data):
    template = bound(text)
    known = template.compose({name: _plain(name) for name in template.names})
    at = data.draw(st.integers(0, len(known)))
    key = known[:at] + data.draw(WORDS) + known[data.draw(st.integers(at, len(known))) :]
    parts = template.parse(key)
    if parts is not None:
        assert template.compose(parts) == key


def _plain(name):
    return {
        "user": "ann",
        "other": "bob",
        "kind": Kind.CHAT,
        "number": 7,
        "count": -7,
        "day": dt.date(2026, 1, 31),
        "created": dt.datetime(2026, 1, 31, 1, 2, 3, 4, UTC),
        "expires": dt.datetime(2026, 1, 31, 1, 2, 3, 0, UTC),
        "token": uuid.UUID(int=1),
    }[name]


@pytest.mark.parametrize(
    ("text", "values", "key"),
    [
        ("USER#{user}", {"user": "ann"}, "USER#ann"),
        ("{user}#{other}", {"user": "a#b", "other": "c#d"}, "a$Sb#c#d"),
        ("{user}#{other}", {"user": "$1 x", "other": ""}, "$T1$Px#"),
        ("{number:08d}", {"number": 42}, "00000042"),
        ("{number}", {"number": 42}, "42"),
        ("{at:012d}", {"at": dt.datetime(2026, 11, 1)}, "001793491200"),
        ("{created:%Y-%m-%d}", {"created": dt.datetime(987, 1, 2)}, "0987-01-02"),
        ("{created:%H}", {"created": dt.datetime.fromisoformat("2026-01-02T01:00+02:00")}, "23"),
        ("{created}", {"created": dt.datetime(2026, 1, 2)}, "2026-01-02T00:00:00.000000+00:00"),
        ("{token}-{user}", {"token": uuid.UUID(int=1), "user": "a"}, f"{uuid.UUID(int=1)}-a"),
        ("{kind}#{user}", {"kind": Kind.POST, "user": "a"}, "post$P$S1#a"),
        ("{span}", {"span": dt.timedelta(days=1)}, "P1D"),
    ],
)  # fmt: skip
def test_keys_are_readable(text, values, key):
    assert bound(text).compose(values) == key


@pytest.mark.parametrize(
    ("text", "values", "field", "message"),
    [
        ("{number:08d}", {"number": 123456789}, "number", "number=123456789 has more than 8 digits"),
        ("{number:08d}", {"number": -1}, "number", "number=-1 is negative"),
        ("{number:08d}", {"number": "1"}, "number", "not an int"),
        ("{user}:{other}", {"user": "a:b", "other": ""}, "user", "has ':' in it"),
        ("{user}#{other}", {"user": "a"}, "other", "it is required"),
        ("{user}#{other}", {"user": None, "other": "a"}, "user", "it is required"),
        ("{at:012d}", {"at": dt.datetime(2026, 1, 1, 0, 0, 0, 5)}, "at", "not a whole number"),
        ("{day:%Y}", {"day": "2026"}, "day", "not a date"),
    ],
)  # fmt: skip
def test_what_cannot_be_part_of_a_key_is_refused(text, values, field, message):
    with pytest.raises(ValidationError, match="Thing") as caught:
        bound(text).compose(values)
    assert message in caught.value.errors[field][0]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("USER#{user}", "ORDER#ann"),
        ("USER#{user}#", "USER#ann"),
        ("USER#{user}#", "USER#ann#b"),
        ("{user}#{other}", "a b#c"),  # a space is escaped before #
        ("{user}#{other}", "a$#c"),
        ("{user}#{other}", "a$~#c"),
        ("{number:08d}", "7"),
        ("{number:08d}", "0000000\u0667"),
        ("{number:08d}", "000000007"),
        ("{number}", "007"),
        ("{number}", "-0"),
        ("{day:%Y-%m-%d}", "2026-02-30"),
        ("{created:%H:%M}", "24:00"),
        ("{created}", "2026-01-02T00:00:00Z"),
        ("{kind}", "telegram"),
        ("{token}", "00000000-0000-0000-0000-00000000000A"),
    ],
)
def test_what_is_no_key_of_the_template_parses_to_nothing(text, key):
    assert bound(text).parse(key) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{created:%Y-%m-%d}#{number:08d}", {"number": 7}),
        ("{created:%m}", {}),
        ("{created:%Y-%m-%dT%H:%M:%S}", {}),
    ],
)
def test_what_a_format_loses_is_not_parsed(text, parts):
    template = bound(text)
    key = template.compose({name: _plain(name) for name in template.names})
    assert template.parse(key) == parts


# -- questions -------------------------------------------------------------------------------------

QUESTIONED = [
    "{user}#{number:08d}",
    "O#{number:08d}#{user}",
    "O#{number:08d}",
    "{user}",
    "X{user}",
    "{kind}#{user}#{other}",
    "{day:%Y-%m-%d}#{number:08d}",
    "{created:%Y-%m-%d}#{number:08d}",
    "L{created:%Y-%m}",
    "{count}#{user}",
]
COMPARED = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def holds(found, key):
    if found.prefix is not None:
        return key.startswith(found.prefix)
    low = found.low is None or (key > found.low if found.open_low else key >= found.low)
    return low and (
        found.high is None or (key < found.high if found.open_high else key <= found.high)
    )


def prefix(template, equals):
    """Return the beginning of the keys whose first parts have these values."""
    fields = {part.name: part.field for part in template.parts}
    return template.prefix_wires({name: fields[name].to_wire(equals[name]) for name in equals})


def bounds(template, equals, name, operator, *values):
    """Return the keys that begin with the parts *equals*, and whose part *name* compares as given."""
    fields = {part.name: part.field for part in template.parts}
    known = {each: fields[each].to_wire(value) for each, value in equals.items()}
    if operator == "begins_with" or name not in fields:
        return template.bounds_wires(known, name, operator, [{"S": value} for value in values])
    wires = [fields[name].to_wire(value) for value in values]
    return template.bounds_wires(known, name, operator, wires)


@pytest.mark.parametrize("text", QUESTIONED)
@given(data=st.data())
def test_a_range_of_a_part_is_a_range_of_keys(text, data):
    template = bound(text)
    values, edge = data.draw(values_of(text)), data.draw(values_of(text))
    at = data.draw(st.integers(0, len(template.names) - 1))
    known = {name: values[name] for name in template.names[:at]}
    name, operator = template.names[at], data.draw(st.sampled_from(sorted(COMPARED)))
    found = bounds(template, known, name, operator, edge[name])
    if found is None:
        assert name == "count"
        return
    key = template.compose(values)
    expected = COMPARED[operator](order(name, values[name]), order(name, edge[name]))
    assert holds(found, key) >= expected  # nothing is lost
    if found.exact:
        assert holds(found, key) == expected
    assert found.exact == (name != "created" and "created" not in known)
    other = template.compose(edge)
    if not other.startswith(prefix(template, known).text):
        assert not holds(found, other)


@given(user=WORDS, other=WORDS, part=WORDS, cut=st.integers(0, 6))
def test_the_beginning_of_a_text_is_a_beginning_of_the_key(user, other, part, cut):
    template = bound("U#{user}#{other}")
    begins = user[:cut] if cut < 6 else part
    found = bounds(template, {}, "user", "begins_with", begins)
    assert holds(found, template.compose({"user": user, "other": other})) == user.startswith(begins)
    found = bounds(template, {"user": user}, "other", "begins_with", part)
    key = template.compose({"user": user, "other": other})
    assert holds(found, key) == other.startswith(part)


@given(low=st.integers(0, 99), high=st.integers(0, 99), number=st.integers(0, 99), user=WORDS)
def test_a_range_between_two_values_has_both(low, high, number, user):
    template = bound("{user}#{number:08d}")
    found = bounds(template, {"user": user}, "number", "between", low, high)
    key = template.compose({"user": user, "number": number})
    assert holds(found, key) == (low <= number <= high)


def test_a_prefix_says_which_parts_are_in_it():
    template = bound("O#{user}#{created:%Y}#{number:08d}")
    found = prefix(template, {"number": 1})
    assert (found.text, found.parts, found.complete, found.exact) == ("O#", (), False, True)
    found = prefix(template, {"user": "a", "number": 1})
    assert (found.text, found.parts, found.complete, found.exact) == (
        "O#a#",
        ("user",),
        False,
        True,
    )
    values = {"user": "a", "created": dt.datetime(2026, 1, 2), "number": 1}
    found = prefix(template, values)
    assert (found.text, found.complete, found.exact) == ("O#a#2026#00000001", True, False)


def test_a_range_is_of_the_next_part_alone():
    template = bound("{user}#{number:08d}")
    assert bounds(template, {}, "number", ">", 1) is None
    assert bounds(template, {"user": "a", "number": 2}, "number", ">", 1) is None
    assert bounds(template, {}, "day", ">", dt.date(2026, 1, 1)) is None
    assert bounds(bound("{user}:{other}"), {}, "user", ">", "a") is None


def test_the_value_of_a_range_is_checked():
    with pytest.raises(ValidationError, match="number=1000000000 has more than 8 digits"):
        bounds(bound("{number:08d}"), {}, "number", "<", 10**9)


# -- declaring -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{user", "cannot be read"),
        ("user}", "cannot be read"),
        ("{}", "write a field's name"),
        ("{user!r}", "write a field's name"),
        ("{user.name}", "write a field's name"),
        ("{user:{number}}", "write a field's name"),
        ("{user}#{user}", "names user twice"),
        ("{nobody}", "names nobody, and there is no such field"),
        ("{user}{other}", "has nothing between user and other"),
        ("{user}{number:08d}", "has nothing between user and number"),
        ("{count}{user}", "has nothing between count and user"),
        ("{count}0{user}", "which is a number"),
        ("{price}", "DecimalField, whose numbers have no text that sorts"),
        ("{ratio:08d}", "FloatField, whose numbers have no text that sorts"),
        ("{seconds}", "TimeDeltaField, whose numbers have no text that sorts"),
        ("{raw}", "is stored as B"),
        ("{nothing}", "null=True"),
        ("{user:>8}", "is not a format"),
        ("{number:8d}", "0 and the number of digits"),
        ("{number:08x}", "0 and the number of digits"),
        ("{number:%Y}", "0 and the number of digits"),
        ("{created:08d}", "%Y-%m-%d"),
        ("{created:%b}", "which always have the same width"),
        ("{created:%}", "which always have the same width"),
        ("{created:%G-%m}", "has %G: keys take %Y %m %d %H %M %S %f"),
        ("{day:%Y-%H}", "a date has no time of day"),
    ],
)
def test_what_is_no_template_is_refused(text, message):
    with pytest.raises(ModelDefinitionError, match=r"^Thing\.pk: template=") as caught:
        bound(text)
    assert message in str(caught.value)


# -- collisions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("USER#{user}", "USER#{other}"),
        ("USER#{user}", "{other}"),
        ("USER#{user}", "USER#{other}#{number:08d}"),
        ("{user}#{other}", "A#{number:08d}"),
        ("{user}#{other}#", "{kind}#{user}"),
        ("O#{number:08d}", "O#{count}"),
        ("O#{number:08d}", "O#{created:%Y%m%d}"),
        ("O#{day}", "O#{created:%Y-%m}-{user}"),
        ("{user}:{other}", "{kind}:{count}"),
        ("{kind}-{user}", "e{other}"),
    ],
)
def test_templates_that_may_make_one_text_are_not_told_apart(one, other):
    assert bound(one).can_equal(bound(other))
    assert bound(other).can_equal(bound(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("USER#{user}", "ORDER#{user}"),
        ("USER#{user}", "USER:{user}"),
        ("O#{number:08d}", "O#{number:07d}"),
        ("O#{number:08d}", "O#{created:%Y-%m-%d}"),
        ("O#{number:08d}", "O#{number:08d}#LINE#{count}"),
        ("O#{number:08d}/A#{user}", "O#{number:08d}/B#{user}"),
        ("{day}#A", "{day}#B{user}"),
        ("A", "AB"),
    ],
)
def test_what_cannot_collide_is_told_apart(one, other):
    assert not bound(one).can_equal(bound(other))
    assert not bound(other).can_equal(bound(one))


@given(data=st.data())
def test_what_is_said_not_to_collide_does_not(data):
    texts = [*SORTING, *UNSORTED]
    one, other = (bound(data.draw(st.sampled_from(texts))) for _ in range(2))
    try:
        key = one.compose(data.draw(values_of(one.template.text)))
    except ValidationError:
        assume(False)
    if key and other.parse(key) is not None:
        assert one.can_equal(other)


# -- escaping --------------------------------------------------------------------------------------


@given(text=WORDS, ends=st.sampled_from("# -.,!\x00+"))
def test_escaping_can_be_undone_and_leaves_no_end(text, ends):
    assert ends not in escape(text, ends)
    assert unescape(escape(text, ends), ends) == text


@given(text=WORDS, other=WORDS)
def test_what_follows_a_text_follows_all_that_begin_with_it(text, other):
    assume(text.rstrip("\U0010ffff"))
    after = find_following(text)
    assert text + other < after
    assert (other >= after) == (other > text and not other.startswith(text))
