"""FreeSWITCH: calls by its event socket, which the hub reads, and by JSON CDRs, which it posts. See README.md.

Modules: ``notice`` (events and CDRs as they come), ``leg`` (a channel, by either), ``people`` (who is who), ``steps``
(what both tell), ``records`` (CDRs), ``events`` (events of channels), ``modules`` (queues, conferences), ``kinds``
(what is no event), ``mapping``, ``settings``, ``stream`` (the event socket as a source), ``client`` (its frames),
``calls`` (what the switch has under way).
"""

from __future__ import annotations

from cx_channels.kit.basic_credentials import SIGNATURE, sign, verify
from cx_channels.provider import Provider
from cx_channels.voice.freeswitch.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.voice.freeswitch.settings import SETTING_NAMES, has_socket, warnings_of

MAX_BYTES = 4 << 20

PROVIDER = Provider(
    name="voice/freeswitch",
    channel="voice",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    weights={
        "phone": {
            "asserted": "the setting verstat says that the dialplan checks attestation, and it found level A",
            "claimed": "a caller's own exchange writes the number, or FreeSWITCH was told to dial it",
        },
    },
    settings=SETTING_NAMES,
    secret_settings=frozenset({"password"}),
    warnings=warnings_of,
    asks=has_socket,
)
