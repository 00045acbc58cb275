"""SIPREC: the metadata of recorded calls (RFC 7865), as a relay posts it. See README.md.

Modules: ``signature``, ``document`` (the XML, in its dialects), ``parties`` (who is who), ``mapping`` (steps to
events).
"""

from __future__ import annotations

from cx_channels.kit.json_values import text
from cx_channels.provider import Connection, Provider
from cx_channels.voice.siprec.document import zone_of
from cx_channels.voice.siprec.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.voice.siprec.signature import SIGNATURE, sign, verify
from cx_events.errors import Fatal

MAX_BYTES = 256 << 10


def _warnings(connection: Connection) -> tuple[str, ...]:
    zone = text(connection.settings.get("timezone"))
    if zone and zone_of(zone) is None:
        raise Fatal(f"the connection {connection.id}: there is no time zone {zone!r}; write one like Europe/Berlin")
    if connection.settings.get("numbers") or connection.settings.get("staff"):
        return ()
    return ("settings.numbers is missing: without the business's own numbers nobody becomes the customer of a call",)


PROVIDER = Provider(
    name="voice/siprec",
    channel="voice",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    warnings=_warnings,
    weights={
        "phone": {
            "asserted": "the setting aor_is_asserted says that the recorder sees addresses which the network asserts",
            "claimed": "the address that the recorder saw, as a rule the caller's own",
        },
    },
    settings=frozenset({"aor_is_asserted", "numbers", "staff", "timezone"}),
)
