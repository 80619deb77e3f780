"""The validators: what each takes and refuses, in which words, and how long it needs for it."""

from __future__ import annotations

import copy
import enum
import pickle
import re
import time
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    EnumField,
    FloatField,
    IntegerField,
    ListField,
    SetField,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import encode_item
from dynamodb_py.models.validators import (
    EmailValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    OneOfValidator,
    RegexValidator,
    URLValidator,
    Validator,
    validate_email,
    validate_slug,
    validate_url,
)

from .wire import model_of

UTC = timezone.utc


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


def ten():
    return 10


def said_by(validator, value):
    """Return what a validator has against a value, None for nothing."""
    try:
        assert validator(value) is None
    except ValidationError as error:
        (expected,) = error.errors[""]
        return expected
    return None


@pytest.mark.parametrize(
    ("validator", "fits", "refused", "expected"),
    [
        (MinValueValidator(1), 1, 0, "0 is less than 1"),
        (MaxValueValidator(1), 1, 2, "2 is greater than 1"),
        (MinValueValidator(ten), 10, 9, "9 is less than 10"),
        (MaxValueValidator(Decimal("1.5")), Decimal("1.5"), Decimal("1.6"), "Decimal('1.6') is greater than Decimal('1.5')"),
        (MinLengthValidator(2), "ab", "a", "its length 1 is less than 2"),
        (MaxLengthValidator(2), [1, 2], [1, 2, 3], "its length 3 is greater than 2"),
        (MaxLengthValidator(2, "%(value)s: %(show_value)s of %(limit_value)s is 150%"), b"ab", b"abc", "b'abc': 3 of 2 is 150%"),
        (OneOfValidator(["a", "b"]), "a", "c", "'c' is not one of 'a', 'b'"),
        (OneOfValidator(iter([[1], [2]])), [2], [3], "[3] is not one of [1], [2]"),
        (RegexValidator(r"\d"), "a1", "a", r"'a' does not match \d"),
        (RegexValidator("A", flags=re.IGNORECASE), "bab", "b", "'b' does not match A"),
        (RegexValidator(re.compile("A", re.IGNORECASE)), "aab", "b", "'b' does not match A"),
        (RegexValidator("a", inverse_match=True), "b", "a", "'a' matches a"),
        (RegexValidator("a", "no %(value)s here"), "a", "b", "no 'b' here"),
        (RegexValidator("^[1-9]"), 123, 0, "0 does not match ^[1-9]"),
        (validate_slug, "a-Slug_1", "a slug", "'a slug' has characters other than letters, digits, underscores and hyphens"),
        (validate_email, "ann@example.com", "ann", "'ann' is not an e-mail address"),
        (EmailValidator("write to us"), "a@example.com", "a@", "write to us"),
        (EmailValidator(allowlist=["intranet"]), "ann@intranet", "ann@localhost", "'ann@localhost' is not an e-mail address"),
        (validate_url, "https://example.com", "example.com", "'example.com' is not a URL with scheme http, https, ftp, ftps"),
        (URLValidator(schemes=["s3"]), "s3://bucket.example/key", "https://example.com", "'https://example.com' is not a URL with scheme s3"),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)  # fmt: skip
def test_what_a_validator_takes_and_what_it_says_of_the_rest(validator, fits, refused, expected):
    assert said_by(validator, fits) is None
    assert said_by(validator, refused) == expected


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "first.last+tag@sub.example.co.uk",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        '"two words"@example.com',
        '"a\\"b@c"@example.com',
        "a@localhost",
        "a@[127.0.0.1]",
        "a@[::1]",
        "a@[IPv6:2001:db8::1]",
        "joerg@bücher.example",
        "a@उदाहरण.परीक्षा",
        "a@例え.テスト",
        "a@xn--bcher-kva.example",
        "a@i❤.ws",
        "a" * 64 + "@example.com",
        "a@" + "b" * 63 + ".com",
    ],
)
def test_an_e_mail_address_is_taken(address):
    assert said_by(validate_email, address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        '"a"b"@example.com',
        '"a@example.com',
        "a@example",
        "a@example.com.",
        "a@.com",
        "a@example..com",
        "a@-example.com",
        "a@example-.com",
        "a@exa_mple.com",
        "a@exam ple.com",
        "a@example.123",
        "a@example.c",
        "a@[127.0.0.256]",
        "a@[127.0.0.1",
        "a@[IPv6:]",
        "a@[fe80::1%eth0]",
        "a@ex\u2025ample.com",
        "a@example。com",
        "a@example.com\n",
        "\na@example.com",
        "a@example.com\x00",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "a@" + "ü" * 60 + ".example",  # longer than a label, once in ASCII
        "a@" + ("b" * 60 + ".") * 4 + "museum.example",  # 254 and more
        "jörg@example.com",
        7,
        b"a@example.com",
    ],
)
def test_what_is_no_e_mail_address_is_refused(address):
    assert said_by(validate_email, address) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://EXAMPLE.COM/",
        "ftp://example.com/a/b.txt",
        "https://example.com.:8080/a?b=c&d=%20#e",
        "https://example.com?q",
        "https://example.com#f",
        "https://user:pass@example.com",
        "https://user@example.com",
        "https://:@example.com",
        "http://localhost:8000",
        "http://127.0.0.1:65535/",
        "http://[::1]:8080/",
        "http://[2001:db8::7]",
        "http://[::ffff:192.0.2.1]/",
        "https://bücher.example/straße",
        "https://उदाहरण.परीक्षा",
        "https://xn--bcher-kva.example",
        "https://example.com/" + "a" * 2028,
    ],
)
def test_a_url_is_taken(url):
    assert said_by(validate_url, url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "http:example.com",
        "http://",
        "http:///path",
        "http://?q",
        "http://.",
        "http://a..b",
        "http://example",
        "http://-a.com",
        "http://a-.com",
        "http://exa mple.com",
        "http://example.com/a b",
        "http://example.com\n",
        "http://example.com/\x00",
        "http://example.com/\r\nHost: evil",
        "http://example.com:0",
        "http://example.com:65536",
        "http://example.com:",
        "http://example.com:80a",
        "http://a@b@example.com",
        "http://a:b:c@example.com",
        "http://example.com\\@evil.com",
        "http://127.0.0.256",
        "http://127.0.0.1.5",
        "http://1.2.3",
        "http://[::1",
        "http://[::1]a",
        "http://[1::2::3]",
        "http://[fe80::1%25eth0]",
        "http://::1/",
        "javascript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,a",
        " http://example.com",
        "https://example.com/" + "a" * 2029,
        7,
    ],
)
def test_what_is_no_url_is_refused(url):
    assert said_by(validate_url, url) is not None


