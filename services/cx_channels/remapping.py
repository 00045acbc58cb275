"""Map requests in the dead letters again, by the mappings of today.

The request is rebuilt from its dead letter and goes the same way as before, except for the check of its signature: it
passed before the dead letter was written, and secrets are not kept. Events get the ids that they would have had, so
that trying again is safe.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msgspec

from cx_channels.dead_letters import STAGE
from cx_channels.intake import Intake
from cx_channels.provider import Connection, Mapped, Request
from cx_events.blob import Blobs
from cx_events.dead_letters import DeadLetter, encode_dead_letter
from cx_events.errors import Refused
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, Log, Record
from cx_events.timestamps import format_time, parse_time

MAX_FIELDS = 1000


async def map_again(
    intake: Intake, log: Log, blobs: Blobs, letter: DeadLetter, ids: IdSpace, connection: str = ""
) -> int:
    """Publish the events that a dead letter of the stage ``map`` becomes today; return how many, and settle the letter.

    ``ids``: those of the letter's tenant. ``connection``: another connection of that tenant, whose provider maps what
    came to the letter's own. Raise ``Refused``: ``not-retriable`` (409) where the request still can't be mapped, or the
    letter is of another stage; ``unknown-connection`` where the connection is not configured (any more). Raise
    ``TryLater`` where log or blobs do not answer.
    """
    if letter.stage != STAGE or not letter.connection:
        raise Refused("not-retriable", f"{letter.id[:64]!r} is no request of a connection", 409)
    through, provider = intake.connection(connection or letter.connection)
    if through.tenant != letter.tenant:
        raise Refused("unknown-connection", f"there is no connection {through.id[:64]!r} of this tenant", 404)
    original = await blobs.get(letter.tenant, letter.blob) if letter.blob else letter.content
    if original is None:
        raise Refused("not-retriable", f"the original {letter.blob} is not in the blob store", 409)
    request = request_of(letter, original)
    mapped, failures = await intake.map(provider, request, through)
    if failures and not mapped.drafts:
        raise Refused("not-retriable", f"{failures[0].reason}: {failures[0].detail}"[:500], 409)
    left = await intake.publish_mapped(_with_times(mapped, request), failures, request, through)
    if not any(_is_same(letter, each.id, through) for each in left):
        settled = msgspec.structs.replace(
            letter, settled=True, original="", blob="", headers={}, recorded=format_time(intake.now())
        )
        key = ids.lone_event(letter.source, letter.id).hex().encode()
        await log.append([Record(DEAD_LETTERS, key, encode_dead_letter(settled))])
    return len(mapped.drafts)


def request_of(letter: DeadLetter, original: bytes) -> Request:
    """Return the request that a dead letter keeps, as it was received then."""
    query = urlsplit(letter.url).query
    fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    return Request(
        body=b"" if letter.method == "GET" else original,
        method=letter.method,
        url=letter.url,
        query=tuple(fields),
        headers={"content-type": letter.content_type, **letter.headers},
        received=parse_time(letter.recorded),
    )


def _with_times(mapped: Mapped, request: Request) -> Mapped:
    """Give drafts without a time the time of receipt."""
    drafts = tuple(
        msgspec.structs.replace(each, time=request.received) if each.time is None else each for each in mapped.drafts
    )
    return Mapped(drafts, mapped.ignored, mapped.unmapped, mapped.blobs)


def _is_same(letter: DeadLetter, id: str, connection: Connection) -> bool:
    return (letter.source, letter.id) == (connection_source(connection.tenant, connection.id), id)
