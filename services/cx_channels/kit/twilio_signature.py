"""Check ``X-Twilio-Signature``: base64 of an HMAC under the account's auth token, or under a shared key.

Over the whole URL, then each POST parameter's name and value, sorted by name, with nothing between them
(www.twilio.com/docs/usage/security, "Validating requests are coming from Twilio"). Of a parameter that comes more than
once, each different value counts once, in order of value, as Twilio's own libraries do. A JSON body is covered by its
SHA-256 in the URL's parameter ``bodySHA256``. ``shared_keys`` says which secret and which hash.

Whether the port is part of the signed URL differs by product and scheme, and so does how its query is escaped
(github.com/twilio/twilio-node, src/webhooks/webhooks.ts, "signature generation on the back end is inconsistent"). All
forms pass that Twilio's libraries try or once tried: as called; without a port, with it, or with the standard one; with
quotes escaped, as ``new URL`` did (twilio-node 4 and 5); with the query as Node's ``querystring`` writes it (5.4 and
later); with ``:`` and ``@`` as they are (3.52), as Twilio signs a SIP address in a GET's query. User and password in
the URL may be part of it or not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, parse_qsl, quote, urlsplit

from cx_channels.kit.signing import Algorithm, check_signature, same, sha256_hex, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.kit.twilio_forms import form_pairs
from cx_channels.kit.twilio_shared_keys import SETTINGS_HEADER, by_token, keys_of, signing_of
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused
from cx_events.strict_json import is_json

HEADER = "X-Twilio-Signature"
_DIGEST = "bodySHA256"
"""The field of the query with the SHA-256 of a JSON body (www.twilio.com/docs/usage/security)."""
_SETTINGS_HEADER = SETTINGS_HEADER.lower()

_CACHED = 64
"""URLs: an account calls few, mostly without a query."""

_MAX_QUERY = 8_192
_UNESCAPED = "!'()*~"
# What a query may not hold as it is, to the parser of URLs that browsers and Node share (url.spec.whatwg.org, "special-
# query percent-encode set"). HTTP lets no blank through.
_ESCAPED = str.maketrans({"'": "%27", '"': "%22", "<": "%3C", ">": "%3E"})

_PORTS = {"https": 443, "http": 80}


SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    covers=frozenset({"body", "url"}),
    gaps={"time": "Twilio signs no time (docs/usage/security); an event's id makes a replay the same event"},
)


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as Twilio sends it, signed with an auth token, or with a shared key of the connection.

    A body of JSON is signed by its digest, ``bodySHA256`` in the query.
    """
    parameters = ""
    if request.method != "GET" and request.body:
        if is_json(request.content_type):
            request = replace(request, url=_with_digest(request.url, sha256_hex(request.body)))
        else:
            parameters = signed_parameters(form_pairs(request))
    key = next((id for id, each in keys_of(connection).items() if each == secret), None)
    algorithm: Algorithm = "sha1" if key is None else "sha256"
    signed = hmac_of(secret, f"{request.url}{parameters}".encode("utf-8", "replace"), algorithm, "base64")
    named = {} if key is None else {SETTINGS_HEADER: f"key={key},algorithm=HMAC_SHA256"}
    return with_headers(request, {HEADER: signed, **named})


def _with_digest(url: str, digest: str) -> str:
    """Return a URL with the digest of a body in its query, instead of one that it may have."""
    parts = urlsplit(url)
    others = [field for field in parts.query.split("&") if field and not field.startswith(f"{_DIGEST}=")]
    return parts._replace(query="&".join([*others, f"{_DIGEST}={digest}"])).geturl()


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's auth tokens, or its shared key, signed the request."""
    given = request.headers.get(HEADER.lower())
    settings = request.headers.get(_SETTINGS_HEADER)
    secrets, algorithm = signing_of(settings, connection) if settings else by_token(connection)
    parameters = b""
    if request.method != "GET" and request.body:
        if is_json(request.content_type):
            _check_body(request, given)
        else:
            parameters = signed_parameters(request.once(form_pairs)).encode("utf-8", "replace")
    contents = [url.encode("utf-8", "replace") + parameters for url in signed_urls(request.url)]
    check_signature(given, contents, secrets, header=HEADER, algorithm=algorithm, encoding="base64")


def signed_parameters(pairs: list[tuple[str, str]]) -> str:
    """Return names and values as they are signed."""
    return "".join(map("".join, sorted(set(pairs))))


@lru_cache(_CACHED)
def signed_urls(url: str) -> tuple[str, ...]:
    """Return the forms of a URL that Twilio may have signed, the one that was called first. Total."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url,)
    user, at, host = parts.netloc.rpartition("@")
    if port is not None:
        host = host.rpartition(":")[0]
    hosts = (host, f"{host}:{port or _PORTS.get(parts.scheme, 443)}")
    places = [user + at + each for each in hosts] + list(hosts)
    forms = [url, *(_with(parts, place, query) for query in _queries(parts.query) for place in places)]
    return tuple(dict.fromkeys(forms))


def _queries(query: str) -> list[str]:
    """Return a query as it is, and as Twilio or the framework before it may have escaped it instead."""
    if not query:
        return [query]
    readable = query.replace("%3A", ":").replace("%3a", ":").replace("%40", "@")
    return [query, query.translate(_ESCAPED), _written_anew(query), readable]


def _with(parts: SplitResult, host: str, query: str) -> str:
    return parts._replace(netloc=host, query=query, fragment="").geturl()


def _written_anew(query: str) -> str:
    """Return a query as Node's ``querystring`` writes what it read: quotes as they are, values of one name together."""
    if len(query) > _MAX_QUERY:
        return query
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(_quoted(name), []).append(_quoted(value))
    return "&".join(f"{name}={value}" for name, each in values.items() for value in each)


def _quoted(text: str) -> str:
    return quote(text, _UNESCAPED, errors="replace")


def _check_body(request: Request, given: str | None) -> None:
    digests = parse_qs(urlsplit(request.url).query).get(_DIGEST)
    if given and not (digests and same(digests[0].lower(), sha256_hex(request.body))):
        raise Refused("bad-signature", "the URL's bodySHA256 is not the SHA-256 of the JSON body", 401)
