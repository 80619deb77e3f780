"""The form of signatures (AWS Signature Version 4). Whether a signature is right is not checked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .database.errors import ServiceError

_ALGORITHM = "AWS4-HMAC-SHA256"
_PARTS = ("Credential", "Signature", "SignedHeaders")
_CREDENTIAL = re.compile(r"[^/]+/\d{8}/[^/]+/[^/]+/aws4_request\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}\Z")


def check_signature(headers: Mapping[str, str]) -> None:
    """Raise ServiceError unless a request has a signature of the right form; any key is accepted.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html has the errors.
    """
    given = headers.get("authorization")
    if given is None:
        raise ServiceError(
            "MissingAuthenticationTokenException", "Request is missing Authentication Token"
        )
    algorithm, _, rest = given.partition(" ")
    if algorithm != _ALGORITHM:
        raise ServiceError(
            "IncompleteSignatureException", f"Unsupported AWS 'algorithm': '{algorithm}'."
        )
    parts = dict(_split(each) for each in rest.split(","))
    faults = [
        f"Authorization header requires '{name}' parameter."
        for name in _PARTS
        if not parts.get(name)
    ]
    if not ("x-amz-date" in headers or "date" in headers):
        faults.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if not faults and not _CREDENTIAL.match(parts["Credential"]):
        faults.append("Credential must have exactly 5 slash-delimited elements.")
    if not faults and not _SIGNATURE.match(parts["Signature"]):
        faults.append("Signature must be 64 hexadecimal digits.")
    if faults:
        raise ServiceError(
            "IncompleteSignatureException", f"{' '.join(faults)} Authorization={algorithm}"
        )


def _split(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value
