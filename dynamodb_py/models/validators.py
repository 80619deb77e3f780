"""Validators for ``validators=[...]``, with the names that Django has for them.

A validator is called with a value, never with None, and raises
:class:`~dynamodb_py.exceptions.ValidationError` if it refuses the value. Validators of one class with the
same options are equal. They can be pickled, unless one of their options is a lambda.

>>> from dynamodb_py import CharField, Model
>>> class Account(Model):
...     email = CharField(hash_key=True, validators=[validate_email, MaxLengthValidator(64)])
>>> Account(email="nobody").full_clean()
Traceback (most recent call last):
    ...
dynamodb_py.exceptions.ValidationError: Account: email: 'nobody' is not an e-mail address
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sized
from functools import cache
from re import Pattern
from typing import Any, ClassVar, Generic, TypeVar

from ..exceptions import ValidationError

T = TypeVar("T")

# https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1
_MAX_EMAIL = 254
_MAX_LOCAL = 64
# https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
_MAX_DOMAIN = 253
_MAX_LABEL = 63
# The limit that browsers and servers have in common, as in Django.
_MAX_URL = 2048

_SHOWN = 60


class Validator:
    """The base class of validators: a message, equality, and a repr.

    A ``message`` of your own may hold ``%(value)s``, and ``%(limit_value)s`` if there is a limit.

    >>> MaxValueValidator(5, "%(value)s is over the limit of %(limit_value)s")(6)
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 6 is over the limit of 5
    """

    message: str = "%(value)s is not valid"

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message

    def refusal(self, value: Any, **details: Any) -> ValidationError:
        """Return the error that refuses *value*; a very long one is shown in part."""
        message = self.message
        for name, each in {"value": value, **details}.items():
            message = message.replace(f"%({name})s", _show(each))
        return ValidationError(message)

    def __call__(self, value: Any) -> None:
        """Raise ValidationError for a value that is not valid."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.message))  # other options may be unhashable

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})"


class _LimitValidator(Validator, Generic[T]):
    """A validator that compares with a limit: a value, or a callable that returns it."""

    def __init__(self, limit_value: T | Callable[[], T], message: str | None = None) -> None:
        """Create the validator.

        :param limit_value: the limit, which is itself valid, or a callable without arguments that returns it at
            each check. A limit of the length counts characters, bytes or elements.
        :param message: the text of the error; by default that of the class.
        """
        self.limit_value = limit_value
        super().__init__(message)

    def __call__(self, value: Any) -> None:
        limit = self.limit_value() if callable(self.limit_value) else self.limit_value
        try:
            refused = self.refuses(self.measure(value), limit)
        except TypeError as error:  # a time with an offset and one without
            raise ValidationError(
                f"{_show(value)} cannot be compared with {_show(limit)}: {error}"
            ) from None
        if refused:
            raise self.refusal(value, limit_value=limit, show_value=self.measure(value))

    def measure(self, value: Any) -> Any:
        """Return the number to compare with the limit."""
        return value

    def refuses(self, measured: Any, limit: Any) -> bool:
        """Tell whether a measured value is beyond the limit."""
        raise NotImplementedError


class MinValueValidator(_LimitValidator[Any]):
    """Refuse values below a limit, which may be a callable: ``MinValueValidator(now)``.

    >>> MinValueValidator(1)(0)
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 0 is less than 1
    """

    message = "%(value)s is less than %(limit_value)s"

    def refuses(self, measured: Any, limit: Any) -> bool:
        return bool(measured < limit)


class MaxValueValidator(_LimitValidator[Any]):
    """Refuse values above a limit, which may be a callable.

    >>> MaxValueValidator(5)(6)
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 6 is greater than 5
    """

    message = "%(value)s is greater than %(limit_value)s"

    def refuses(self, measured: Any, limit: Any) -> bool:
        return bool(measured > limit)


class _LengthValidator(_LimitValidator[int]):
    def measure(self, value: Sized) -> int:
        return len(value)


class MinLengthValidator(_LengthValidator):
    """Refuse text, bytes and containers that are shorter than a limit.

    >>> MinLengthValidator(3)("ab")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: its length 2 is less than 3
    """

    message = "its length %(show_value)s is less than %(limit_value)s"

    def refuses(self, measured: int, limit: int) -> bool:
        return measured < limit


class MaxLengthValidator(_LengthValidator):
    """Refuse text, bytes and containers that are longer than a limit.

    >>> MaxLengthValidator(3)([1, 2, 3, 4])
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: its length 4 is greater than 3
    """

    message = "its length %(show_value)s is greater than %(limit_value)s"

    def refuses(self, measured: int, limit: int) -> bool:
        return measured > limit


