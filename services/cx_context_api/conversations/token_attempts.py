"""Limit how often a code may be guessed."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store import assignments
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.finding import find_interaction
from cx_context.store.graph import read_profiles
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_runtime.attempt_limits import AttemptLimits, too_many

WRONG_CODE_REASONS = frozenset({"unknown-token", "token-expired", "token-used", "other-customer"})


class ContactIdentity(NamedTuple):
    """Who presents a code: the one customer that their contact names, None where it names nobody or several;
    ``proved``: in this very contact somebody proved to be them."""

    customer: NodeId | None
    proved: bool = False


NOBODY = ContactIdentity(None)


async def read_contact_identity(tx: Tx, tenant: str, tenancy: Tenancy, interaction: str) -> ContactIdentity:
    found = await find_interaction(CurrentGraph(tx, tenant), tenancy.ids.interaction(interaction))
    if found is None or found.ambiguous or not await read_profiles(tx, tenant, [found.customer]):
        return NOBODY
    node = tenancy.ids.interaction(interaction)
    sides = (await assignments.owners_of(tx, tenant, [node])).get(node, {})
    parts = [piece for side in sides.values() for piece in side]
    contacts = contacts_of(parts, tenancy.window)  # of an endless thread the latest stretch is the one that calls now
    return ContactIdentity(
        found.customer, any(piece.part.proofs for piece in (contacts[-1].pieces if contacts else parts))
    )


class GuessLimit:
    """One code that is presented, and what it counts for.

    Once strangers have been wrong too often over this way, a code is still looked at for a caller who is known, and
    good only for a conversation of that very customer; anybody else is told the same whether the code is right or not.
    """

    def __init__(self, tries: AttemptLimits, tenant: str, way: str, caller: str) -> None:
        self._tries = tries
        self._tenant = tenant
        self._way = way
        self._caller = caller
        self._as = NOBODY
        self._closed = tries.wait(tenant, "way", way)

    def ask(self) -> None:
        self._refuse_for(self._tries.wait(self._tenant, "caller", self._caller))

    def made_by(self, caller: ContactIdentity) -> None:
        """Before the code is looked at."""
        self._as = caller
        if caller.customer is None:
            self._refuse_for(self._closed)
        elif not caller.proved:
            self._refuse_for(self._tries.wait(self._tenant, "customer", text_of(caller.customer)))

    def hit(self, customer: NodeId) -> None:
        if self._closed and customer != self._as.customer:
            self._count()
            self._refuse_for(self._closed)

    def missed(self, refused: Refused) -> Refused:
        """Counted; and what is said."""
        self._count()
        return too_many(self._closed) if self._closed else refused

    def _count(self) -> None:
        self._tries.count(self._tenant, "caller", self._caller)
        if self._as.proved:
            return
        self._tries.count(self._tenant, "way", self._way)
        if self._as.customer is not None:
            self._tries.count(self._tenant, "customer", text_of(self._as.customer))

    @staticmethod
    def _refuse_for(wait: int) -> None:
        if wait:
            raise too_many(wait)
