"""``Last-Event-ID``: what a follower has, as it was told with the last event. Opaque to clients; sealed under the
tenant's lasting key, so nobody makes one up, and one tenant's says nothing to another.

What is not understood is as none: the follower is told the state at once. A browser that is refused would never come
again by itself, and to be told what one has does no harm."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from typing import NamedTuple

from cx_events.ids import IdSpace, NodeId

_SEAL = 12
_NODE = 16
_VERSION = 8
DIGEST = 6
MOST_DIGESTS = 400
"""Many proxies take 8 KiB of a header. What does not fit is told again, which does no harm."""


class ResumePoint(NamedTuple):
    """``asked``: by which id; ``customer``: whose state was given then, at ``version``."""

    asked: NodeId
    customer: NodeId
    version: int


def seal(ids: IdSpace, stream: bytes, content: bytes) -> str:
    """``stream``: one of a few words, for the kind."""
    return urlsafe_b64encode(ids.sealed(stream + content)[:_SEAL] + content).decode().rstrip("=")


def unseal(ids: IdSpace, stream: bytes, text: str) -> bytes | None:
    """Return what was sealed, or None for what this kind of stream, of this tenant, never gave."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    seal, content = raw[:_SEAL], raw[_SEAL:]
    if len(seal) < _SEAL or not hmac.compare_digest(seal, ids.sealed(stream + content)[:_SEAL]):
        return None
    return content


def encode_resume_point(ids: IdSpace, stream: bytes, place: ResumePoint) -> str:
    return seal(ids, stream, place.asked + place.customer + place.version.to_bytes(_VERSION, "big"))


def decode_resume_point(ids: IdSpace, stream: bytes, text: str) -> ResumePoint | None:
    """Return the place that ``encode_resume_point`` wrote, or None for anything else."""
    content = unseal(ids, stream, text)
    if content is None or len(content) != 2 * _NODE + _VERSION:
        return None
    return ResumePoint(content[:_NODE], content[_NODE : 2 * _NODE], int.from_bytes(content[2 * _NODE :], "big"))


def encode_digests(ids: IdSpace, stream: bytes, digests: Collection[bytes]) -> str:
    return seal(ids, stream, b"".join(list(digests)[:MOST_DIGESTS]))


def decode_digests(ids: IdSpace, stream: bytes, text: str) -> frozenset[bytes]:
    """Return the digests that ``encode_digests`` wrote; none for anything else."""
    content = unseal(ids, stream, text) or b""
    return frozenset(content[at : at + DIGEST] for at in range(0, len(content), DIGEST))
