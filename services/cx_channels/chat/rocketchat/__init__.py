"""Rocket.Chat: rooms of Omnichannel (Livechat) by its webhook, and channels by outgoing integrations. See README.md.

Modules: ``signature``, ``mapping`` (requests to events, by kind), ``room`` (one notice, and its draft), ``livechat``
(kinds of Omnichannel's), ``integration`` (messages of channels), ``words`` (words, files and writers), ``kinds`` (what
is no event), ``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.chat.rocketchat.mapping import DOCUMENTED, MAX_BYTES, kinds_of, map_request
from cx_channels.chat.rocketchat.media import MEDIA
from cx_channels.chat.rocketchat.room import WEIGHTS
from cx_channels.chat.rocketchat.signature import SIGNATURE, sign, verify
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="chat/rocketchat",
    channel="chat",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"agents", "bots", "channels"}) | MEDIA.settings,
)
