"""Do what an operator may ask of a rebuild in its phase. Each act is kept in its record with who and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from cx_context.store import Store, rebuild_rows, shadow
from cx_context.store.rebuild_rows import RebuildRow
from cx_context.store.sql import Tx
from cx_events.errors import Refused
from cx_events.stamp import COMMAND_WRITER
from cx_ops.rebuild.ownership import LEASE_SECONDS, Ownership
from cx_ops.rebuild.record import (
    CONTEXT,
    KEEPS_TABLES,
    OVER,
    UNDER_WAY,
    Act,
    Phase,
    RebuildRecord,
    decode,
    encode,
    phase_of,
)


class Asker(NamedTuple):
    """``who`` asks, an account or a key, and ``why``. ``process``: the name of the process that will do it. ``writer``:
    of the event that tells of it (``cx_events.stamp``)."""

    who: str
    why: str
    process: str
    writer: str = COMMAND_WRITER


class Status(NamedTuple):
    """``owner``: the process that works on it now; empty where none does."""

    phase: Phase
    owner: str
    wanted: str
    record: RebuildRecord


def now() -> str:
    """Return the time as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def status(store: Store) -> Status | None:
    """Return how the latest rebuild is; None before the first one."""
    async with store.reading() as tx:
        row = await rebuild_rows.read(tx, CONTEXT)
    return None if row is None else _status(row)


def _status(row: RebuildRow) -> Status:
    return Status(phase_of(row.phase), row.owner if row.is_owned else "", row.wanted, decode(row.body))


async def begin(store: Store, asker: Asker, *, review: bool) -> Ownership:
    """Begin a new rebuild. Refused where one is under way or its tables are kept."""
    async with store.writing() as tx:
        await rebuild_rows.insert_missing(tx, CONTEXT, "dropped", encode(RebuildRecord(now())))
        row = await _locked(tx)
        found = _status(row)
        if found.phase in KEEPS_TABLES:
            raise Refused(
                "tables-kept", "the tables of the last rebuild are still kept: cx rebuild drop, then begin", 409
            )
        if found.phase not in OVER:
            raise _under_way(found)
        record = RebuildRecord(now(), review=review, acts=found.record.acts)
        return await _claim(tx, store, asker, "begin", "filling", record)


async def resume(store: Store, asker: Asker) -> Ownership:
    """Go on with a rebuild, or with an undoing, that was paused, was reviewed, or broke off."""
    async with store.writing() as tx:
        found = _status(await _locked(tx))
        if found.phase not in UNDER_WAY:
            raise Refused("nothing-to-resume", f"the last rebuild is {found.phase}", 409)
        if found.owner:
            raise _under_way(found)
        record = replace(found.record, review=False) if found.phase == "compared" else found.record
        return await _claim(tx, store, asker, "resume", "undoing" if found.phase == "undoing" else "filling", record)


async def undo(store: Store, asker: Asker) -> Ownership:
    """Begin to give readers the tables back that the last switch replaced."""
    async with store.writing() as tx:
        found = _status(await _locked(tx))
        if found.phase != "switched":
            raise Refused("nothing-to-undo", f"the last rebuild is {found.phase}: there was no switch to undo", 409)
        return await _claim(tx, store, asker, "undo", "undoing", found.record)


async def ask(store: Store, asker: Asker, wanted: str) -> Status:
    """Ask the process that works on it to ``pause``, or to ``cancel``. What nobody works on is cancelled at once."""
    async with store.writing() as tx:
        found = _status(await _locked(tx))
        if found.phase not in UNDER_WAY:
            raise Refused("nothing-under-way", f"the last rebuild is {found.phase}", 409)
        if found.owner:
            await rebuild_rows.want(tx, CONTEXT, wanted)
            await _note(tx, asker, wanted, found.record)
            return found._replace(wanted=wanted)
        if wanted == "pause":
            raise Refused("nothing-under-way", "no process works on it: it is paused, or broke off", 409)
        own = await _claim(tx, store, asker, "cancel", found.phase, found.record)
    await cancelled(store, own)
    return Status(own.phase, "", "", own.record)


async def cancelled(store: Store, own: Ownership) -> None:
    """Leave nothing behind: of an undoing, all that was there before it."""
    if own.phase == "undoing":
        await own.save(own.record, "switched", ends=True)
        return
    await shadow.drop(store)
    await own.save(own.record, "cancelled", ends=True)


async def drop(store: Store, asker: Asker) -> Status:
    """Delete the tables that are kept."""
    async with store.writing() as tx:
        found = _status(await _locked(tx))
        if found.phase not in KEEPS_TABLES:
            raise Refused("nothing-kept", f"the last rebuild is {found.phase}: no tables are kept", 409)
        own = await _claim(tx, store, asker, "drop", found.phase, found.record)
    await shadow.drop(store)
    await own.save(own.record, "dropped", ends=True)
    return Status(own.phase, "", "", own.record)


async def _locked(tx: Tx) -> RebuildRow:
    row = await rebuild_rows.read(tx, CONTEXT, locked=True)
    if row is None:
        raise Refused("no-rebuild", "nothing was ever rebuilt here", 404)
    return row


def _under_way(found: Status) -> Refused:
    if found.owner:
        return Refused("rebuild-under-way", f"{found.owner} works on one since {found.record.started}", 409)
    return Refused(
        "rebuild-unfinished",
        f"the one of {found.record.started} is {found.phase}, and nobody works on it: cx rebuild resume, or cancel",
        409,
    )


async def _claim(tx: Tx, store: Store, asker: Asker, what: str, phase: Phase, record: RebuildRecord) -> Ownership:
    record = record.noting(Act(now(), what, asker.who, asker.why))
    epoch = await rebuild_rows.claim(tx, CONTEXT, phase, encode(record), asker.process, LEASE_SECONDS)
    _tell(asker, what)
    return Ownership(store, epoch, phase, record)


async def _note(tx: Tx, asker: Asker, what: str, record: RebuildRecord) -> None:
    await rebuild_rows.note(tx, CONTEXT, encode(record.noting(Act(now(), what, asker.who, asker.why))))
    _tell(asker, what)


def _tell(asker: Asker, what: str) -> None:
    structlog.get_logger("cx_ops").info("rebuild", what=what, who=asker.who, why=asker.why)
