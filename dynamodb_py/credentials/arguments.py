"""The arguments of ``connect()`` and ``options()``: what cannot be used is refused, by name.

All raise ConfigurationError.
"""

from __future__ import annotations

from typing import cast

from ..exceptions import ConfigurationError
from ..retries import Retries
from .addresses import Address
from .settings import SecretBytes, Settings


def check_texts(**texts: object) -> None:
    """Refuse what is neither a text nor None."""
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise ConfigurationError(f"{name}: give a text, not {type(text).__name__}")


def refuse_server_options(address: Address, **options: object) -> None:
    """Refuse options of a server for an embedded database."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigurationError(
            f"{', '.join(given)}: an embedded database, {address.text!r}, has none of that"
        )


def as_retries(retries: int | Retries | None) -> Retries:
    """Return the retries that the argument means; by default those of the environment."""
    if isinstance(retries, Retries):
        return retries
    if retries is None:
        return Retries.from_environment()
    if type(retries) is not int or retries < 1:
        raise ConfigurationError(
            f"retries={retries!r}: a request is tried at least once: give an int from 1, or Retries"
        )
    return Retries(attempts=retries)


_LONGEST = 1_000_000
"""Seconds that a timeout may have: the most that every system takes."""


def check_settings(settings: Settings) -> None:
    """Refuse settings that no request could use."""
    for name in ("connect_timeout", "read_timeout"):
        check_seconds(name, getattr(settings, name))
    if type(settings.pool_size) is not int or settings.pool_size < 0:
        raise ConfigurationError(f"pool_size={settings.pool_size!r}: give an int from 0")
    if settings.through_instrumented_botocore is not None:
        check_flags(through_instrumented_botocore=settings.through_instrumented_botocore)
    if not isinstance(settings.verify, (bool, str)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"verify={settings.verify!r}: give True, False or a path")
    if settings.session is not None and not hasattr(settings.session, "get_credentials"):
        raise ConfigurationError(
            f"session={settings.session!r}: give a session of boto3 or botocore; a client is client="
        )
    if settings.client is not None:
        meta = getattr(settings.client, "meta", None)
        model = getattr(
            getattr(getattr(meta, "client", settings.client), "meta", None), "service_model", None
        )
        if model is None or model.service_name != "dynamodb":
            raise ConfigurationError(
                f"client={settings.client!r}: give boto3.client('dynamodb') or its resource; a session "
                "is session="
            )


def check_seconds(name: str, seconds: object) -> None:
    """Refuse what is no number of seconds that every system takes."""
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 < cast("float", seconds) <= _LONGEST:
        raise ConfigurationError(
            f"{name}={seconds!r}: give seconds, more than 0 and at most {_LONGEST:,}"
        )


def check_deadline(seconds: object) -> None:
    """Refuse what is neither None nor a number of seconds."""
    if seconds is not None:
        check_seconds("deadline", seconds)


def check_flags(**flags: object) -> None:
    """Refuse what is neither True nor False."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ConfigurationError(f"{name}={flag!r}: give True or False")


def as_cursor_key(key: bytes | str | None) -> SecretBytes | None:
    """Return the key that signs cursors, hidden; None: they are not signed."""
    if key is None:
        return None
    if not isinstance(key, (str, bytes)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("cursor_key: give bytes or a text")
    return SecretBytes(key.encode() if isinstance(key, str) else key)


def check_behaviour(
    *,
    deadline: object,
    slow: object,
    sync_in_loop: object,
    table_name_format: object,
    **flags: object,
) -> None:
    """Refuse what a connection could not go by: times, flags and functions."""
    check_deadline(deadline)
    if sync_in_loop not in ("allow", "raise"):
        raise ConfigurationError(f"sync_in_loop={sync_in_loop!r}: give 'allow' or 'raise'")
    if slow is not None:
        check_seconds("slow", slow)
    check_flags(**flags)
    if table_name_format is not None and not callable(table_name_format):
        raise ConfigurationError(f"table_name_format={table_name_format!r}: give a function")


def check_default(default: object) -> None:
    """Refuse a name in the place of whether there is a default connection."""
    if not isinstance(default, bool):
        raise ConfigurationError(
            f"default={default!r}: give True or False; a name is the first argument"
        )
