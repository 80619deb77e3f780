"""Credentials from the settings, the environment, or botocore."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Protocol

from ..exceptions import ConfigurationError
from .settings import Secret, Settings


class Keys(NamedTuple):
    """The keys that sign a request: credentials at one moment."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Keys({self.access_key!r}, <hidden>)"


class Credentials(Protocol):
    """A source of keys, which may change between requests."""

    @property
    def due(self) -> bool:
        """Whether :meth:`keys` may need the network."""
        ...

    def keys(self) -> Keys:
        """Return the current keys; the same object while they do not change."""
        ...


class Fixed:
    """Credentials that never change."""

    due = False

    def __init__(self, keys: Keys) -> None:
        self._keys = check_keys(keys)

    def keys(self) -> Keys:
        return self._keys


class Refreshable:
    """botocore's credentials, which may refresh themselves."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._refresh_needed = getattr(credentials, "refresh_needed", None)
        self._latest: Keys | None = None

    @property
    def due(self) -> bool:
        return self._refresh_needed is not None and bool(self._refresh_needed())

    def keys(self) -> Keys:
        try:
            frozen = self._credentials.get_frozen_credentials()
        except Exception as error:  # each provider has its own exceptions
            raise ConfigurationError(
                f"The AWS credentials could not be refreshed: {error} Sign in again, or set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from error
        keys, latest = Keys(frozen.access_key, frozen.secret_key, frozen.token), self._latest
        if latest is not None and latest == keys:
            return latest
        del frozen  # its repr() would show the secret key in a traceback
        self._latest = check_keys(keys)
        return keys


def check_keys(keys: Keys) -> Keys:
    """Return *keys*; raise ConfigurationError if one is missing or cannot be sent in a header."""
    if not keys.access_key or not keys.secret_key:
        missing = "secret access key" if keys.access_key else "access key id"
        raise ConfigurationError(
            f"The AWS credentials are incomplete: the {missing} is missing. Set both "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give both to connect()."
        )
    sent = (keys.access_key, Secret(keys.token or ""))
    if not all(part.isascii() and part.isprintable() for part in sent):
        raise ConfigurationError(
            "The AWS access key id or session token holds a character that cannot be sent "
            "(a line end, perhaps); check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN."
        )
    if any("\ud800" <= letter <= "\udfff" for letter in keys.secret_key):
        raise ConfigurationError(
            "The AWS secret access key is not valid Unicode; check AWS_SECRET_ACCESS_KEY."
        )
    return keys


def find_static_keys(settings: Settings) -> Keys | None:
    """Return the keys of the settings, else of the environment; None if only botocore can find them.

    Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if only one of the two keys is given.
    """
    if settings.aws_access_key_id or settings.aws_secret_access_key or settings.aws_session_token:
        key, secret = settings.aws_access_key_id or "", settings.aws_secret_access_key or ""
        return check_keys(Keys(key, secret, settings.aws_session_token))
    key = os.getenv("AWS_ACCESS_KEY_ID") or ""
    if settings.profile_name or not key:
        return None
    if os.getenv("AWS_CREDENTIAL_EXPIRATION"):  # they expire: botocore refreshes them
        return None
    token = Secret(os.getenv("AWS_SECURITY_TOKEN") or os.getenv("AWS_SESSION_TOKEN") or "")
    return check_keys(Keys(key, Secret(os.getenv("AWS_SECRET_ACCESS_KEY") or ""), token or None))
