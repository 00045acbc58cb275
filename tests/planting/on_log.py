"""Differences on the log: events deleted, edited, added or let go after they were applied; and offsets that moved."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec
from tests.planting.differences import Difference, Names, Plant
from tests.planting.histories import CONTENTS
from tests.planting.hubs import TENANT, Hub

from cx_context.store import offsets
from cx_events.blob import blob_name
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.ids import event_key
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition, Record
from cx_events.testing.builders import an_event


def _key(record: LogRecord) -> bytes | None:
    try:
        event = decode(record.value)
    except Refused:
        return None
    return event_key(event.tenantid, event.source, event.id)


async def _events_once(hub: Hub) -> list[tuple[bytes, LogRecord]]:
    """Events of which the log has one record alone."""
    known = [(key, record) for record in await hub.records(INTERACTIONS) if (key := _key(record)) is not None]
    keys = [key for key, _ in known]
    return [(key, record) for key, record in known if keys.count(key) == 1]


def _event_name(key: bytes) -> str:
    return f"events {key.hex()}"


async def event_deleted(hub: Hub, random: Random) -> Names:
    key, gone = random.choice(await _events_once(hub))
    await hub.rewrite(INTERACTIONS, lambda records: [each for each in records if each != gone])
    return {_event_name(key)}


async def event_edited(hub: Hub, random: Random) -> Names:
    key, old = random.choice([each for each in await _events_once(hub) if b'"text":"' in each[1].value])
    new = old._replace(value=old.value.replace(b'"text":"', b'"text":"not '))
    await hub.rewrite(INTERACTIONS, lambda records: [new if each == old else each for each in records])
    return {_event_name(key)}


async def event_under_another_id(hub: Hub, random: Random) -> Names:
    key, old = random.choice([each for each in await _events_once(hub) if b'"id":"some-' in each[1].value])
    new = old._replace(value=old.value.replace(b'"id":"some-', b'"id":"same-'))
    await hub.rewrite(INTERACTIONS, lambda records: [new if each == old else each for each in records])
    return {_event_name(key)}


async def events_cut_at_the_end(hub: Hub, random: Random) -> Names:
    key, last = (await _events_once(hub))[-1]
    await hub.rewrite(
        INTERACTIONS,
        lambda records: [r for r in records if r.partition != last.partition or r.offset < last.offset],
    )
    return {f"partitions {INTERACTIONS}/{last.partition}", _event_name(key)}


async def events_let_go_at_the_beginning(hub: Hub, random: Random) -> Names:
    first = random.choice([record for record in await hub.records(INTERACTIONS) if record.offset])
    await hub.cut(INTERACTIONS, first.partition, first.offset)
    return {f"{INTERACTIONS}/{first.partition}/0"}


async def event_never_applied(hub: Hub, random: Random) -> Names:
    """An event that the offsets say is applied, and that the store has not."""
    new = an_event(id=f"new-{random.random()}", email="new@example.com", interaction="chat-new", text="hello")
    await hub.log.append([Record(INTERACTIONS, new.key, new.raw)])
    await _move_to_the_end(hub, INTERACTIONS)
    return {_event_name(event_key(TENANT, "//acme.example/chat", decode(new.raw).id))}


async def letter_never_applied(hub: Hub, random: Random) -> Names:
    letter = msgspec.json.encode(
        {"tenant": TENANT, "source": "s", "id": "never", "stage": "map", "reason": "r", "detail": "", "recorded": ""}
    )
    await hub.log.append([Record(DEAD_LETTERS, b"letters", letter)])
    await _move_to_the_end(hub, DEAD_LETTERS)
    return {f"dead_letters {TENANT}/s/never/map"}


async def _move_to_the_end(hub: Hub, topic: str) -> None:
    ends = await hub.log.end_offsets(topic)
    async with hub.store.writing() as tx:
        await offsets.advance(tx, {Partition(topic, number): end for number, end in ends.items()})


def letter_deleted(of: bytes, table: str) -> Plant:
    async def plant(hub: Hub, random: Random) -> Names:
        (gone,) = [each for each in await hub.records(DEAD_LETTERS) if of in each.value]
        await hub.rewrite(DEAD_LETTERS, lambda records: [each for each in records if each != gone])
        letter = msgspec.json.decode(gone.value)
        return {f"{table} {letter['tenant']}/{letter['source']}/{letter['id']}/{letter['stage']}"}

    return plant


def offset_moved(by: Callable[[Random, int], int], topic: str = INTERACTIONS) -> Plant:
    async def plant(hub: Hub, random: Random) -> Names:
        async with hub.store.writing() as tx:
            at = {each: now[0] for each, now in (await offsets.progress(tx)).items() if each.topic == topic and now[0]}
            partition = random.choice(sorted(at))
            await tx.execute(
                "UPDATE partitions SET next_offset = :next WHERE topic = :topic AND number = :number",
                next=by(random, at[partition]), topic=topic, number=partition.number,
            )  # fmt: skip
        return {f"partitions {topic}/{partition.number}"}

    return plant


async def partition_forgotten(hub: Hub, random: Random) -> Names:
    number = random.randrange(2)
    async with hub.store.writing() as tx:
        await tx.execute(
            "DELETE FROM partitions WHERE topic = :topic AND number = :number", topic=INTERACTIONS, number=number
        )
    return {f"partitions {INTERACTIONS}/{number}"}


async def blob_missing(hub: Hub, random: Random) -> Names:
    name = blob_name(random.choice(CONTENTS))
    (file,) = hub.blobs.folder.rglob(name.removeprefix("sha256:"))
    file.unlink()
    return {f"blobs {TENANT}/{name}"}


async def blob_damaged(hub: Hub, random: Random) -> Names:
    name = blob_name(random.choice(CONTENTS))
    (file,) = hub.blobs.folder.rglob(name.removeprefix("sha256:"))
    content = bytearray(file.read_bytes())
    content[random.randrange(len(content))] ^= 1
    file.write_bytes(content)
    return {f"blobs {TENANT}/{name}"}


ON_LOG = [
    Difference("an event deleted from the log", event_deleted),
    Difference("an event edited on the log", event_edited),
    Difference("an event under another id on the log", event_under_another_id),
    Difference("a log cut at its end", events_cut_at_the_end),
    Difference("a log cut at its beginning", events_let_go_at_the_beginning),
    Difference("an event passed over", event_never_applied),
    Difference("a dead letter passed over", letter_never_applied),
    Difference("a dead letter deleted from the log", letter_deleted(b'"id":"broken"', "dead_letters")),
    Difference("a discard deleted from the log", letter_deleted(b'"discarded":true', "discarded_letters")),
    Difference("an offset moved back", offset_moved(lambda random, at: random.randrange(at))),
    Difference("an offset moved beyond the end", offset_moved(lambda random, at: at + 1 + random.randrange(100))),
    Difference("an offset below zero", offset_moved(lambda random, at: -1)),
    Difference("an offset of dead letters moved", offset_moved(lambda random, at: at + 1, DEAD_LETTERS)),
    Difference("a partition forgotten", partition_forgotten),
    Difference("a blob missing", blob_missing),
    Difference("a blob damaged", blob_damaged),
]
"""Beside the rows of a store."""
