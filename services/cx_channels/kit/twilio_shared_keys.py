"""Choose the key that signs a webhook instead of the account's auth token, where a Webhook Rule of the account says so.

Twilio then names key and algorithm in a header of their own, ``X-Twilio-Webhooks-Signature-Settings:
key=webhooks_sharedkey_...,algorithm=HMAC_SHA256``, and signs the same text with them
(www.twilio.com/docs/usage/webhooks/webhook-shared-keys, public beta of September 2026). Without the header it is the
auth token and SHA-1, as ever. The connection lists its keys in ``settings.shared_keys``, as ``ID: SECRET``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cx_channels.kit.signing import Algorithm
from cx_channels.provider import Connection
from cx_events.errors import Fatal, Refused

SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
SETTING = "shared_keys"

_ALGORITHMS: Mapping[str, Algorithm] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


class Signing(NamedTuple):
    """The keys that may have signed a request. ``secrets``: any of them."""

    secrets: tuple[str, ...]
    algorithm: Algorithm


def by_token(connection: Connection) -> Signing:
    """Return what must have signed a request without a settings header."""
    return Signing(connection.secrets, "sha1")


def signing_of(header: str, connection: Connection) -> Signing:
    """Return what must have signed a request with this settings header; a blank one counts as none.

    An auth token never counts where the header is, nor a shared key where it isn't: whoever sends a request writes its
    headers, and must not choose among what signs. Raises ``Refused("bad-signature")`` (401) where the header names a
    key that the connection lacks, or an algorithm that is not known.
    """
    if not header.strip():
        return by_token(connection)
    named = _named(header)
    algorithm = _ALGORITHMS.get(named.get("algorithm", "HMAC_SHA1").upper())
    if algorithm is None:
        known = ", ".join(_ALGORITHMS)
        raise _refused(f"names the algorithm {named['algorithm'][:40]!r}; known are {known}")
    keys = keys_of(connection)
    if not keys:
        raise _refused(f"says that a shared key signed, and the connection's settings have no {SETTING}")
    if "key" not in named:
        return Signing(tuple(keys.values()), algorithm)
    if named["key"] not in keys:
        raise _refused(f"names the shared key {named['key'][:64]!r}, which the connection's {SETTING} don't list")
    return Signing((keys[named["key"]],), algorithm)


def _named(header: str) -> dict[str, str]:
    """Return what a settings header says, as Twilio's own libraries read it. A name that stands twice is refused."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = (each.strip() for each in part.partition("="))
        if name in found:
            raise _refused(f"names {name[:40]!r} twice")
        if value:
            found[name] = value
    return found


def _refused(why: str) -> Refused:
    return Refused("bad-signature", f"{SETTINGS_HEADER} {why}", 401)


def keys_of(connection: Connection) -> Mapping[str, str]:
    """Return the connection's shared keys, secrets by id. ``Fatal`` for what can't be meant."""
    keys = connection.settings.get(SETTING)
    place = f"the connection {connection.id}: {SETTING}"
    if keys is None:
        return {}
    if not isinstance(keys, Mapping):
        raise Fatal(f"{place}: expected a mapping of a key's id (webhooks_sharedkey_...) to its secret")
    for id, secret in keys.items():
        if not isinstance(id, str) or not id.strip() or set(id) & set(",= "):
            raise Fatal(f"{place}: {id!r} is no id of a key like webhooks_sharedkey_...")
        if not isinstance(secret, str) or not secret.strip():
            raise Fatal(f"{place}: the key {id} has no secret")
        if secret in connection.secrets:
            raise Fatal(f"{place}: the secret of {id} stands among secrets, too, which are auth tokens")
    return keys
