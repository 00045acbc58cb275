"""``X-Twilio-Signature``: base64 of an HMAC under the account's auth token, or under a shared key.

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

from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, parse_qsl, quote, urlsplit

from cx_channels.kit.signing import check_signature, same, sha256_hex
from cx_channels.kit.twilio_forms import form_pairs
from cx_channels.provider import Connection, Request
from cx_channels.voice.twilio.shared_keys import SETTINGS_HEADER, by_token, signing_of
from cx_events.errors import Refused
from cx_events.strict_json import is_json

HEADER = "X-Twilio-Signature"
_SETTINGS_HEADER = SETTINGS_HEADER.lower()

_CACHED = 64
"""URLs: an account calls few, mostly without a query."""

_MAX_QUERY = 8_192
_UNESCAPED = "!'()*~"
# What a query may not hold as it is, to the parser of URLs that browsers and Node share (url.spec.whatwg.org, "special-
# query percent-encode set"). HTTP lets no blank through.
_ESCAPED = str.maketrans({"'": "%27", '"': "%22", "<": "%3C", ">": "%3E"})

_PORTS = {"https": 443, "http": 80}


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
    """Names and values as they are signed."""
    return "".join(name + value for name, value in sorted(set(pairs)))


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
    digests = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if given and not (digests and same(digests[0].lower(), sha256_hex(request.body))):
        raise Refused("bad-signature", "the URL's bodySHA256 is not the SHA-256 of the JSON body", 401)
