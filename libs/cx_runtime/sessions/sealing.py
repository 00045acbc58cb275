"""Seal a session as the value of a cookie, open it again, and make its CSRF token."""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cx_runtime.tenants import KeyConfig, Tenants

COOKIE = "__Host-throughline"
"""With this prefix a browser takes the cookie only from the origin itself, over a secure connection, for all paths
(RFC 6265bis, section 4.1.3.2): no other host of the domain can set or overwrite it."""

CSRF_HEADER = "x-csrf-token"

MOST_CHARACTERS = 4096
"""Of a cookie's value. Browsers keep no longer ones."""

_NONCE_BYTES = 12


class Session(NamedTuple):
    """A key that somebody signed in with. ``id``: random, new at each sign-in. ``agent``: who the person is, empty
    where that was not said. ``expires``: seconds since 1970."""

    id: str
    tenant: str
    key: KeyConfig
    agent: str
    expires: int


class _Content(msgspec.Struct, array_like=True, frozen=True):
    """The content that is sealed. ``mark``: of the key's secret, so that a key that is exchanged ends its sessions."""

    id: str
    key: str
    mark: bytes
    agent: str
    expires: int


class SessionSealer:
    """Seals and opens sessions of all tenants. ``random``: that many random bytes."""

    def __init__(self, tenants: Tenants, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._keys = {name: {key.id: key for key in config.keys} for name, config in tenants.by_name.items()}
        self._ciphers = {name: AESGCM(tenants.ids(name).secret("session")) for name in tenants.by_name}
        self._csrf_keys = {name: tenants.ids(name).secret("session csrf") for name in tenants.by_name}
        self._mark_keys = {name: tenants.ids(name).secret("session key") for name in tenants.by_name}

    def seal(self, session: Session) -> str:
        """Return the value of the session's cookie: ``TENANT~`` and its content, which only this hub can read."""
        tenant = session.tenant
        mark = self._mark(tenant, session.key)
        content = msgspec.msgpack.encode(_Content(session.id, session.key.id, mark, session.agent, session.expires))
        nonce = self._random(_NONCE_BYTES)
        sealed = nonce + self._ciphers[tenant].encrypt(nonce, content, tenant.encode())
        return f"{tenant}~{urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, value: str, now: float) -> Session | None:
        """Return the session of a cookie's value; None for anything that this hub never sealed, for one that has
        expired at ``now`` (seconds since 1970), and for one whose key is gone, or has another secret by now."""
        tenant, _, text = value.partition("~")
        cipher = self._ciphers.get(tenant)
        if cipher is None or len(value) > MOST_CHARACTERS:
            return None
        try:
            sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            opened = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], tenant.encode())
            content = msgspec.msgpack.decode(opened, type=_Content)
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None
        key = self._keys[tenant].get(content.key)
        if key is None or content.expires <= now:
            return None
        if not hmac.compare_digest(content.mark, self._mark(tenant, key)):
            return None
        return Session(content.id, tenant, key, content.agent, content.expires)

    def csrf_token(self, session: Session) -> str:
        """Return the token that a page must send with each unsafe request: only a page of this origin can read it."""
        signed = hmac.digest(self._csrf_keys[session.tenant], session.id.encode(), "sha256")
        return urlsafe_b64encode(signed).decode().rstrip("=")

    def _mark(self, tenant: str, key: KeyConfig) -> bytes:
        return hmac.digest(self._mark_keys[tenant], key.secret.encode(), "sha256")[:16]


def new_id() -> str:
    """Return a new session's id, which nobody can guess."""
    return secrets.token_urlsafe(16)
