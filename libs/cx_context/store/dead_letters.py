"""What lies in the dead letters, for the people who repair."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.store.sql import Tx
from cx_events.dead_letters import DeadLetter, decode_dead_letter


async def listed(tx: Tx, *, tenant: str = "", reason: str = "", most: int = 100) -> Sequence[DeadLetter]:
    """The latest ``most`` dead letters, newest first, of one tenant and with one reason where given."""
    wanted = {name: value for name, value in (("tenant", tenant), ("reason", reason)) if value}
    where = " AND ".join(f"{name} = :{name}" for name in wanted) or "1 = 1"
    rows = await tx.fetch(
        f"SELECT body FROM dead_letters WHERE {where} ORDER BY recorded DESC, source, id, stage LIMIT {int(most)}",
        **wanted,
    )
    return [decode_dead_letter(bytes(body)) for (body,) in rows]


async def found(tx: Tx, id: str) -> Sequence[DeadLetter]:
    """Every dead letter with this id, of whatever source and stage."""
    rows = await tx.fetch("SELECT body FROM dead_letters WHERE id = :id ORDER BY tenant, source, stage", id=id)
    return [decode_dead_letter(bytes(body)) for (body,) in rows]
