"""Check the proof of an activity: its actor's key signed the request, lately, and the actor is of the key's own server.

docs.joinmastodon.org/spec/security. A signature that is wrong under a known key is 401 and has the key fetched anew,
since actors change theirs: Mastodon tries 401 again later. A key that is not here is ``KeyUnknown``, 503.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from email.utils import formatdate

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from cx_channels.kit.example_keys import example_key, place_of
from cx_channels.kit.signing import with_headers
from cx_channels.provider import Answer, Connection, Request, Signature
from cx_channels.social.mastodon.account import host_of
from cx_channels.social.mastodon.activity import actor_of, id_of
from cx_channels.social.mastodon.keys import EXAMPLE_ACTORS, document_of, example_id, is_peer, key_of
from cx_channels.social.mastodon.mapping import read_body
from cx_channels.social.mastodon.signed import Signed, bad, digest_of, read_signed
from cx_events.errors import Refused
from cx_events.json_types import Json

SKEW = 3_600
WINDOW = 12 * 3_600
"""Seconds: Mastodon's ``EXPIRATION_WINDOW_LIMIT`` and ``CLOCK_SKEW_MARGIN``; senders sign each attempt anew."""
_SECOND = 1_000_000

SIGNATURE = Signature(
    headers=("signature", "signature-input", "digest", "content-digest", "date"),
    covers=frozenset({"body", "url", "time"}),
    tolerance_seconds=WINDOW + SKEW,
    ahead_seconds=SKEW,
)


def _activity(request: Request) -> Json:
    try:
        return request.once(read_body)
    except Refused as refused:
        raise bad(f"this is no activity: {refused.detail}") from None


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the key of the activity's actor signed the request within the window; 403 where
    another one did (a forwarded activity), or its server is none of ``peers``; ``KeyUnknown``."""
    signed = read_signed(request)
    actor = actor_of(_activity(request))
    host = host_of(actor)
    if not host:
        raise bad("the activity names no actor")
    if not is_peer(host, connection):
        raise Refused("no-peer", f"{host[:100]} is none of settings.peers", 403)
    _check_time(signed, request.received)
    if host_of(signed.key_id) != host:
        raise Refused("not-the-actor", "the key is of another server than the activity's actor: it was forwarded", 403)
    owner, key = key_of(connection, signed.key_id)
    try:
        key.verify(signed.signature, signed.content, PKCS1v15(), SHA256())
    except InvalidSignature:
        connection.keys.want(document_of(signed.key_id))
        raise bad("Signature was not made with the key that it names") from None
    if owner != actor:
        raise Refused("not-the-actor", "the key is another account's than the activity's actor", 403)


def _check_time(signed: Signed, received: int) -> None:
    age = (received - signed.at) / _SECOND
    if age > WINDOW + SKEW or age < -SKEW:
        raise Refused("too-old", f"{signed.header} is more than 12 hours ago, or in the future", 401)
    if signed.expires is not None and received > signed.expires + SKEW * _SECOND:
        raise Refused("too-old", "the signature has expired", 401)


def challenge(request: Request, connection: Connection) -> Answer | None:
    """Answer that an account is gone, where nothing of it is known here: servers send it to all they ever knew, and its
    key can't be had any more (mastodon/mastodon#10286, #33290). Nothing is made of it, so nothing is checked."""
    if b'"Delete"' not in request.body:
        return None
    try:
        value = request.once(read_body)
    except Refused:
        return None
    actor = id_of(value.get("actor"))
    is_gone = value.get("type") == "Delete" and actor and id_of(value.get("object")) == actor
    return Answer(202) if is_gone and connection.keys.read(actor, bool) is None else None


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as the activity's actor sends it, signed with the example key of a name at
    ``Request.received``: as RFC 9421 has it where its content type is ``application/ld+json``, so that trials have
    both, else as draft-cavage has it."""
    try:
        actor = actor_of(read_body(request)) or EXAMPLE_ACTORS[0]
    except Refused:
        actor = EXAMPLE_ACTORS[0]
    key_id = example_id(actor, place_of(connection, secret))
    is_newer = request.content_type == "application/ld+json"
    headers, before, after = _by_message(request, key_id) if is_newer else _by_draft(request, key_id)
    unsigned = with_headers(request, {**headers, "Signature": f"{before}AA=={after}"})
    try:
        content = read_signed(unsigned).content
    except Refused:  # what is posted has an actor that can't stand in a header
        content = b""
    made = b64encode(example_key(secret).sign(content, PKCS1v15(), SHA256())).decode()
    return with_headers(unsigned, {"Signature": f"{before}{made}{after}"})


def _by_draft(request: Request, key_id: str) -> tuple[Mapping[str, str], str, str]:
    """Return the headers of a signature, and what stands before and after it."""
    at = formatdate(request.received // _SECOND, usegmt=True)
    covered = "(request-target) host date digest"
    before = f'keyId="{key_id}",algorithm="rsa-sha256",headers="{covered}",signature="'
    return {"Date": at, "Digest": f"SHA-256={digest_of(request.body)}"}, before, '"'


def _by_message(request: Request, key_id: str) -> tuple[Mapping[str, str], str, str]:
    told = f';created={request.received // _SECOND};keyid="{key_id}"'
    headers = {
        "Content-Digest": f"sha-256=:{digest_of(request.body)}:",
        "Signature-Input": f'sig1=("@method" "@target-uri" "content-digest"){told}',
    }
    return headers, "sig1=:", ":"
