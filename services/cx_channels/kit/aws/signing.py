"""Sign a request to AWS by Signature Version 4. Pure.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Only what JSON protocols, buckets of
S3 and STS need: the whole body is signed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from cx_events.timestamps import Micros

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key. ``token``: of temporary credentials, else empty."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def signed_headers(
    key: AwsKey,
    service: str,
    region: str,
    headers: Mapping[str, str],
    body: bytes,
    now: Micros,
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> dict[str, str]:
    """Return the headers of a request with its signature. ``headers``: all of them are signed, ``host`` among them;
    names in lower case. ``path``: percent-encoded once, as S3 has it signed; ``query``: as ``query_of`` writes it."""
    at = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    given = {**headers, "x-amz-date": at}
    if key.token:
        given["x-amz-security-token"] = key.token
    names = ";".join(sorted(given))
    told = "".join(f"{name}:{' '.join(given[name].split())}\n" for name in sorted(given))
    asked = f"{method}\n{path}\n{query}\n{told}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{at}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
    secret = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), sha256).digest()
    signature = hmac.new(secret, to_sign.encode(), sha256).hexdigest()
    given["authorization"] = f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return given


def query_of(given: Mapping[str, str]) -> str:
    """Return a query in the order and the spelling in which it is signed: only unreserved characters stand as they
    are."""
    return "&".join(f"{quote(name, safe='-._~')}={quote(given[name], safe='-._~')}" for name in sorted(given))
