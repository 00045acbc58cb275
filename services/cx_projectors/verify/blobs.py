"""Look for every blob that an event or a dead letter on the log names, and read it: its name is its digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cx_events.blob import Blobs
from cx_events.blob.references import blobs_of_event, is_blob_name
from cx_events.dead_letters import DeadLetter
from cx_events.errors import Refused
from cx_events.facts import Fact

BlobNames = dict[tuple[str, str], str]
"""By tenant and a blob's name, what names it, as a finding says it."""


def blobs_of_facts(facts: Iterable[Fact]) -> BlobNames:
    """Return the blobs that events name: of files that came with a message, and of originals that are stored apart."""
    found: BlobNames = {}
    for fact in facts:
        event = fact.event
        for _, name in blobs_of_event(fact.raw):
            found.setdefault((event.tenantid, name), f"the event {event.source}#{event.id}")
    return found


def blobs_of_letters(letters: Iterable[DeadLetter]) -> BlobNames:
    """Return the blobs that dead letters name."""
    return {
        (letter.tenant, letter.blob): f"the dead letter {letter.source}#{letter.id}"
        for letter in letters
        if is_blob_name(letter.blob)
    }


async def hold_blobs(blobs: Blobs, named: BlobNames, say: Callable[[str], None]) -> int:
    """Read each blob, report those that are missing or damaged, and return how many were read. Raises ``TryLater``
    where the blob store does not answer."""
    for (tenant, name), by in named.items():
        try:
            content = await blobs.get(tenant, name)
        except Refused as error:
            say(f"blobs {tenant}/{name}: {error.detail}; {by} names it")
            continue
        if content is None:
            say(f"blobs {tenant}/{name}: is missing; {by} names it")
    return len(named)
