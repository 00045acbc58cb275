"""The workload as HTTP requests, whole and ready to be sent. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from urllib.parse import quote, urlencode

import msgspec
from tests.bench.workload import WORDS

CONNECTION = "bench-calls"
TOKEN = "a-token-of-the-benchmarks"
PUBLIC_URL = "https://hub.example"
EVENTS = "/v1/events"
HOOK = f"/v1/hooks/{CONNECTION}"
SOURCE = "//bench.example/web"

_OURS = ("tenantid", "recordedtime", "partitionkey", "sequence")
_CALL_SID = re.compile(rb"CA[0-9a-f]{32}")


def get(path: str, key: str = "") -> bytes:
    return _head("GET", path, key) + b"\r\n"


def post(path: str, body: bytes, content_type: str, key: str = "", more: str = "") -> bytes:
    head = _head("POST", path, key)
    return head + f"{more}content-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _head(method: str, path: str, key: str) -> bytes:
    authorization = f"authorization: Bearer {key}\r\n" if key else ""
    return f"{method} {path} HTTP/1.1\r\nhost: hub.example\r\n{authorization}".encode()


def client_events(records: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Events as a client sends them: without what only the hub states, and as long as they are with it."""
    for _, raw in records:
        event = msgspec.json.decode(raw)
        for name in _OURS:
            event.pop(name, None)
        event["source"] = SOURCE
        event["subject"] = (WORDS * 4)[: max(len(raw) - len(msgspec.json.encode(event)) - 13, 0)]
        yield msgspec.json.encode(event)


def single(events: Iterable[bytes], key: str) -> list[bytes]:
    return [post(EVENTS, event, "application/cloudevents+json", key) for event in events]


def batches(events: Sequence[bytes], key: str, size: int = 100) -> list[bytes]:
    """Whole batches; a rest that makes none is left out."""
    whole = [events[at : at + size] for at in range(0, len(events) - size + 1, size)]
    return [post(EVENTS, b"[" + b",".join(some) + b"]", "application/cloudevents-batch+json", key) for some in whole]


def webhooks(count: int, first: int = 0) -> list[bytes]:
    """A call's end as Twilio reports it, signed; the fields are those of a recorded request."""
    return [_webhook(number) for number in range(first, first + count)]


def _webhook(number: int) -> bytes:
    customer = f"+1415{5_000_000 + number % 20_000}"
    fields = {
        "AccountSid": "AC00000000000000000000000000000001",
        "ApiVersion": "2010-04-01",
        "CallSid": f"CA{number:032x}",
        "CallStatus": "completed",
        "Direction": "inbound",
        "From": customer,
        "To": "+14155550199",
        "Caller": customer,
        "Called": "+14155550199",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": "3",
        "Timestamp": "Sun, 22 Nov 2026 09:31:02 +0000",
        "Duration": "1",
        "CallDuration": "55",
        "SipResponseCode": "200",
        "FromCity": "SAN FRANCISCO",
        "FromState": "CA",
        "FromCountry": "US",
        "FromZip": "94103",
        "ToCity": "OAKLAND",
        "ToState": "CA",
        "ToCountry": "US",
        "ToZip": "94607",
    }
    signed = PUBLIC_URL + HOOK + "".join(name + fields[name] for name in sorted(fields))
    signature = b64encode(hmac.new(TOKEN.encode(), signed.encode(), sha1).digest()).decode()
    body = urlencode(fields).encode()
    return post(HOOK, body, "application/x-www-form-urlencoded", more=f"x-twilio-signature: {signature}\r\n")


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def event_id(value: bytes) -> str:
    """By what an event of ``single`` and ``batches`` is known again, in a request and on the log."""
    found: str = msgspec.json.decode(value)["id"]
    return found


def call_sid(value: bytes) -> str:
    """By what the event of a webhook is known again."""
    found = _CALL_SID.search(value)
    return found[0].decode() if found is not None else ""


def context(identifier: tuple[str, str], key: str, more: str = "") -> bytes:
    kind, value = identifier
    return get(f"/v1/context?identifier={quote(f'{kind}:{value}', safe=':@')}{more}", key)