HOSTILE = [
    "a" * 1_000_000,
    "a" * 1_000_000 + "@",
    "a@" + "a." * 500_000,
    "a@" + "ü" * 1_000_000,
    "a." * 32 + "@example.com",
    '"' + "\\" * 1_000_000,
    "http://" + "a" * 1_000_000,
    "http://" + "a:" * 1000,
    "http://" + "@" * 2000,
    "http://" + "a." * 1000 + "!",
    "http://" + "ü" * 2000 + ".com",
    "http://[" + ":" * 2000 + "]",
    "http://example.com:" + "9" * 2000,
    "-" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:12]}-{len(text)}")
@pytest.mark.parametrize("validator", [validate_email, validate_url], ids=["email", "url"])
def test_hostile_text_is_refused_at_once_and_in_few_words(validator, text):
    began = time.process_time()
    expected = said_by(validator, text)
    assert time.process_time() - began < 0.1
    assert expected is not None
    assert len(expected) < 150


def test_the_patterns_take_linear_time_even_without_the_bound_on_the_length():
    from dynamodb_py.models.validators import _local_part, _url

    for pattern, text in [
        (_local_part(), "a." * 200_000 + "@"),
        (_local_part(), '"' + "\\a" * 200_000),
        (_url(), "http://" + "a" * 200_000 + " "),
        (_url(), "http://" + "a:" * 200_000),
        (_url(), "http://a.b/" + "?" * 200_000 + " "),
    ]:
        began = time.process_time()
        assert pattern.match(text) is None
        assert time.process_time() - began < 0.5


EACH = [
    MinValueValidator(1),
    MaxValueValidator(1, "too much"),
    MinLengthValidator(1),
    MaxLengthValidator(1),
    OneOfValidator([[1], 2]),
    RegexValidator("a"),
    RegexValidator("a", flags=re.IGNORECASE),
    RegexValidator("a", inverse_match=True),
    EmailValidator(),
    EmailValidator(allowlist=[]),
    URLValidator(),
    URLValidator(schemes=["https"]),
]


