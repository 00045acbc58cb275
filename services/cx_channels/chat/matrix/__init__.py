"""Matrix: rooms of a homeserver, as an application service. See README.md.

Modules: ``signature``, ``questions`` (what a homeserver asks), ``mapping`` (transactions to events, by kind), ``item``
(one event, and its draft), ``events`` (kinds that are events), ``words`` (words and files), ``ephemeral`` (receipts),
``kinds`` (what is no event), ``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.chat.matrix.item import WEIGHTS
from cx_channels.chat.matrix.mapping import DOCUMENTED, MAX_BYTES, kinds_of, map_request
from cx_channels.chat.matrix.media import MEDIA
from cx_channels.chat.matrix.questions import answer, challenge
from cx_channels.chat.matrix.signature import SIGNATURE, sign, verify
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    missing = [name for name in ("staff", "servers") if not connection.settings.get(name)]
    why = {
        "staff": "settings.staff is missing: everybody is a customer",
        "servers": "settings.servers is missing: nobody's id is proved, only asserted by some homeserver",
    }
    return tuple(why[name] for name in missing)


PROVIDER = Provider(
    name="chat/matrix",
    channel="chat",
    more_channels=frozenset({"voice"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    answer=answer,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"GET", "POST", "PUT"}),
    has_paths=True,
    max_bytes=MAX_BYTES,
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"bots", "servers", "staff"}) | MEDIA.settings,
)
