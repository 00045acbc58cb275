"""Derive ids that never change and are the same on every machine and after every replay.

All are 16 bytes inside and UUID text outside: a UUIDv8 (RFC 9562, section 5.8) whose custom bits are an HMAC-SHA256
under the tenant's lasting key, so that no id, topic key or file name reveals an identifier.

- *profile*: of (kind, scope, normalised value) of one identifier.
- *interaction node*: of an interaction's id. Events that name nobody live there.
- *side id*: of (tenant, stream, interaction node): all parts of a stream in one interaction.
- *part id*: of the same and a piece, an hour or a single event (see ``cx_events.activity``). A conversation is known by
  its part ids.
- *event key*: of (tenant, source, id), the identity of an event; unkeyed, since only the store sees it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b, sha256
from uuid import UUID

from cx_events.errors import Refused

NodeId = bytes
"""16 bytes: a profile, an interaction node or a part id."""

_CACHED_IDS = 65_536


_KEPT = (1 << 128) - 1 - (0xF << 76) - (0x3 << 62)
_SET = (0x8 << 76) | (0x2 << 62)
"""The bits of an id that a digest gives, and the version's and the variant's (RFC 9562, section 5.8)."""


def uuid8(digest: bytes) -> bytes:
    """Return the first 16 bytes of a digest with the version and variant bits of a UUIDv8."""
    return (int.from_bytes(digest[:16], "big") & _KEPT | _SET).to_bytes(16, "big")


def _derivation(prefix: bytes, key: bytes) -> Callable[..., bytes]:
    """Return a function that makes ids of words: an HMAC-SHA256 (RFC 2104) of the prefix and them, NUL between.

    SHA-256 as it stands after the key and the prefix is made once. OpenSSL's own HMAC prepares the key again for each
    message, which takes longer than all else.
    """
    block = (sha256(key).digest() if len(key) > _SHA256_BLOCK else key).ljust(_SHA256_BLOCK, b"\0")
    inside = sha256(bytes(byte ^ 0x36 for byte in block) + prefix + b"\0")
    outside = sha256(bytes(byte ^ 0x5C for byte in block))

    def derive(*words: str) -> bytes:
        inner, outer = inside.copy(), outside.copy()
        inner.update("\0".join(words).encode())
        outer.update(inner.digest())
        return uuid8(outer.digest())

    return derive


_SHA256_BLOCK = 64
_KEY_DIGEST_BYTES = 12


def text_of(node: NodeId) -> str:
    """Return an id as UUID text (RFC 9562)."""
    digits = node.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_node_id(text: str) -> NodeId:
    """Return the 16 bytes of UUID text. Raises ``Refused("bad-id", 404)`` for other text."""
    try:
        return UUID(text).bytes
    except ValueError:
        raise Refused("bad-id", f"{text[:64]!r} is not an id (expected a UUID)", status=404) from None


def event_key(tenant: str, source: str, id: str) -> bytes:
    """Return 16 bytes for (tenant, source, id), joined by NUL, which is forbidden in attributes."""
    return blake2b(f"{tenant}\0{source}\0{id}".encode(), digest_size=16).digest()


def handoff_id(source: str, id: str) -> str:
    """Return the id of a request for a handoff, by its event's name, as UUID text. Unkeyed: the event is shown."""
    return text_of(uuid8(blake2b(f"{source}\0{id}".encode(), digest_size=16).digest()))


class IdSpace:
    """The ids of one tenant. ``key`` must never change: ids are kept for ever. Raises ``Refused("weak-id-key")``."""

    def __init__(self, tenant: str, key: bytes) -> None:
        if len(key) < 16:
            raise Refused("weak-id-key", f"the id key of tenant {tenant!r} has {len(key)} bytes; 16 or more are needed")
        self.tenant = tenant
        prefix = tenant.encode()

        derive = _derivation(prefix, key)

        def profile(kind: str, scope: str, value: str) -> NodeId:
            return derive("profile", kind, scope, value)

        def interaction(interaction: str) -> NodeId:
            return derive("interaction", interaction)

        keyed = blake2b(key=blake2b(prefix, digest_size=16).digest(), digest_size=16)

        def part_id(stream_id: NodeId, interaction: NodeId, piece: bytes = b"") -> NodeId:
            part = keyed.copy()
            part.update(stream_id + interaction + piece)
            return uuid8(part.digest())

        # Called for every event: bare caches, without a method call around them.
        self.profile = lru_cache(_CACHED_IDS)(profile)
        """Return the profile of a normalised identifier: (kind, scope, value)."""
        self.interaction = lru_cache(_CACHED_IDS)(interaction)
        """Return the node of an interaction, by the id in its events."""
        self.part_id = lru_cache(_CACHED_IDS)(part_id)
        """Return the part id of (stream, interaction node, piece); without a piece the side id.

        The tenant's name is hashed in, so that an event with another tenant's stream never meets its parts.
        """
        self._derive = derive
        self._key = key
        self._prefix = prefix
        self._tenant_node = derive("tenant")
        self._directory_node = derive("directory")

    def __reduce__(self) -> tuple[type[IdSpace], tuple[str, bytes]]:
        """Let a process hand it to one that it starts."""
        return IdSpace, (self.tenant, self._key)

    def sealed(self, text: bytes) -> bytes:
        """Return a signature of a text, which only this tenant's hub can make."""
        return self._derive("sealed", text.hex())

    def secret(self, purpose: str) -> bytes:
        """Return a key for one purpose, derived from the lasting key without revealing it."""
        return hmac.digest(self._key, b"\0".join([self._prefix, b"secret", purpose.encode()]), "sha256")

    def key_digest(self) -> str:
        """Return 24 hex digits by which the tenant's ``id_key`` is known again, and which tell nothing of it."""
        return self.secret("id-key-digest")[:_KEY_DIGEST_BYTES].hex()

    def lone_event(self, source: str, id: str) -> NodeId:
        """Return the stream of an event that names neither a person nor an interaction."""
        return self._derive("event", source, id)

    def tenant_node(self) -> NodeId:
        """Return the stream of what concerns the whole tenant, such as a change of rules."""
        return self._tenant_node

    def directory_node(self) -> NodeId:
        """Return the stream in which all that is told of agents and queues is stored."""
        return self._directory_node

    def nobodys_nodes(self) -> frozenset[NodeId]:
        """Return the streams in which events are stored that happened to no customer."""
        return frozenset((self._tenant_node, self._directory_node))
