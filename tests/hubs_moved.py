"""A hub's history with all that a move has to bring along, and its contexts on whatever parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.projection import TENANTS, WINDOW, bodies

from cx_context.store import open_store
from cx_events.blob import Blobs
from cx_events.blob.folder import FolderBlobs
from cx_events.dead_letters import DeadLetter, encode_original
from cx_events.ids import NodeId, text_of
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, LogRecord, Partition, Record
from cx_events.log.merged_reader import MergedReader
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_ops.moving.sources import bounds_of
from cx_projectors.catch_up import CatchUp
from cx_projectors.records import TOPICS
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.verify import verify

NAMES = ("ana", "ben", "cleo", "dora")
PEOPLE = [ACME.profile("email", "", f"{name}@example.com") for name in NAMES]
SPACES = {"acme": ACME}
LARGE = b"a mail of many words " * 20_000


def events(blob: str, each: int = 12) -> list[StampedEvent]:
    """Chats of four people in turns, a call that follows nobody, a merge, and an original that is a blob."""
    said = [
        an_event(
            id=f"{name}-{number}",
            email=f"{name}@example.com",
            interaction=f"chat-{name}-{number // 5}",
            text=f"word {number} of {name}",
            at=START + number * 3600 * SECOND,
            data={"raw": {"blob": blob}} if name == "ana" and number == 3 else {},
        )
        for number in range(each)
        for name in NAMES
    ]
    merged = {"identity": {"a": text_of(PEOPLE[0]), "b": text_of(PEOPLE[1])}}
    return [
        *said,
        an_event("cx.interaction.started.v1", id="ring", interaction="call-9", channel="voice"),
        a_decision("cx.identity.merged.v1", id="d-1", about=PEOPLE[0], at=START + 50 * SECOND, data=merged),
    ]


def letter(id: str, **changes: object) -> Record:
    """A request that could not be mapped."""
    made = DeadLetter(
        tenant="acme",
        source="//acme.example/connections/acme-mail",
        id=id,
        stage="map",
        reason="malformed",
        detail="no mail",
        recorded="2020-01-05T10:00:00.000000Z",
        original=encode_original(b"what came"),
    )
    return Record(DEAD_LETTERS, id.encode(), msgspec.json.encode(msgspec.structs.replace(made, **changes)))


async def happen(log: Log, blobs: Blobs, each: int = 12) -> None:
    """Tell a log the whole story, a few records at a time."""
    name = await blobs.put("acme", LARGE)
    told = [Record(INTERACTIONS, event.key, event.raw) for event in events(name, each)]
    told[7:7] = [
        letter("l-1"),
        letter("l-2"),
        letter("l-3", original="", blob=await blobs.put("acme", b"a large request")),
        Record(INTERACTIONS, b"\xff\x00", b"\x00 no event \xff"),
        letter("l-1", settled=True),
        letter("l-2", discarded=True, by="key/ops", why="a test"),
        told[3],
    ]
    for at in range(0, len(told), 4):
        await log.append(told[at : at + 4])


@asynccontextmanager
async def started(log: Log) -> AsyncIterator[Log]:
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def records_of(log: Log) -> list[LogRecord]:
    """Return all records of the topics that are moved."""
    ends, begins = await bounds_of(log)
    reader = MergedReader(log, begins, ends)
    found: list[LogRecord] = []
    while some := await reader.read(500, 16 << 20):
        found += some
    await reader.close()
    return found


async def blobs_in(folder: Path) -> FolderBlobs:
    blobs = FolderBlobs(folder)
    await blobs.start()
    return blobs


async def contexts(log: Log, store_url: str) -> dict[NodeId, bytes]:
    """Fold the whole log into a store, hold that against ``verify``, and return everybody's body."""
    store = open_store(store_url)
    await store.start()
    try:
        await open_store_epoch(store, log, begins=True)

        async def watch() -> None:
            return None

        work = CatchUp(store, log, TENANTS, "filler", watch, batch=7)
        try:
            await work.apply_until(
                {Partition(topic, n): end for topic in TOPICS for n, end in (await log.end_offsets(topic)).items()}
            )
        finally:
            await work.close()
        found = await verify(store, log, {name: (tenancy, WINDOW) for name, tenancy in TENANTS.items()})
        assert found.wrong == []
        assert found.events
        return await bodies(store, PEOPLE)
    finally:
        await store.stop()
