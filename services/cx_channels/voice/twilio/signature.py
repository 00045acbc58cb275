"""``X-Twilio-Signature``: base64 of an HMAC-SHA1 under the account's auth token.

Over the whole URL, then each POST parameter's name and value, sorted by name, with nothing between them
(www.twilio.com/docs/usage/security, "Validating requests are coming from Twilio"). Of a parameter that comes more than
once, each different value counts once, in order of value, as Twilio's own libraries do. A JSON body is covered by its
SHA-256 in the URL's parameter ``bodySHA256``. Whether the port is part of the signed URL differs by product and
scheme, so both forms pass.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, urlsplit

from cx_channels.port import Connection, Request
from cx_channels.signing import check_signature, same, sha256_hex
from cx_channels.voice.twilio.fields import form_pairs
from cx_events.errors import Refused

HEADER = "X-Twilio-Signature"

_CACHED = 64
"""URLs: an account calls few, mostly without a query."""

_PORTS = {"https": 443, "http": 80}


def verify(request: Request, connection: Connection) -> None:
    """``Refused`` (401) unless one of the connection's auth tokens signed the request."""
    given = request.headers.get(HEADER.lower())
    parameters = b""
    if request.method != "GET" and request.body:
        if request.content_type == "application/json":
            _check_body(request, given)
        else:
            parameters = signed_parameters(request.once(form_pairs)).encode("utf-8", "replace")
    contents = [url.encode("utf-8", "replace") + parameters for url in signed_urls(request.url)]
    check_signature(given, contents, connection.secrets, header=HEADER, algorithm="sha1", encoding="base64")


def signed_parameters(pairs: list[tuple[str, str]]) -> str:
    """Names and values as they are signed."""
    return "".join(name + value for name, value in sorted(set(pairs)))


@lru_cache(_CACHED)
def signed_urls(url: str) -> tuple[str, ...]:
    """The URL as it was called, without a port, and with one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url,)
    host = parts.netloc
    if port is not None:
        host = host.rpartition(":")[0]
    with_port = f"{host}:{port or _PORTS.get(parts.scheme, 443)}"
    forms = [url, _with_host(parts, host), _with_host(parts, with_port)]
    return tuple(dict.fromkeys(forms))


def _with_host(parts: SplitResult, host: str) -> str:
    return parts._replace(netloc=host, fragment="").geturl()


def _check_body(request: Request, given: str | None) -> None:
    digests = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if given and not (digests and same(digests[0].lower(), sha256_hex(request.body))):
        raise Refused("bad-signature", "the URL's bodySHA256 is not the SHA-256 of the JSON body", 401)
