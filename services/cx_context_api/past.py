"""The context as it was (``as_of``, by when things happened) or as it was known (``known_at``, by when the hub heard).

By the definition itself, over all of the tenant's events up to then: right for every past, merges and attributions of
that time included, and as dear as the history is long. So there is a bound, and one is worked out at a time, in a
thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from cx_context.definition import Whole, define
from cx_context.finish import context_body, encode_body
from cx_context.store import Store, reader
from cx_context_api.contexts import Ambiguous, Served, unknown
from cx_context_api.patience import within
from cx_context_api.targets import ById, ByIdentifier, Target
from cx_context_api.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

MOST_EVENTS = 200_000
_READ_SECONDS = 20.0


class Past:
    """``most_events``: of one tenant, above which its past is not worked out here."""

    def __init__(self, store: Store, *, most_events: int = MOST_EVENTS) -> None:
        self._store = store
        self._most = most_events
        self._one = asyncio.Lock()

    async def read(
        self, tenant: str, tenancy: Tenancy, target: Target, as_of: Micros | None, known_at: Micros | None
    ) -> Served:
        """Version 0: a past has none. ``Refused``: ``unknown-customer`` (404), ``history-too-long`` (422)."""
        async with self._one:
            raws = await within(self._raws(tenant), seconds=_READ_SECONDS)
            if raws is None:
                detail = f"there are more than {self._most} events; as_of and known_at are not worked out for so many"
                raise Refused("history-too-long", detail)
            return await asyncio.to_thread(_work_out, raws, tenancy, target, as_of, known_at)

    async def _raws(self, tenant: str) -> list[bytes] | None:
        async with self._store.reading() as tx:
            return await reader.tenant_raws(tx, tenant, self._most)


def _work_out(
    raws: Sequence[bytes], tenancy: Tenancy, target: Target, as_of: Micros | None, known_at: Micros | None
) -> Served:
    facts = [Fact(decode_leniently(raw)[0], raw, tenancy.ids) for raw in raws]
    then = [
        fact
        for fact in facts
        if (as_of is None or fact.effective <= as_of) and (known_at is None or fact.recorded <= known_at)
    ]
    whole = define(then, tenancy.ids, tenancy.rules)
    customer = _customer(whole, then, tenancy, target)
    if customer is None:
        raise unknown()
    return Served(customer, 0, 0.0, encode_body(context_body(whole.known[customer], tenancy.window)))


def _customer(whole: Whole, facts: Iterable[Fact], tenancy: Tenancy, target: Target) -> NodeId | None:
    if isinstance(target, ById):
        return whole.customer_of.get(target.node)
    if isinstance(target, ByIdentifier):
        profile = next((id for id in target.profiles if id in whole.customer_of), None)
        if profile in whole.resolution.shared:
            raise Ambiguous(target)
        return whole.customer_of[profile] if profile is not None else None
    node = tenancy.ids.interaction(target.interaction)
    homes = {fact.home for fact in facts if fact.interaction == node}
    whose = {whole.customer_of[home] for home in homes if home in whole.customer_of}
    several = whose - {node} or whose
    shared = whole.resolution.shared
    nobody = {customer for customer in several & shared if len(whole.known[customer].members) == 1}
    if len(several - nobody) == 1:
        return (several - nobody).pop()
    if len(several) == 1:
        raise Ambiguous(target, identifier=several.pop())
    if several:
        raise Ambiguous(target, tuple(sorted(several - nobody or several)))
    return None
