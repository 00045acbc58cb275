"""Import vCons from HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from cx_events.activity import needs_own_part
from cx_events.codec import decode_leniently
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_events.stamp import StampedEvent
from cx_events.strict_json import Limits, decode
from cx_runtime.http import decompressed
from cx_vcon.hashes import hash_faults
from cx_vcon.importing import event_drafts
from cx_vcon.reading import MEDIA_TYPE, VconInput, read_vcon
from cx_vcon.round_trip import interaction_of

_SMALL = 64 << 10
GZIPPED = f"{MEDIA_TYPE}+gzip"
_TYPES = (MEDIA_TYPE, f"{MEDIA_TYPE}+json", "application/json")


def read_request(body: bytes, content_type: str, query: bytes, max_bytes: int) -> VconInput:
    """Return the vCon in a request.

    Raise ``Refused`` as ``cx_vcon.reading.read_vcon`` does, ``unsupported-media-type`` (415), ``bad-query`` (400), or
    for a body that is no JSON.
    """
    unverified = _unverified(query)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == GZIPPED:
        body = decompressed(body, "gzip", max_bytes)
    elif media_type not in _TYPES:
        detail = (
            f"the content type {media_type[:64]!r} carries no vCon: send {MEDIA_TYPE}, {GZIPPED} or application/json"
        )
        raise Refused("unsupported-media-type", detail, 415)
    limits = Limits(max_bytes=max_bytes)
    return read_vcon(decode(body, limits), unverified=unverified, limits=limits)


async def map_request(body: bytes, content_type: str, query: bytes, max_bytes: int) -> tuple[VconInput, list[Draft]]:
    """Read a request and map its vCon to events; a large body in a thread, so that nobody else waits for it."""

    def work() -> tuple[VconInput, list[Draft]]:
        taken = read_request(body, content_type, query, max_bytes)
        return taken, event_drafts(taken)

    return work() if len(body) <= _SMALL else await asyncio.to_thread(work)


def _unverified(query: bytes) -> bool:
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if any(name != "unverified" or value not in ("true", "false") for name, value in asked) or len(asked) > 1:
        raise Refused("bad-query", "unverified=true is all that can be asked for here", 400)
    return ("unverified", "true") in asked


def describe_import(taken: VconInput, stamped: Sequence[StampedEvent], ids: IdSpace) -> dict[str, Any]:
    """Return the answer to an import.

    ``conversation``: its id in the context API, once it is projected; all events have one stream. ``warnings``:
    sentences on what was kept as it came though it can't be right.
    """
    interaction = interaction_of(taken.uuid)
    facts = [Fact(decode_leniently(each.raw)[0], each.raw, ids) for each in stamped]
    own = [fact for fact in facts if fact.event.data.interaction == interaction]
    part_id = min(own, key=lambda fact: (needs_own_part(fact.event), fact.order)).part_id
    return {
        "uuid": taken.uuid,
        "conversation": text_of(part_id),
        "interaction": interaction,
        "verified": False if taken.signed is not None else None,
        "accepted": [{"source": each.source, "id": each.id} for each in stamped],
        "rejected": [],
        "warnings": hash_faults(taken.vcon),
    }
