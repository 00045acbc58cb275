"""Intercom: its messenger, inbox, bots and tickets, from its webhooks. See README.md."""

from __future__ import annotations

from cx_channels.chat.intercom.mapping import DOCUMENTED, map_request
from cx_channels.chat.intercom.signature import challenge, verify
from cx_channels.port import Provider

PROVIDER = Provider(
    name="chat/intercom",
    channel="chat",
    map=map_request,
    verify=verify,
    challenge=challenge,
    kinds=DOCUMENTED,
    methods=frozenset({"HEAD", "POST"}),
)