@pytest.mark.parametrize("at", range(len(EACH)), ids=[repr(each) for each in EACH])
def test_validators_are_equal_to_their_like_alone_and_can_be_pickled(at):
    validator = EACH[at]
    for twin in (copy.deepcopy(validator), pickle.loads(pickle.dumps(validator))):
        assert twin == validator
        assert hash(twin) == hash(validator)
        assert repr(twin) == repr(validator)
    assert [each == validator for each in EACH].index(True) == at
    assert sum(each == validator for each in EACH) == 1
    assert validator != "a"


def test_the_repr_says_what_is_asked():
    assert repr(MaxValueValidator(7, "too much")) == (
        "MaxValueValidator(limit_value=7, message='too much')"
    )
    assert repr(EmailValidator()) == "EmailValidator(allowlist=('localhost',))"


def test_a_validator_of_ones_own_has_the_same_manners():
    class Even(Validator):
        message = "%(value)s is odd"

        def __call__(self, value):
            if value % 2:
                raise self.refusal(value)

    assert Even() == Even() != Even("no")
    assert said_by(Even(), 3) == "3 is odd"
    assert said_by(Even(), 2) is None


def test_what_cannot_be_compared_is_told_and_does_not_fall_through():
    expected = said_by(MinValueValidator(datetime(2026, 1, 1, tzinfo=UTC)), datetime(2026, 1, 1))
    assert "cannot be compared with" in expected
    assert "offset-naive" in expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: RegexValidator(re.compile("a"), flags=re.IGNORECASE), "a compiled one has its own"),
        (lambda: URLValidator(schemes="https"), r"give a list of them, \['https'\]"),
        (lambda: EmailValidator(allowlist="a.b"), r"allowlist='a.b': give a list of them"),
        (lambda: OneOfValidator("abc"), r"choices='abc': give a list of them"),
        (lambda: OneOfValidator(b"abc"), r"choices=b'abc': give a list of them"),
    ],
)  # fmt: skip
def test_a_validator_that_is_declared_wrongly_says_so(make, expected):
    with pytest.raises(TypeError, match=expected):
        make()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (CharField(validators=[validate_slug, MaxLengthValidator(3), str.islower]), "A b c", ["'A b c' has characters other than letters, digits, underscores and hyphens", "its length 5 is greater than 3", "'A b c' is refused by islower"]),
        (IntegerField(validators=[MinValueValidator(1), OneOfValidator([1, 2])]), 0, ["0 is less than 1", "0 is not one of 1, 2"]),
        (FloatField(validators=MaxValueValidator(0.5)), 0.75, ["0.75 is greater than 0.5"]),
        (DecimalField(validators=MinValueValidator(0)), Decimal(-1), ["Decimal('-1') is less than 0"]),
        (DateTimeField(validators=MinValueValidator(datetime(2026, 1, 1, tzinfo=UTC))), datetime(2025, 1, 1, tzinfo=UTC), None),
        (ListField(validators=[MinLengthValidator(1)]), [], ["its length 0 is less than 1"]),
        (DictField(validators=[MaxLengthValidator(0)]), {"a": 1}, ["its length 1 is greater than 0"]),
        (SetField(str, validators=[MaxLengthValidator(1)]), {"a", "b"}, ["its length 2 is greater than 1"]),
        (EnumField(Colour, validators=[OneOfValidator([Colour.RED])]), Colour.BLUE, ["<Colour.BLUE: 'b'> is not one of <Colour.RED: 'r'>"]),
    ],
)  # fmt: skip
def test_every_field_takes_them_several_at_once_and_tells_all(field, value, expected):
    with pytest.raises(ValidationError) as caught:
        encode_item(model_of(field)(k="a", x=value))
    assert list(caught.value.errors) == ["x"]
    assert expected is None or caught.value.errors["x"] == expected


def test_inside_lists_and_sets_the_place_is_told():
    Test = model_of(ListField(CharField(validators=[validate_email])))
    with pytest.raises(ValidationError) as caught:
        encode_item(Test(k="a", x=["a@example.com", "b"]))
    assert caught.value.errors == {"x[1]": ["'b' is not an e-mail address"]}
