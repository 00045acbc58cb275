"""Ids: given once, derived from what is known, the same on every machine and after every replay.

All are 16 bytes inside and UUID text outside; a UUIDv8 (RFC 9562, section 5.8) whose custom bits are an HMAC-SHA256
under the tenant's lasting key, so that no id, topic key or file name gives an identifier away.

- *profile*: of (kind, scope, normalised value) of one identifier.
- *interaction node*: of an interaction's id. Events that name nobody live there.
- *side*: of (tenant, stream, interaction node): one stream's side of one interaction.
- *part id*: of a side and a piece of it, an hour or a single event (see ``cx_events.activity``). A conversation is
known
  by its part ids.
- *event key*: of (tenant, source, id), the identity of an event; unkeyed, since only the store sees it.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from cx_events.errors import Refused

NodeId = bytes
"""16 bytes: a profile, an interaction node or an part id."""

_CACHED_IDS = 65_536


_UUID_BITS = 0xF << 76 | 0x3 << 62
_UUID8_BITS = 0x8 << 76 | 0x2 << 62


def uuid8(digest: bytes) -> bytes:
    """The first 16 bytes of a digest with the version and variant bits of a UUIDv8."""
    return (int.from_bytes(digest[:16], "big") & ~_UUID_BITS | _UUID8_BITS).to_bytes(16, "big")


def text_of(node: NodeId) -> str:
    """``2f1c...`` as RFC 9562 text."""
    digits = node.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_node_id(text: str) -> NodeId:
    """The 16 bytes of UUID text; ``Refused("bad-id")`` if it is none."""
    try:
        return UUID(text).bytes
    except ValueError:
        raise Refused("bad-id", f"{text[:64]!r} is not an id (a UUID is expected)", status=404) from None


def event_key(tenant: str, source: str, id: str) -> bytes:
    """16 bytes that stand for (tenant, source, id); the parts are joined by NUL, which no attribute may hold."""
    return blake2b(f"{tenant}\0{source}\0{id}".encode(), digest_size=16).digest()


class IdSpace:
    """The ids of one tenant. ``key`` must never change: ids once given answer for ever."""

    def __init__(self, tenant: str, key: bytes) -> None:
        if len(key) < 16:
            raise Refused("weak-id-key", f"the id key of tenant {tenant!r} has {len(key)} bytes; 16 or more are needed")
        self.tenant = tenant
        prefix = tenant.encode()

        def derive(*words: str) -> bytes:
            return uuid8(hmac.digest(key, b"\0".join([prefix, *(word.encode() for word in words)]), "sha256"))

        def profile(kind: str, scope: str, value: str) -> NodeId:
            return derive("profile", kind, scope, value)

        def interaction(interaction: str) -> NodeId:
            return derive("interaction", interaction)

        own = blake2b(prefix, digest_size=16).digest()

        def part_id(stream_id: NodeId, interaction: NodeId, piece: bytes = b"") -> NodeId:
            return uuid8(blake2b(stream_id + interaction + piece, key=own, digest_size=16).digest())

        # Asked for every event: each costs a look-up in a cache, and a call of nothing else.
        self.profile = lru_cache(_CACHED_IDS)(profile)
        """The profile of a normalised identifier: (kind, scope, value)."""
        self.interaction = lru_cache(_CACHED_IDS)(interaction)
        """The node of an interaction, by the id that its events carry."""
        self.part_id = lru_cache(_CACHED_IDS)(part_id)
        """A piece of one stream's side of one interaction: (stream, interaction's node, piece), or without a piece the
        side itself. The tenant has a share in it: what claims a stream of another tenant's gets no part of it."""
        self._derive = derive
        self._key = key
        self._prefix = prefix
        self._tenant_node = derive("tenant")

    def sealed(self, text: bytes) -> bytes:
        """What only this tenant's hub can have written beside a text that it gave away."""
        return self._derive("sealed", text.hex())

    def secret(self, purpose: str) -> bytes:
        """A key of the tenant's for one purpose, which gives the lasting key away to nobody."""
        return hmac.digest(self._key, b"\0".join([self._prefix, b"secret", purpose.encode()]), "sha256")

    def lone_event(self, source: str, id: str) -> NodeId:
        """The stream of an event that names neither a person nor an interaction."""
        return self._derive("event", source, id)

    def tenant_node(self) -> NodeId:
        """The stream of what concerns the tenant as a whole, such as a change of rules."""
        return self._tenant_node
