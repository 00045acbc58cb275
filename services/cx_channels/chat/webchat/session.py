"""Sign and check the session of a chat: a token with which only whoever began a chat can go on with it.

A token is ``PAYLOAD.SIGNATURE``, both base64url: HMAC-SHA256 under a key derived from the connection's secret. It
carries the visitor too, and when a proof of who they are was given: a reload asks for no new one.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

from cx_channels.chat.webchat.visitors import Known, secrets_of
from cx_channels.kit.signing import any_same, sign
from cx_channels.provider import Connection
from cx_events.errors import Refused
from cx_events.timestamps import Micros

MAX_TOKEN = 8192
LIFETIME_SECONDS = 7 * 86_400
"""How long a chat can be gone on with after its last connection."""

_PURPOSE = b"throughline webchat session"


class Session(Struct, frozen=True):
    """``id`` is random and the chat's own; ``expires`` in seconds since 1970. ``begun``: whether the chat was known to
    be on the log when this was issued; until it is, ``known`` and ``page`` are those it will begin with."""

    id: str
    connection: str
    expires: int
    known: Known = Known()
    page: str = ""
    begun: bool = False


def issue(session: Session, connection: Connection) -> str:
    """The session's token, signed with the newest secret."""
    payload = msgspec.json.encode(session)
    return f"{_base64(payload)}.{_base64(bytes.fromhex(_signature(secrets_of(connection)[0], payload)))}"


def resume(token: str, connection: Connection, now: Micros) -> Session:
    """The session of a token. ``Refused``, 401: ``bad-session``, ``session-expired``."""
    payload, signature = _parts(token)
    valid = (_signature(secret, payload) for secret in secrets_of(connection))
    if not any_same(signature.hex(), valid):
        raise _bad_session()
    try:
        session = msgspec.json.decode(payload, type=Session)
    except msgspec.MsgspecError:
        raise _bad_session() from None
    if session.connection != connection.id:
        raise _bad_session()
    if session.expires * 1_000_000 <= now:
        raise Refused("session-expired", "this chat's session has expired: begin a new one", 401)
    return session


def _signature(secret: str, payload: bytes) -> str:
    # Under a key of its own, so that a user_hash never passes for a session. The secret is what is hashed, not the key
    # (HKDF's extract step, RFC 5869): else the site would give this key to whoever takes the purpose for a user name.
    return sign(hmac.digest(_PURPOSE, secret.encode(), "sha256").hex(), payload)


def _parts(token: str) -> tuple[bytes, bytes]:
    payload, dot, signature = token.partition(".")
    if not dot or len(token) > MAX_TOKEN:
        raise _bad_session()
    try:
        return _unbase64(payload), _unbase64(signature)
    except ValueError:
        raise _bad_session() from None


def _bad_session() -> Refused:
    return Refused("bad-session", "this is no session of this chat", 401)


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
