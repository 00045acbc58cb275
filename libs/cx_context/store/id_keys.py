"""Hold each tenant's ``id_key`` against the one under which the store was filled (the table ``id_keys``).

All ids derive from it. Under another one a hub starts, is ready, and finds nobody of those whom it knew; what it writes
then is mixed with what was there. So every process compares before it works with the store.

A digest binds once the tenant has an event in the store: before that, a key that was set by mistake can be changed.
Where a store was filled before digests were noted, a profile is derived again.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store.port import Store
from cx_context.store.sql import Tx
from cx_events.errors import Fatal
from cx_events.ids import IdSpace


async def hold_id_keys(store: Store, spaces: Mapping[str, IdSpace]) -> None:
    """Compare, and note the digest of each tenant that has none yet. Raises what ``check_id_keys`` does."""
    async with store.reading() as tx:
        missing = await _unnoted(tx, spaces)
    if not missing:
        return
    async with store.writing() as tx:
        for tenant, (ids, old) in sorted(missing.items()):
            await tx.execute(
                f"INSERT INTO id_keys (tenant, digest, since) VALUES (:tenant, :digest, {tx.now}) "
                "ON CONFLICT (tenant) DO UPDATE SET digest = excluded.digest, since = excluded.since "
                "WHERE id_keys.digest = :old",
                tenant=tenant,
                digest=ids.key_digest(),
                old=old,
            )
    async with store.reading() as tx:
        noted = await _noted(tx)
    for tenant, (ids, _) in sorted(missing.items()):
        if noted.get(tenant) != ids.key_digest():
            raise _other_key(tenant)  # another process noted another key just now


async def check_id_keys(store: Store, spaces: Mapping[str, IdSpace]) -> bool:
    """Compare, and return whether every tenant's digest is noted.

    Raises ``Fatal`` where a tenant's ``id_key`` is not the one that its events in the store have; ``TryLater``.
    """
    async with store.reading() as tx:
        return not await _unnoted(tx, spaces)


async def _unnoted(tx: Tx, spaces: Mapping[str, IdSpace]) -> Mapping[str, tuple[IdSpace, str]]:
    """Return the tenants whose digest is to be noted, with the one that it takes the place of, "" for none."""
    noted = await _noted(tx)
    missing: dict[str, tuple[IdSpace, str]] = {}
    for tenant, ids in sorted(spaces.items()):
        known = noted.get(tenant, "")
        if known == ids.key_digest():
            continue
        if await _has_events(tx, tenant) if known else not await _derives(tx, ids):
            raise _other_key(tenant)
        missing[tenant] = ids, known
    return missing


async def _noted(tx: Tx) -> Mapping[str, str]:
    return {row[0]: row[1] for row in await tx.fetch("SELECT tenant, digest FROM id_keys")}


async def _has_events(tx: Tx, tenant: str) -> bool:
    return bool(await tx.fetch("SELECT 1 FROM events WHERE tenant = :tenant LIMIT 1", tenant=tenant))


async def _derives(tx: Tx, ids: IdSpace) -> bool:
    """Return whether a stored profile of the tenant, if there is any, has the id that follows from its identifier."""
    rows = await tx.fetch(
        "SELECT id, kind, scope, value FROM profiles WHERE tenant = :tenant LIMIT 1", tenant=ids.tenant
    )
    return all(bytes(id) == ids.profile(kind, scope, value) for id, kind, scope, value in rows)


def _other_key(tenant: str) -> Fatal:
    return Fatal(
        f"the store was filled under another id_key of the tenant {tenant!r} than tenants.{tenant}.id_key, and all ids "
        f"derive from it: nobody would be found. Set tenants.{tenant}.id_key to the one that it had or, where the "
        f"configuration named none, bring its file CX_HOME/id-key-{tenant}. To begin anew under this one, name an "
        "empty log and an empty store (CX_LOG_URL, CX_STORE_URL)"
    )
