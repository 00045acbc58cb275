"""Intercom: its messenger, inbox, bots and tickets, from its webhooks. See README.md.

Modules: ``signature``, ``mapping`` (the topics), ``notification`` (one delivery), ``conversation`` (what an event says
of its conversation), ``conversations``, ``parts`` and ``tickets`` (topics of conversations), ``contacts`` (topics of
contacts), ``calls``, ``people`` (who is who), ``content`` (words and files), ``values`` (lists, times and numbers),
``unmapped_kinds`` (topics that have no adapter yet), ``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.chat.intercom.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.chat.intercom.media import MEDIA
from cx_channels.chat.intercom.people import IDENTITY, SECURED, secured_in
from cx_channels.chat.intercom.signature import SIGNATURE, challenge, sign, verify
from cx_channels.provider import Connection, Provider
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


_SECURED = "of a user, where the workspace secures it (the setting secured); Intercom checks it, not the hub"
_TYPED = "leads type it, mail is matched by its From, and unless it is secured any page can state any"

PROVIDER = Provider(
    name="chat/intercom",
    channel="chat",
    more_channels=frozenset({"voice"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"HEAD", "POST"}),
    weights={
        "account": {
            "asserted": _SECURED,
            "claimed": "unless it is secured anybody can boot the Messenger with another user's id",
        },
        "intercom": {
            "asserted": _SECURED,
            "claimed": "a lead's is a cookie, and unless it is secured anybody can be another user",
        },
        "email": {"asserted": _SECURED, "claimed": _TYPED},
        "phone": {"asserted": _SECURED, "claimed": _TYPED},
    },
    warnings=_warnings,
    media=MEDIA,
    settings=frozenset({"app_id", "bots", "external_id", "secured", "workspaces"}) | MEDIA.settings,
)
