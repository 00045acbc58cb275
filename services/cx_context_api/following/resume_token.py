"""Encode and check ``Last-Event-ID``: what a client has, as the last event told it.

It is opaque to clients and sealed with the tenant's lasting key, so that nobody can forge one and one tenant's is
worthless at another. An id that can't be read counts as none: the client gets the state at once. To refuse it would be
worse, since a refused browser never reconnects by itself.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from cx_events.ids import IdSpace, NodeId

_SEAL = 12
_LENGTH = 2
_NODE = 16
_VERSION = 8
DIGEST = 6
MOST_DIGESTS = 400
"""Many proxies take 8 KiB of a header. What does not fit is sent again, which does no harm."""


class ResumePoint(NamedTuple):
    """The state that a client has: that of ``customer`` at ``version``, followed by the id ``node``."""

    node: NodeId
    customer: NodeId
    version: int


def seal(ids: IdSpace, stream: bytes, content: bytes) -> str:
    """Return content with its seal. ``stream``: the kind of stream."""
    return urlsafe_b64encode(ids.sealed(stream + content)[:_SEAL] + content).decode().rstrip("=")


def unseal(ids: IdSpace, stream: bytes, text: str) -> bytes | None:
    """Return the content, or None if this kind of stream of this tenant never sealed it."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    seal, content = raw[:_SEAL], raw[_SEAL:]
    if len(seal) < _SEAL or not hmac.compare_digest(seal, ids.sealed(stream + content)[:_SEAL]):
        return None
    return content


def encode_resume_point(ids: IdSpace, stream: bytes, point: ResumePoint) -> str:
    """Return an event's id that holds a resume point."""
    return seal(ids, stream, point.node + point.customer + point.version.to_bytes(_VERSION, "big"))


def decode_resume_point(ids: IdSpace, stream: bytes, text: str) -> ResumePoint | None:
    """Return the resume point that ``encode_resume_point`` wrote, or None for anything else."""
    content = unseal(ids, stream, text)
    if content is None or len(content) != 2 * _NODE + _VERSION:
        return None
    return ResumePoint(content[:_NODE], content[_NODE : 2 * _NODE], int.from_bytes(content[2 * _NODE :], "big"))


def pack_state(customer: NodeId, version: int) -> bytes:
    """Return the state of a customer at a version, as a part of the token of several subjects."""
    return customer + version.to_bytes(_VERSION, "big")


def unpack_state(node: NodeId, packed: bytes) -> ResumePoint | None:
    """Return the state that ``pack_state`` packed, of whoever is followed by ``node``; None for anything else."""
    if len(packed) != _NODE + _VERSION:
        return None
    return ResumePoint(node, packed[:_NODE], int.from_bytes(packed[_NODE:], "big"))


def encode_marks(ids: IdSpace, stream: bytes, marks: Mapping[bytes, bytes]) -> str:
    """Return an event's id that holds what a client has of each of several subjects."""
    return seal(ids, stream, msgspec.msgpack.encode(marks))


def decode_marks(ids: IdSpace, stream: bytes, text: str) -> Mapping[bytes, bytes]:
    """Return the marks that ``encode_marks`` wrote; none for anything else."""
    content = unseal(ids, stream, text)
    return msgspec.msgpack.decode(content, type=dict[bytes, bytes]) if content else {}


def pack_target(overdue: bytes, digests: Iterable[bytes]) -> bytes:
    """Return what a client has of a routing target: the mark of its overdue waits, and digests of its assignments."""
    return len(overdue).to_bytes(_LENGTH, "big") + overdue + b"".join(digests)


def unpack_target(packed: bytes) -> tuple[bytes, frozenset[bytes]]:
    """Return the mark and the digests that ``pack_target`` packed."""
    end = _LENGTH + int.from_bytes(packed[:_LENGTH], "big")
    return packed[_LENGTH:end], frozenset(packed[at : at + DIGEST] for at in range(end, len(packed), DIGEST))


def encode_target(ids: IdSpace, stream: bytes, overdue: bytes, digests: Collection[bytes]) -> str:
    """Return an event's id that holds what a client has of a routing target."""
    return seal(ids, stream, pack_target(overdue, list(digests)[:MOST_DIGESTS]))


def decode_target(ids: IdSpace, stream: bytes, text: str) -> tuple[bytes, frozenset[bytes]]:
    """Return the mark and the digests that ``encode_target`` wrote; none for anything else."""
    return unpack_target(unseal(ids, stream, text) or b"")
