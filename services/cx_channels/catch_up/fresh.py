"""Find what of a page the hub lacks."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import NamedTuple

from cx_channels.catch_up.known_events import KnownEvents
from cx_channels.catch_up.listing import Listed, Named, Page
from cx_channels.intake import Intake
from cx_channels.pollers.source import Delivery
from cx_channels.provider import Connection, Request


class Found(NamedTuple):
    """``listed``: events that a page's objects become; ``deliveries``: what is lacking of them; ``ids``: theirs, of
    events and of what can't be mapped."""

    listed: int
    deliveries: tuple[Delivery, ...]
    ids: tuple[str, ...]


async def find_fresh(
    intake: Intake, known: KnownEvents, connection: Connection, page: Page, handed: Collection[str] = ()
) -> Found:
    """Map a page, and return what the hub does not have of it. Nothing is stored.

    ``handed``: digests of what was handed on lately: what can't be mapped is in no store of events. Raise ``TryLater``
    where log or store is away.
    """
    listed_of, known_by_name = await _read(intake, known, connection, page)
    made = [(listed, await _ids_of(intake, connection, listed.request)) for listed in listed_of]
    asked = {id for listed, ids in made for id in (*ids, *listed.same_as)}
    there = await known.among(connection, asked)
    deliveries: list[Delivery] = []
    fresh: dict[str, None] = {}
    for listed, ids in made:
        if there & listed.same_as:
            continue
        new = [id for id in ids if id not in there and id not in fresh and digest_of(id) not in handed]
        if new:
            deliveries.append(Delivery(listed.request, known=frozenset(ids) - frozenset(new)))
            fresh |= dict.fromkeys(new)
    return Found(known_by_name + sum(len(ids) for _, ids in made), tuple(deliveries), tuple(fresh))


async def _read(intake: Intake, known: KnownEvents, connection: Connection, page: Page) -> tuple[list[Listed], int]:
    """Return a page with those objects read that the hub lacks by their names, and how many it has."""
    there = await known.among(connection, {id for each in page if isinstance(each, Named) for id in each.same_as})
    found: list[Listed] = []
    count = 0
    for each in page:
        if isinstance(each, Listed):
            found.append(each)
        elif there & each.same_as:
            count += 1
        elif (read := await each.read()) is not None:
            others = [id for twin in read.twins for id in await _ids_of(intake, connection, twin)]
            found.append(Listed(read.request, each.same_as.union(others)))
    return found, count


async def _ids_of(intake: Intake, connection: Connection, request: Request) -> tuple[str, ...]:
    """Return the ids of the events that a request becomes, and of its parts that can't be mapped."""
    provider = intake.connection(connection.id)[1]
    mapped, failures = await intake.map(provider, request, connection)
    return tuple(dict.fromkeys([*(draft.id for draft in mapped.drafts), *(failure.id for failure in failures)]))


def digest_of(id: str) -> str:
    """Return what is kept of an id that was handed on."""
    return blake2b(id.encode(), digest_size=8).hexdigest()