class OneOfValidator(Validator):
    """Refuse values that are not among *choices*.

    >>> OneOfValidator(["red", "blue"])("green")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 'green' is not one of 'red', 'blue'
    """

    message = "%(value)s is not one of %(choices)s"

    def __init__(self, choices: Iterable[Any], message: str | None = None) -> None:
        self.choices = _as_tuple("choices", choices)
        super().__init__(message)

    def __call__(self, value: Any) -> None:
        if value not in self.choices:
            raise self.refusal(value, choices=_Verbatim(", ".join(map(repr, self.choices))))


class RegexValidator(Validator):
    r"""Refuse text in which a regular expression is not found, as by ``re.search``.

    :param regex: the pattern, as text or compiled; anchor it to match the whole text.
    :param flags: of the module ``re``, for a pattern that is text.
    :param inverse_match: refuse text in which it *is* found.

    >>> RegexValidator(r"\A[A-Z]{3}\Z")("abc")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 'abc' does not match \A[A-Z]{3}\Z
    >>> RegexValidator("[<>]", "no angle brackets, please", inverse_match=True)("<b>")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: no angle brackets, please
    """

    message = "%(value)s does not match %(regex)s"

    def __init__(
        self,
        regex: str | Pattern[str],
        message: str | None = None,
        *,
        flags: int = 0,
        inverse_match: bool = False,
    ) -> None:
        if flags and not isinstance(regex, str):
            raise TypeError("flags= is for a pattern given as text: a compiled one has its own")
        self.regex: Pattern[str] = re.compile(regex, flags)
        self.inverse_match = inverse_match
        if message is None and inverse_match:
            message = "%(value)s matches %(regex)s"
        super().__init__(message)

    def __call__(self, value: Any) -> None:
        if bool(self.regex.search(str(value))) is self.inverse_match:
            raise self.refusal(value, regex=_Verbatim(self.regex.pattern))


class EmailValidator(Validator):
    """Refuse values that do not have the form of an e-mail address, ``name@domain``.

    The name has the form that all mail servers accept: ASCII, with dots between words, or quoted. The
    domain may be international, in Unicode or as ``xn--``, or an IP address in brackets.

    :param allowlist: domains that are accepted though they have no dot.

    >>> validate_email("jörg@example.com")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 'jörg@example.com' is not an e-mail address
    >>> validate_email("joerg@bücher.example")
    """

    message = "%(value)s is not an e-mail address"

    def __init__(
        self, message: str | None = None, *, allowlist: Iterable[str] = ("localhost",)
    ) -> None:
        self.allowlist = _as_tuple("allowlist", allowlist)
        super().__init__(message)

    def __call__(self, value: Any) -> None:
        if not isinstance(value, str) or len(value) > _MAX_EMAIL or not self._is_valid(value):
            raise self.refusal(value)

    def _is_valid(self, value: str) -> bool:
        name, at, domain = value.rpartition("@")
        if not at or len(name) > _MAX_LOCAL or not _local_part().match(name):
            return False
        if domain[:1] == "[" and domain[-1:] == "]":
            inside = domain[1:-1]
            tag, colon, rest = inside.partition(":")
            return is_ipv6(rest if colon and tag.lower() == "ipv6" else inside) or is_ipv4(inside)
        return domain.lower() in self.allowlist or (is_domain(domain) and not domain.endswith("."))


class URLValidator(Validator):
    """Refuse values that do not have the form of an absolute URL with a host.

    Hosts are domain names, international ones too, ``localhost``, IPv4 addresses, and IPv6 addresses
    in brackets.

    :param schemes: the accepted schemes, in lower case.

    >>> URLValidator(schemes=["https"])("http://example.com/")
    Traceback (most recent call last):
        ...
    dynamodb_py.exceptions.ValidationError: 'http://example.com/' is not a URL with scheme https
    """

    message = "%(value)s is not a URL with scheme %(schemes)s"
    default_schemes: ClassVar[tuple[str, ...]] = ("http", "https", "ftp", "ftps")

    def __init__(self, message: str | None = None, *, schemes: Iterable[str] | None = None) -> None:
        self.schemes = self.default_schemes if schemes is None else _as_tuple("schemes", schemes)
        super().__init__(message)

    def __call__(self, value: Any) -> None:
        if not isinstance(value, str) or len(value) > _MAX_URL or not self._is_valid(value):
            raise self.refusal(value, schemes=_Verbatim(", ".join(self.schemes)))

    def _is_valid(self, value: str) -> bool:
        found = _url().match(value)
        if found is None or found["scheme"].lower() not in self.schemes:
            return False
        port = found["port"]
        if port is not None and not 0 < int(port) < 65536:
            return False
        if (host := found["host"])[0] == "[":
            return is_ipv6(host[1:-1])
        return host.lower() == "localhost" or is_ipv4(host) or is_domain(host)


