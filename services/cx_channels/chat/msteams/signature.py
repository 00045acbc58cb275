"""Check Microsoft's proof: a token of the Bot Connector in ``Authorization``, whose keys it publishes.

learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication, "Authenticate requests from
the Bot Connector service to your bot". The token is for the bot (``aud``) and for the channel's address
(``serviceurl``), and its key is endorsed for channels; nothing else of the body is covered.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cx_channels.chat.msteams.activity import read_activity
from cx_channels.kit.example_keys import example_key, named_keys, place_of
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.rs256_tokens import (
    HEADER,
    bad_token,
    check_times,
    check_token,
    key_of,
    keys_in,
    published_key,
    read_token,
    signed_token,
)
from cx_channels.kit.settings import check_choice, texts_of
from cx_channels.kit.signing import with_headers
from cx_channels.provider import Connection, KeySource, Lasting, Request, Signature
from cx_events.errors import Refused
from cx_events.timestamps import Micros

SKEW = 300
_HALF_A_LIFE = 1_800
"""Seconds. A token is valid for an hour; one for a trial is in the middle of its life."""

_CLOUDS: Mapping[str, tuple[str, str]] = {
    "public": ("https://api.botframework.com", "https://login.botframework.com/v1/.well-known/keys"),
    "government": ("https://api.botframework.us", "https://login.botframework.azure.us/v1/.well-known/keys"),
    "china": ("https://api.botframework.azure.cn", "https://login.botframework.azure.cn/v1/.well-known/keys"),
}
"""The issuer of tokens and the address of its keys, by cloud."""

_HOUR = 3_600.0

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    covers=frozenset({"time"}),
    gaps={"url": "the token names the bot, not the address that is called"},
    partly={"body": "the token names serviceUrl and its key's endorsements channelId; the rest is kept whole by TLS"},
    tolerance_seconds=_HALF_A_LIFE + SKEW,
)


def check_settings(connection: Connection) -> None:
    """Raise ``Fatal`` for a cloud that there is not."""
    check_choice(connection, "cloud", *_CLOUDS)


def _cloud(connection: Connection) -> tuple[str, str]:
    return _CLOUDS.get(text(connection.settings.get("cloud")), _CLOUDS["public"])


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless Microsoft made the token for this bot, lately, and for what the activity says of
    its channel; ``KeyUnknown`` where the key that it names is not here yet."""
    issuer, url = _cloud(connection)
    token = read_token(request.headers.get(HEADER.lower(), ""))
    if token.claim("iss") != issuer:
        raise bad_token("is not of the Bot Connector")
    if token.claim("aud") not in _audiences(connection):
        raise bad_token("is for another bot than settings.app_id")
    key = key_of(connection, url, token)
    check_token(token, key.key)
    check_times(token, request.received, SKEW)
    try:
        activity, _ = request.once(read_activity)
    except Refused as refused:
        raise Refused("bad-signature", f"this is no activity: {refused.detail}", 401) from None
    service = token.claim("serviceurl")
    if not service or service.rstrip("/") != text(activity.get("serviceUrl")).rstrip("/"):
        raise bad_token("is for another serviceUrl than the activity's")
    if text(activity.get("channelId")) not in key.endorsements:
        raise bad_token("was signed by a key that is not endorsed for the activity's channelId")


def _audiences(connection: Connection) -> set[str]:
    """Return the forms of the App ID that Microsoft's SDKs take."""
    own = texts_of(connection.settings, "app_id")
    return {form for id in own for form in (id, f"api://{id}", f"api://botid-{id}")}


def _allows(url: str, connection: Connection) -> bool:
    return url == _cloud(connection)[1]


def _known(connection: Connection) -> tuple[str, ...]:
    return (_cloud(connection)[1],)


def _lasting(_url: str, document: bytes, _now: Micros) -> Lasting:
    """Keys are to be read again within a day; withdrawn ones go, and for five days the host may be away."""
    if not keys_in(document):
        raise ValueError("the document has no RSA key that may sign")
    return Lasting(12 * _HOUR, 120 * _HOUR)


def _published(connection: Connection) -> Mapping[str, bytes]:
    endorsed = ("msteams", "webchat", "directline", "sms", "email")
    keys = [published_key(example_key(name), f"key-{place}", endorsed) for place, name in named_keys(connection)]
    return {_cloud(connection)[1]: msgspec.json.encode({"keys": keys})}


KEYS = KeySource(allows=_allows, known=_known, lasting=_lasting, published=_published)


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as the Bot Connector sends it, with a token of the example key of a name, in the middle of its
    life at ``Request.received``."""
    try:
        activity, _ = read_activity(request)
    except Refused:
        activity = {}
    at = request.received // 1_000_000
    claims = {
        "serviceurl": text(obj(activity).get("serviceUrl")),
        "nbf": at - _HALF_A_LIFE,
        "exp": at + _HALF_A_LIFE,
        "iss": _cloud(connection)[0],
        "aud": next(iter(texts_of(connection.settings, "app_id")), ""),
    }
    token = signed_token(example_key(secret), f"key-{place_of(connection, secret)}", claims)
    return with_headers(request, {HEADER: f"Bearer {token}"})
