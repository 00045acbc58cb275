"""Read and write the table ``rebuilds``: how far the rebuild of a subject is, and which process works on it.

One process at a time owns a rebuild, by a lease; its epoch fences whoever had it before. What operators ask of it
(``wanted``) waits here until the owner looks.
"""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store.sql import Tx
from cx_events.errors import CxError


class RebuildLost(CxError):
    """Another process has taken the rebuild over."""


class RebuildRow(NamedTuple):
    """A row of ``rebuilds``. ``is_owned``: its owner's lease has not run out. ``body``: JSON."""

    phase: str
    wanted: str
    owner: str
    epoch: int
    is_owned: bool
    body: bytes


async def read(tx: Tx, subject: str, *, locked: bool = False) -> RebuildRow | None:
    """Return a subject's latest rebuild, or None. ``locked``: keep others from changing it before the end."""
    rows = await tx.fetch(
        f"SELECT phase, wanted, owner, epoch, leased_until > {tx.now}, body FROM rebuilds WHERE subject = :subject "
        + (tx.for_update if locked else ""),
        subject=subject,
    )
    if not rows:
        return None
    phase, wanted, owner, epoch, is_owned, body = rows[0]
    return RebuildRow(phase, wanted, owner, int(epoch), bool(is_owned) and bool(owner), bytes(body))


async def insert_missing(tx: Tx, subject: str, phase: str, body: bytes) -> None:
    """Make a subject's row where there is none, so that two who begin meet at it."""
    await tx.execute(
        "INSERT INTO rebuilds (subject, phase, wanted, owner, epoch, leased_until, body) "
        "VALUES (:subject, :phase, '', '', 0, 0, :body) ON CONFLICT (subject) DO NOTHING",
        subject=subject,
        phase=phase,
        body=body,
    )


async def claim(tx: Tx, subject: str, phase: str, body: bytes, owner: str, seconds: float) -> int:
    """Make a process the owner, and return its epoch. After ``read`` with ``locked``."""
    await tx.execute(
        "UPDATE rebuilds SET phase = :phase, body = :body, wanted = '', owner = :owner, epoch = epoch + 1, "
        f"leased_until = {tx.now} + :seconds WHERE subject = :subject",
        phase=phase,
        body=body,
        owner=owner,
        seconds=float(seconds),
        subject=subject,
    )
    rows = await tx.fetch("SELECT epoch FROM rebuilds WHERE subject = :subject", subject=subject)
    return int(rows[0][0])


async def renew(tx: Tx, subject: str, epoch: int, seconds: float) -> str:
    """Renew the owner's lease; return what operators want of it. Raises ``RebuildLost``."""
    changed = await tx.execute(
        f"UPDATE rebuilds SET leased_until = {tx.now} + :seconds WHERE subject = :subject AND epoch = :epoch "
        "AND owner <> ''",
        seconds=float(seconds),
        subject=subject,
        epoch=epoch,
    )
    if not changed:
        raise RebuildLost("another process has taken the rebuild over")
    rows = await tx.fetch("SELECT wanted FROM rebuilds WHERE subject = :subject", subject=subject)
    return str(rows[0][0])


async def save(tx: Tx, subject: str, epoch: int, phase: str, body: bytes, *, ends: bool = False) -> None:
    """Write phase and record. ``ends``: nobody owns it from then on. Raises ``RebuildLost``, also once that was
    done."""
    changed = await tx.execute(
        "UPDATE rebuilds SET phase = :phase, body = :body"
        + (", owner = '', wanted = '', leased_until = 0" if ends else "")
        + " WHERE subject = :subject AND epoch = :epoch AND owner <> ''",
        phase=phase,
        body=body,
        subject=subject,
        epoch=epoch,
    )
    if not changed:
        raise RebuildLost("another process has taken the rebuild over")


async def want(tx: Tx, subject: str, wanted: str) -> None:
    """Ask something of the owner."""
    await tx.execute("UPDATE rebuilds SET wanted = :wanted WHERE subject = :subject", wanted=wanted, subject=subject)


async def note(tx: Tx, subject: str, body: bytes) -> None:
    """Write the record, whoever owns the rebuild. After ``read`` with ``locked``."""
    await tx.execute("UPDATE rebuilds SET body = :body WHERE subject = :subject", body=body, subject=subject)
