"""X (Twitter): direct messages, mentions, replies, deletions and likes, by its webhooks. See README.md.

Modules: ``signature`` (with the challenge), ``mapping`` (deliveries to events, by kind), ``account`` (one delivery, and
its draft), ``direct`` and ``posts`` (kinds of elements), ``kinds`` (those that are no event), ``media`` (how files are
fetched) and ``oauth1`` (how such a request is signed).
"""

from __future__ import annotations

from cx_channels.provider import Connection, Provider
from cx_channels.social.x.account import WEIGHTS
from cx_channels.social.x.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.social.x.media import MEDIA
from cx_channels.social.x.signature import SIGNATURE, challenge, sign, verify


def _warnings(connection: Connection) -> tuple[str, ...]:
    if connection.settings.get("accounts"):
        return ()
    return ("settings.accounts is missing: each delivery's own account counts as the business, and no other",)


PROVIDER = Provider(
    name="social/x",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"GET", "POST"}),
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"accounts", "bots"}) | MEDIA.settings,
)
