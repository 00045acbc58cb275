"""LINE official accounts, from the Messaging API's webhooks. See README.md.

Modules: ``signature``, ``mapping`` (deliveries to events, by kind), ``item`` (one of a delivery's events, and its
draft), ``messages`` (kinds that are events), ``kinds`` (those that are none), ``media`` (how files are
fetched).
"""

from __future__ import annotations

from cx_channels.provider import Connection, Provider
from cx_channels.social.line.item import WEIGHTS
from cx_channels.social.line.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.social.line.media import MEDIA
from cx_channels.social.line.signature import SIGNATURE, sign, verify


def _warnings(connection: Connection) -> tuple[str, ...]:
    if connection.settings.get("provider"):
        return ()
    return (
        "settings.provider is missing: people's ids count for one account, though a provider's accounts share them",
    )


PROVIDER = Provider(
    name="social/line",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"destinations", "provider"}) | MEDIA.settings,
)
