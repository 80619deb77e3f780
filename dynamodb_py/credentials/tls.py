"""TLS contexts and their certificate authorities."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..exceptions import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext


def find_authorities(verify: bool | str, configured: str | None = None) -> bool | str:
    """Return the certificate authorities to trust, in the order of boto3.

    The first of: *verify* unless it is True; AWS_CA_BUNDLE; ``ca_bundle`` of the configuration file
    (*configured*); REQUESTS_CA_BUNDLE; True, which means the system's authorities.
    """
    if verify is not True:
        return verify
    return os.getenv("AWS_CA_BUNDLE") or configured or os.getenv("REQUESTS_CA_BUNDLE") or True


def make_context(verify: bool | str) -> SSLContext:
    """Return a context for connections that trust the authorities of *verify*.

    *verify* is a file, a directory, True (the system's authorities), or False (certificates are not checked
    at all). Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if the file cannot be read.
    """
    import ssl  # not needed for plain HTTP

    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    bundle = verify if isinstance(verify, str) else None
    try:
        if bundle is None and not _system_has_authorities(ssl.get_default_verify_paths()):
            bundle = _find_bundled_authorities()
        if bundle is not None and os.path.isdir(bundle):
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ConfigurationError(
            f"The certificate authorities in {bundle!r} cannot be used: {error}. Check verify= and "
            "AWS_CA_BUNDLE: give a file in PEM format, or a directory of such files."
        ) from error


def _system_has_authorities(paths: object) -> bool:
    """Tell whether OpenSSL finds a store of authorities; systems other than Unix always have one."""
    found = getattr(paths, "cafile", None) or getattr(paths, "capath", None)
    return os.name != "posix" or bool(found)


def _find_bundled_authorities() -> str | None:
    """Return botocore's file of authorities, for systems (container images) without a store of their own."""
    from importlib.util import find_spec  # finds the package without importing it

    spec = find_spec("botocore")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = os.path.join(folder, "cacert.pem")
        if os.path.isfile(path):
            return path
    return None
