"""Intercom: its messenger, inbox, bots and tickets, from its webhooks. See README.md."""

from __future__ import annotations

from cx_channels.chat.intercom.mapping import DOCUMENTED, map_request
from cx_channels.chat.intercom.people import IDENTITY, SECURED, secured_in
from cx_channels.chat.intercom.signature import challenge, verify
from cx_channels.port import Connection, Provider
from cx_events.errors import Fatal


def _warnings(connection: Connection) -> tuple[str, ...]:
    listed = connection.settings.get("secured", ())
    unknown = sorted(set(map(str, listed if isinstance(listed, list | tuple) else [listed])) - SECURED)
    if unknown:
        known = ", ".join(sorted(SECURED))
        raise Fatal(f"the connection {connection.id}: secured knows no {unknown[0]!r}; there are {known}")
    if listed and not secured_in(connection.settings):
        raise Fatal(f"the connection {connection.id}: secured lists attributes, but not {IDENTITY!r}, whose they are")
    return ()


_SECURED = (
    "of a user in a workspace that the setting secured says asks for a hash or a JWT; Intercom says so, not the hub"
)
_OPEN = "whoever opens the Messenger's page can state any of another contact; leads type it, mail is matched by From"

PROVIDER = Provider(
    name="chat/intercom",
    channel="chat",
    map=map_request,
    verify=verify,
    challenge=challenge,
    kinds=DOCUMENTED,
    methods=frozenset({"HEAD", "POST"}),
    weights={
        "account": {"asserted": _SECURED, "claimed": _OPEN},
        "intercom": {"asserted": _SECURED, "claimed": "a lead's lives in a cookie; of a user " + _OPEN},
        "email": {"asserted": _SECURED, "claimed": _OPEN},
        "phone": {"asserted": _SECURED, "claimed": _OPEN},
    },
    warnings=_warnings,
)
