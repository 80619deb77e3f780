"""Checks of the arguments of ``connect()`` and ``options()``.

All raise ConfigurationError with the name of an invalid argument.
"""

from __future__ import annotations

from typing import cast

from ..exceptions import ConfigurationError
from ..retries import Retries
from .addresses import Address
from .settings import SecretBytes, Settings


def check_texts(**texts: object) -> None:
    """Refuse values that are neither a text nor None."""
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise ConfigurationError(f"{name}: give a text, not {type(text).__name__}")


def refuse_server_options(address: Address, **options: object) -> None:
    """Refuse options of a server together with the address of an embedded database."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigurationError(
            f"{', '.join(given)}: an embedded database, {address.text!r}, does not use it: leave it out"
        )


def as_retries(retries: int | Retries | None) -> Retries:
    """Return the retries for the argument; None means those of the environment."""
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
"""The longest timeout in seconds: every system accepts it."""


def check_settings(settings: Settings) -> None:
    """Refuse invalid settings."""
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
    """Refuse values that are not a number of seconds, or more than every system accepts."""
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 < cast("float", seconds) <= _LONGEST:
        raise ConfigurationError(
            f"{name}={seconds!r}: give seconds, more than 0 and at most {_LONGEST:,}"
        )


def check_deadline(seconds: object) -> None:
    """Refuse values that are neither None nor a number of seconds."""
    if seconds is not None:
        check_seconds("deadline", seconds)


def check_flags(**flags: object) -> None:
    """Refuse values that are neither True nor False."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ConfigurationError(f"{name}={flag!r}: give True or False")


def as_cursor_key(key: bytes | str | None) -> SecretBytes | None:
    """Return the key that signs cursors, with a repr() that hides it; None: they are not signed."""
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
    """Refuse invalid times, flags and functions of a connection."""
    check_deadline(deadline)
    if sync_in_loop not in ("allow", "raise"):
        raise ConfigurationError(f"sync_in_loop={sync_in_loop!r}: give 'allow' or 'raise'")
    if slow is not None:
        check_seconds("slow", slow)
    check_flags(**flags)
    if table_name_format is not None and not callable(table_name_format):
        raise ConfigurationError(f"table_name_format={table_name_format!r}: give a function")


def check_default(default: object) -> None:
    """Refuse values of *default* that are neither True nor False, such as an alias."""
    if not isinstance(default, bool):
        raise ConfigurationError(
            f"default={default!r}: give True or False; an alias is the first argument"
        )
