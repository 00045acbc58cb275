"""Check the requests of the doors by which AWS brings events over HTTPS: each sends a key that both sides know.

- An EventBridge API destination, whose connection has the authorization type API key with the header ``X-Api-Key``
  (docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html): one event a request.
- An Amazon Data Firehose stream with an HTTP endpoint, whose access key comes in ``X-Amz-Firehose-Access-Key``
  (docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html): a batch a request.

Both send the key as it is and sign nothing, so that only TLS keeps a request whole.
"""

from __future__ import annotations

import msgspec

from cx_channels.kit.json_values import first, text
from cx_channels.kit.signing import any_same, with_headers
from cx_channels.provider import Answer, Connection, Mapped, Request, Signature
from cx_events import strict_json
from cx_events.errors import Refused

API_KEY = "X-Api-Key"
ACCESS_KEY = "X-Amz-Firehose-Access-Key"
REQUEST_ID = "x-amz-firehose-request-id"

MAX_BYTES = 8 << 20
"""Of one request. Firehose fills its buffer (1 to 64 MiB, as set) before it sends; base64 adds a third."""

LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)

_UNSIGNED = "API destinations and Firehose send a key and sign nothing"

SIGNATURE = Signature(
    headers=(API_KEY.lower(), ACCESS_KEY.lower()),
    covers=frozenset(),
    gaps={
        "body": _UNSIGNED,
        "url": _UNSIGNED,
        "time": f"{_UNSIGNED}; an event's id makes a replay the same event",
    },
)


def is_batch(request: Request) -> bool:
    """Return whether Firehose sent a request: its body has ``requestId`` and ``records``."""
    return bool(request.headers.get(REQUEST_ID)) or (b'"records"' in request.body and b'"requestId"' in request.body)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request with the key in the header of its door."""
    return with_headers(request, {ACCESS_KEY if is_batch(request) else API_KEY: secret})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request carries one of the connection's secrets."""
    given = request.headers.get(ACCESS_KEY.lower(), "") or request.headers.get(API_KEY.lower(), "")
    if not given.strip():
        raise Refused("missing-signature", f"the request has neither {API_KEY} nor {ACCESS_KEY}", 401)
    if not any_same(given, [secret for secret in connection.secrets if secret.strip()]):
        raise Refused("bad-signature", "the request's key is none of the connection's secrets", 401)


def answer(_mapped: Mapped, request: Request) -> Answer:
    """Return what the door expects: of Firehose's request its own id again, else the whole batch comes once more."""
    if not is_batch(request):
        return Answer(204)
    id = text(request.headers.get(REQUEST_ID)) or _id_in(request)
    body = msgspec.json.encode({"requestId": id, "timestamp": request.received // 1000})
    return Answer(body=body, content_type="application/json")


def _id_in(request: Request) -> str:
    try:
        value = strict_json.decode_mended(request.body, LIMITS)
    except Refused:
        return ""
    return first(value.get("requestId")) if isinstance(value, dict) else ""
