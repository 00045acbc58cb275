"""``X-Twilio-Signature``: base64 of an HMAC-SHA1 under the account's auth token.

Over the whole URL, then each POST parameter's name and value, sorted by name, with nothing between them
(www.twilio.com/docs/usage/security, "Validating requests are coming from Twilio"). Of a parameter that comes more than
once, each different value counts once, in order of value, as Twilio's own libraries do. A JSON body is covered by its
SHA-256 in the URL's parameter ``bodySHA256``. Whether the port is part of the signed URL differs by product and
scheme, and so does how a quote in its query is escaped: all forms pass that Twilio's libraries try
(github.com/twilio/twilio-node, src/webhooks/webhooks.ts, "signature generation on the back end is inconsistent").
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, parse_qsl, quote, urlsplit

from cx_channels.port import Connection, Request
from cx_channels.signing import check_signature, same, sha256_hex
from cx_channels.voice.twilio.fields import form_pairs
from cx_events.errors import Refused

HEADER = "X-Twilio-Signature"

_CACHED = 64
"""URLs: an account calls few, mostly without a query."""

_MAX_QUERY = 8_192
_UNESCAPED = "!'()*~"

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
    """The URL as it was called, without a port, and with one; each also with its query escaped in other ways."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url,)
    host = parts.netloc
    if port is not None:
        host = host.rpartition(":")[0]
    with_port = f"{host}:{port or _PORTS.get(parts.scheme, 443)}"
    queries = (parts.query, parts.query.replace("'", "%27"), _written_anew(parts.query))
    forms = [url, *(_with(parts, place, query) for query in queries for place in (host, with_port))]
    return tuple(dict.fromkeys(forms))


def _with(parts: SplitResult, host: str, query: str) -> str:
    return parts._replace(netloc=host, query=query, fragment="").geturl()


def _written_anew(query: str) -> str:
    """As ``querystring.stringify`` of Node writes it, which escapes no quotes."""
    if "%" not in query or len(query) > _MAX_QUERY:
        return query
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(text, _UNESCAPED, errors="replace")


def _check_body(request: Request, given: str | None) -> None:
    digests = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if given and not (digests and same(digests[0].lower(), sha256_hex(request.body))):
        raise Refused("bad-signature", "the URL's bodySHA256 is not the SHA-256 of the JSON body", 401)
