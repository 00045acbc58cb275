"""WhatsApp numbers of a business, from Meta's webhooks (Cloud API). See README.md.

Modules: ``mapping`` (deliveries to events). What is mapped how stands in ``kit.whatsapp``, since the same deliveries
also come to the door of ``social/meta``.
"""

from __future__ import annotations

from cx_channels.kit.meta_signature import SIGNATURE, challenge, sign, verify
from cx_channels.kit.settings import check_choice
from cx_channels.kit.whatsapp.delivery import MAX_BYTES
from cx_channels.kit.whatsapp.mapping import SETTINGS
from cx_channels.kit.whatsapp.media import MEDIA
from cx_channels.kit.whatsapp.people import WEIGHTS
from cx_channels.provider import Connection, Provider
from cx_channels.social.whatsapp.mapping import DOCUMENTED, kinds_of, map_request


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, "statuses", "keep", "ignore")
    if not connection.settings.get("verify_token"):
        return ("settings.verify_token is missing: Meta's check of the address will be refused",)
    return ()


PROVIDER = Provider(
    name="social/whatsapp",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"GET", "POST"}),
    max_bytes=MAX_BYTES,
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=SETTINGS | {"verify_token"} | MEDIA.settings,
)
