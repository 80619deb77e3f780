"""AWS Signature Version 4 for the requests of DynamoDB.

Every request is a POST of JSON to the same path, so most of the signed text is constant. The signing
key changes each day, and the time stamp each second. The rules are at
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

from .keys import Keys
from .settings import TABLES, SecretBytes

if TYPE_CHECKING:
    from hashlib import _Hash

CONTENT_TYPE = "application/x-amz-json-1.0"
SERVICE = "dynamodb"

_BLOCK = 64
"""The block size of SHA-256 in bytes."""
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class _Signing(Struct, frozen=True):
    """The common parts of all requests of one second with one pair of keys.

    The hash objects have hashed these parts already, and are copied for each request. Their repr() shows
    no secret.
    """

    second: int
    keys: Keys
    canonical: SecretBytes  # up to the target's value
    canonical_end: bytes  # from there to the body's hash
    inner: _Hash  # HMAC's first hash, up to the hash of the canonical request
    outer: _Hash  # HMAC's second hash, up to the first
    before_target: SecretBytes  # the request's head up to the target's value
    before_signature: bytes  # from there to the signature
    by_api: dict[str, tuple[SecretBytes, _Hash]]
    """For each call: the request up to the signature, and the canonical one up to the body's hash."""


class Signer:
    """Builds signed requests to one host and path.

    *host* is the value of the header Host, with the port unless it is the default. *line* is the target in
    the request's first line: the path or, through a proxy, a whole URL.
    """

    def __init__(
        self,
        *,
        region: str,
        host: str,
        path: str = "/",
        line: str = "",
        headers: str = "",
        service: str = SERVICE,
        target: str = TABLES.target,
    ) -> None:
        import hashlib  # it loads OpenSSL: too slow for `import dynamodb_py`

        self._sha256 = hashlib.sha256
        self.region, self.host, self.service = region, host, service
        self._path, self._target = path, target
        if path.strip("/"):
            from urllib.parse import quote  # 2 ms, only for an unusual path

            # As botocore does, the path is quoted once more, except for its slashes.
            self._path = quote(path, safe="/~")
        self._line = line or path
        self._headers = headers
        self._latest: _Signing | None = None

    def request(self, api: str, body: bytes, keys: Keys, now: float | None = None) -> SecretBytes:
        """Return the signed request for *api* as bytes, with its body.

        *now* is the time in seconds since 1970, by default that of the machine's clock.
        """
        second = int(time.time() if now is None else now)
        latest = self._latest
        if latest is None or latest.second != second or latest.keys is not keys:
            latest = self._latest = self._prepare(second, keys)
        head, canonical = latest.by_api.get(api) or self._prepare_api(latest, api)
        canonical, inner, outer = canonical.copy(), latest.inner.copy(), latest.outer.copy()
        canonical.update(self._sha256(body).hexdigest().encode())
        inner.update(canonical.hexdigest().encode())
        outer.update(inner.digest())
        return SecretBytes(
            b"%b%b\r\nContent-Length: %d\r\n\r\n%b"
            % (head, outer.hexdigest().encode(), len(body), body)
        )

    def _prepare_api(self, signing: _Signing, api: str) -> tuple[SecretBytes, _Hash]:
        target = api.encode()
        head = SecretBytes(signing.before_target + target + signing.before_signature)
        canonical = self._sha256(signing.canonical + target + signing.canonical_end)
        found = signing.by_api[api] = head, canonical
        return found

    def _prepare(self, second: int, keys: Keys) -> _Signing:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        day = stamp[:8]
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        names = "content-type;host;x-amz-date;x-amz-target"
        token = canonical_token = header_token = ""
        if keys.token:
            token = keys.token
            names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
            canonical_token = f"x-amz-security-token:{' '.join(token.split())}\n"
            header_token = f"X-Amz-Security-Token: {token}\r\n"
        canonical = (
            f"POST\n{self._path}\n\ncontent-type:{CONTENT_TYPE}\nhost:{self.host}\n"
            f"x-amz-date:{stamp}\n{canonical_token}x-amz-target:{self._target}"
        )
        before_target = (
            f"POST {self._line} HTTP/1.1\r\nHost: {self.host}\r\nUser-Agent: dynamodb_py\r\n"
            f"Accept-Encoding: identity\r\n{self._headers}Content-Type: {CONTENT_TYPE}\r\n"
            f"X-Amz-Date: {stamp}\r\n{header_token}X-Amz-Target: {self._target}"
        )
        before_signature = (
            f"\r\nAuthorization: AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature="
        )
        inner, outer = self._make_mac(self._make_key(day, keys))
        inner.update(f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n".encode())
        return _Signing(
            second,
            keys,
            SecretBytes(canonical.encode()),
            f"\n\n{names}\n".encode(),
            inner,
            outer,
            SecretBytes(before_target.encode()),
            before_signature.encode(),
            {},
        )

    def _make_key(self, day: str, keys: Keys) -> SecretBytes:
        key = SecretBytes(f"AWS4{keys.secret_key}".encode())
        for part in (day, self.region, self.service, "aws4_request"):
            inner, outer = self._make_mac(key)
            inner.update(part.encode())
            outer.update(inner.digest())
            key = SecretBytes(outer.digest())
        return key

    def _make_mac(self, key: SecretBytes) -> tuple[_Hash, _Hash]:
        """Return the two hashes of an HMAC with *key*, without the message (RFC 2104)."""
        if len(key) > _BLOCK:
            key = SecretBytes(self._sha256(key).digest())
        padded = SecretBytes(key.ljust(_BLOCK, b"\0"))
        return self._sha256(padded.translate(_INNER)), self._sha256(padded.translate(_OUTER))
