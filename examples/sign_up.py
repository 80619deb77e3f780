"""Sign-up: no two users have the same login or e-mail address, however many sign up at once."""

from __future__ import annotations

from dynamodb_py import (
    AlreadyExists,
    CharField,
    DateTimeField,
    MinLengthValidator,
    Model,
    ULIDField,
    validate_email,
    validate_slug,
)


class User(Model):
    class Meta:
        table_name = "users"

    id = ULIDField(hash_key=True)
    login = CharField(required=True, unique=True, validators=[validate_slug, MinLengthValidator(3)])
    email = CharField(
        required=True, unique=True, strip=True, lower=True, validators=[validate_email]
    )
    joined = DateTimeField(auto_now_add=True)


class Taken(Exception):
    """Another user has the login or the address; the argument is the name of the field."""


def sign_up(login: str, email: str) -> User:
    """Create a user: one TransactWriteItems with the item and a sentinel for each unique value.

    Raises ValidationError for a wrong login or address, and :class:`Taken`.
    """
    try:
        return User.create(login=login, email=email)
    except AlreadyExists as error:
        raise Taken(*error.fields) from error


def sign_in(name: str) -> User | None:
    """Return the user with a login or an address: a GetItem for the sentinel, and one for the item."""
    if "@" in name:
        return User.objects.get_or_none(email=name)
    return User.objects.get_or_none(login=name)


def change_email(user: User, email: str) -> User:
    """Change the address, and free the old one: one TransactWriteItems."""
    user.email = email
    try:
        return user.save()
    except AlreadyExists as error:
        user.revert("email")
        raise Taken(*error.fields) from error
