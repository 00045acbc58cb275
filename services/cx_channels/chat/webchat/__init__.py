"""Web chat: the hub's own, for any web page (README.md)."""

from cx_channels.chat.webchat.mapping import KINDS, map_note
from cx_channels.port import Provider

PROVIDER = Provider(
    name="chat/webchat",
    channel="chat",
    map=map_note,
    verify=None,  # the socket checks the session's token; what it writes down is mapped
    kinds=KINDS,
    transport="websocket",
    methods=frozenset({"MESSAGE"}),
    content_types=frozenset({"application/json"}),
    max_bytes=16 << 10,
)
