"""Read actors' keys: RSA, published in the actor's document or in one of their own, fetched by the key worker.

docs.joinmastodon.org/spec/activitypub, "Public key". Anybody may name a key, so only what a public host serves by
``https`` is asked for (the fetcher refuses private addresses), and ``peers`` can narrow the hosts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from cx_channels.kit.example_keys import example_key, named_keys
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.key_documents import published_at
from cx_channels.kit.settings import lists
from cx_channels.provider import Connection, KeySource, Lasting
from cx_channels.social.mastodon.account import host_of
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

EXAMPLE_ACTORS = ("https://social.example/users/ana", "https://social.example/users/ben")
"""Whose example keys are published in tests and trials."""

_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_MOST_URL = 500
_MOST_KEYS = 20
_LEAST_BITS, _MOST_BITS = 2048, 8192
_DAY = 86_400.0

Keys = Mapping[str, tuple[str, RSAPublicKey]]
"""Keys by their ids, each with its owner."""


def document_of(key_id: str) -> str:
    """Return the address of the document that a key stands in: its id without the fragment."""
    return key_id.partition("#")[0]


def is_peer(host: str, connection: Connection) -> bool:
    """Return whether a connection takes activities of a host."""
    return bool(host) and ("peers" not in connection.settings or lists(connection, "peers", host))


def key_of(connection: Connection, key_id: str) -> tuple[str, RSAPublicKey]:
    """Return the owner and the key of an id. Raise ``KeyUnknown`` where its document is not here, or lacks it;
    ``Refused`` (401) for an id that nobody could fetch."""
    url = document_of(key_id)
    if not allows(url, connection):
        raise Refused(
            "bad-signature", "the signature's key is not at a public https:// host that settings.peers has", 401
        )
    return published_at(connection, url, keys_in, key_id)


def keys_in(document: bytes) -> Keys:
    """Return the RSA keys of an actor's document, or of a key's own; none where it is neither."""
    try:
        value = obj(strict_json.decode(document))
    except Refused:
        return {}
    given = value.get("publicKey")
    listed = objects(given) if isinstance(given, list) else [obj(given)]
    found: dict[str, tuple[str, RSAPublicKey]] = {}
    for each in [*listed[:_MOST_KEYS], value]:
        key, id = _read(text(each.get("publicKeyPem"))), text(each.get("id"))
        owner = first(each.get("owner"), each.get("controller"), value.get("id") if each is not value else "")
        if key is not None and id and owner:
            found[id] = owner, key
    return found


def _read(pem: str) -> RSAPublicKey | None:
    try:
        key = load_pem_public_key(pem.encode()) if pem else None
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError):
        return None
    return key if isinstance(key, RSAPublicKey) and _LEAST_BITS <= key.key_size <= _MOST_BITS else None


def allows(url: str, connection: Connection) -> bool:
    """Return whether a document may be asked for: by ``https`` from a named host at its usual port."""
    host = host_of(url)
    return (
        url.startswith("https://") and len(url) <= _MOST_URL and url.isascii() and url.isprintable()
        and _HOST.fullmatch(host) is not None and is_peer(host, connection)
    )  # fmt: skip


def _known(_connection: Connection) -> tuple[str, ...]:
    return ()


def _lasting(url: str, document: bytes, _now: Micros) -> Lasting:
    """A key lasts as long as its actor; a wrong signature has it fetched anew (``signature``). Raise ValueError where
    there is none, or the document says that it is another host's."""
    keys = keys_in(document)
    if not keys:
        raise ValueError("the document has no RSA key of an actor")
    if any(host_of(id) != host_of(url) or host_of(owner) != host_of(url) for id, (owner, _) in keys.items()):
        raise ValueError("the document names keys or owners of another host")
    return Lasting(_DAY, 7 * _DAY)


def example_id(actor: str, place: int) -> str:
    """Return the id of an actor's example key."""
    return f"{actor}#{'main-key' if place == 0 else f'key-{place}'}"


def _published(connection: Connection) -> Mapping[str, bytes]:
    return {actor: msgspec.json.encode(_actor(connection, actor)) for actor in EXAMPLE_ACTORS}


def _actor(connection: Connection, actor: str) -> Json:
    keys: list[dict[str, Any]] = [
        {"id": example_id(actor, place), "owner": actor, "publicKeyPem": _pem(name)}
        for place, name in named_keys(connection)
    ]
    return {"id": actor, "type": "Person", "publicKey": keys}


def _pem(name: str) -> str:
    public = example_key(name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


KEYS = KeySource(allows=allows, known=_known, lasting=_lasting, published=_published)
