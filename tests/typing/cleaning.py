"""What the type checkers know of validators, and of the methods that clean."""

import datetime as dt
import re

from typing_extensions import assert_type

from dynamodb_py import CharField, DateTimeField, Document, EmbeddedField, IntegerField, Model
from dynamodb_py.models.validators import (
    EmailValidator,
    MaxLengthValidator,
    MinValueValidator,
    OneOfValidator,
    RegexValidator,
    URLValidator,
    Validator,
    validate_email,
    validate_slug,
    validate_url,
)


class Even(Validator):
    message = "%(value)s is odd"

    def __call__(self, value: int) -> None:
        if value % 2:
            raise self.refusal(value)


def now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class Address(Document):
    city = CharField(required=True)

    def clean_city(self, value: str) -> str:
        return value.title()

    def clean(self) -> None:
        super().clean()


class Base(Model):
    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()


class Booking(Base):
    email = CharField(hash_key=True, validators=[validate_email, MaxLengthValidator(64)])
    slug = CharField(validators=validate_slug)
    site = CharField(validators=[validate_url, URLValidator(schemes=["https"])])
    code = CharField(
        validators=[RegexValidator(r"\d", "no digit", flags=re.ASCII), EmailValidator()]
    )
    people = IntegerField(default=2, validators=[Even(), OneOfValidator([2, 4])])
    at = DateTimeField(validators=[MinValueValidator(now)])
    home = EmbeddedField(Address)

    def clean_email(self, value: str) -> str:
        return value.lower()

    def clean_slug(self, value: "str | None") -> "str | None":
        return value or None

    def clean(self) -> None:
        super().clean()
        if self.people > 2 and self.slug is None:
            raise ValueError("a group has a slug")


def cleaning(booking: Booking, address: Address) -> None:
    booking.full_clean()
    assert_type(booking.slug, "str | None")
    booking.full_clean(exclude=["email"])
    address.full_clean(exclude={"city"})
    booking.full_clean(exclude=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RegexValidator(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MaxLengthValidator("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Wrong(Model):
    def clean(self, value: str) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        ...
