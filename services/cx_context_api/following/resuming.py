"""``Last-Event-ID``: what a follower has, as it was told with the last event. Opaque to clients; sealed under the
tenant's lasting key, so nobody makes one up, and one tenant's says nothing to another."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from typing import NamedTuple

from cx_events.errors import Refused
from cx_events.ids import IdSpace, NodeId

_SEAL = 12
_NODE = 16
DIGEST = 6
MOST_DIGESTS = 400
"""Many proxies take 8 KiB of a header. What does not fit is told again, which does no harm."""


class Place(NamedTuple):
    """``asked``: by which id; ``customer``: whose state was given then, at ``version``."""

    asked: NodeId
    customer: NodeId
    version: int


def sealed(ids: IdSpace, stream: bytes, content: bytes) -> str:
    """``stream``: one of a few words, for the kind."""
    return urlsafe_b64encode(ids.sealed(stream + content)[:_SEAL] + content).decode().rstrip("=")


def opened(ids: IdSpace, stream: bytes, text: str) -> bytes:
    """``Refused("bad-last-event-id", 400)`` for what this kind of stream, of this tenant, never gave."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    seal, content = raw[:_SEAL], raw[_SEAL:]
    if len(seal) < _SEAL or not hmac.compare_digest(seal, ids.sealed(stream + content)[:_SEAL]):
        raise Refused(
            "bad-last-event-id", "no such stream gave this Last-Event-ID; leave it out to begin with the state now", 400
        )
    return content


def place_text(ids: IdSpace, stream: bytes, place: Place) -> str:
    return sealed(ids, stream, place.asked + place.customer + place.version.to_bytes(8, "big"))


def place_of(ids: IdSpace, stream: bytes, text: str) -> Place:
    content = opened(ids, stream, text)
    return Place(content[:_NODE], content[_NODE : 2 * _NODE], int.from_bytes(content[2 * _NODE :], "big"))


def seen_text(ids: IdSpace, stream: bytes, digests: Collection[bytes]) -> str:
    return sealed(ids, stream, b"".join(list(digests)[:MOST_DIGESTS]))


def seen_of(ids: IdSpace, stream: bytes, text: str) -> frozenset[bytes]:
    content = opened(ids, stream, text)
    return frozenset(content[at : at + DIGEST] for at in range(0, len(content), DIGEST))