class _Verbatim(str):
    """Text that a message shows without quotes."""

    __slots__ = ()


def _as_tuple(option: str, given: Iterable[T]) -> tuple[T, ...]:
    """Return *given* as a tuple; raise TypeError for text, which is one value."""
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{option}={given!r}: give a list of them, [{given!r}]")
    return tuple(given)


def _show(value: Any) -> str:
    if isinstance(value, _Verbatim):
        return str(value)
    # Cut before repr(), which would be slow for very long values.
    text = repr(value[: _SHOWN + 1] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


# No pattern matches a text in two ways, so all take linear time; they are compiled on first use, not
# on import.


@cache
def _local_part() -> Pattern[str]:
    """Return the pattern of the part before the @: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2 ."""
    word = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    quoted = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
    return re.compile(rf"(?:{word}(?:\.{word})*|{quoted})\Z")


@cache
def _url() -> Pattern[str]:
    user = r"[^\s:@/?#\[\]\\]"
    return re.compile(
        r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
        rf"(?:{user}*(?::{user}*)?@)?"
        r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:@/?#\[\]\\]+)"
        r"(?::(?P<port>[0-9]{1,5}))?"
        r"(?:[/?#][^\s\x00-\x1f\x7f]*)?\Z"
    )


def is_domain(text: str) -> bool:
    """Tell whether *text* has the form of a domain name with a dot before its last character.

    >>> (
    ...     is_domain("example.com"),
    ...     is_domain("bücher.example"),
    ...     is_domain("example"),
    ...     is_domain("a..b"),
    ... )
    (True, True, False, False)
    """
    labels = text.removesuffix(".").split(".") if len(text) <= _MAX_DOMAIN + 1 else []
    if len(labels) < 2 or not all(_is_label(label) for label in labels):
        return False
    last = labels[-1]
    length = sum(len(_in_ascii(label)) + 1 for label in labels) - 1
    return length <= _MAX_DOMAIN and len(last) > 1 and not last.isdigit()


def _is_label(label: str) -> bool:
    if not label or len(label) > _MAX_LABEL or label[0] == "-" or label[-1] == "-":
        return False
    if not label.isascii():
        return all(_may_be_in_label(each) for each in label) and len(_in_ascii(label)) <= _MAX_LABEL
    return label.replace("-", "a").isalnum()


def _may_be_in_label(each: str) -> bool:
    """Tell whether a character may be in a label: a letter, mark, digit, symbol or joiner."""
    if each.isascii():
        return each.isalnum() or each == "-"
    from unicodedata import category  # only international names need it

    kind = category(each)
    return kind[0] in "LM" or kind in ("Nd", "So") or each in "\u200c\u200d\u00b7\u30fb"


def _in_ascii(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def is_ipv4(text: str) -> bool:
    """Tell whether *text* is an IPv4 address.

    >>> is_ipv4("127.0.0.1"), is_ipv4("127.0.0.256"), is_ipv4("127.0.0.01")
    (True, False, False)
    """
    parts = text.split(".") if text.isascii() and len(text) <= 15 else []
    return len(parts) == 4 and all(
        part.isdigit() and int(part) < 256 and str(int(part)) == part for part in parts
    )


def is_ipv6(text: str) -> bool:
    """Tell whether *text* is an IPv6 address, without a zone.

    >>> is_ipv6("::1"), is_ipv6("2001:db8::"), is_ipv6("1::2::3"), is_ipv6("fe80::1%eth0")
    (True, True, False, False)
    """
    if len(text) > 45 or "%" in text:
        return False
    from ipaddress import AddressValueError, IPv6Address  # seldom needed, and not small

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


validate_email = EmailValidator()
validate_url = URLValidator()
validate_slug = RegexValidator(
    r"\A[-a-zA-Z0-9_]+\Z",
    "%(value)s has characters other than letters, digits, underscores and hyphens",
)

__all__ = [
    "EmailValidator",
    "MaxLengthValidator",
    "MaxValueValidator",
    "MinLengthValidator",
    "MinValueValidator",
    "OneOfValidator",
    "RegexValidator",
    "URLValidator",
    "Validator",
    "validate_email",
    "validate_slug",
    "validate_url",
]
