"""Limit how often a code may be guessed."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store import assignments
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_interaction
from cx_context.store.graph import read_profiles
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_runtime.attempt_limits import AttemptLimits, too_many

WRONG_CODE_REASONS = frozenset({"unknown-token", "token-expired", "token-used", "other-customer"})


class ContactIdentity(NamedTuple):
    """The one who presents a code: the one customer that the contact names, None if it names nobody or several.

    ``proved``: the contact holds a proof of who they are.
    """

    customer: NodeId | None
    proved: bool = False


NOBODY = ContactIdentity(None)


async def read_contact_identity(tx: Tx, tenant: str, tenancy: Tenancy, interaction: str) -> ContactIdentity:
    """Return who takes part in a contact."""
    found = await find_interaction(CurrentGraph(tx, tenant), tenancy.ids.interaction(interaction))
    if found is None or found.ambiguous or not await read_profiles(tx, tenant, [found.customer]):
        return NOBODY
    node = tenancy.ids.interaction(interaction)
    sides = (await assignments.owners_of(tx, tenant, [node])).get(node, {})
    parts = [piece for side in sides.values() for piece in side]
    contacts = contacts_of(parts, tenancy.window)  # of an endless interaction the latest contact is the current one
    return ContactIdentity(
        found.customer, any(piece.part.proofs for piece in (contacts[-1].pieces if contacts else parts))
    )


class GuessLimit:
    """Limits one presented code by how often codes were wrong before.

    Wrong codes count for the API key (``way``), the contact (``caller``) and its customer. Once strangers have been
    wrong too often with a key, a code is checked only for a known customer, and is valid only for that customer's
    conversations. Anybody else gets the same refusal whether the code is right or wrong.
    """

    def __init__(self, attempts: AttemptLimits, tenant: str, way: str, caller: str) -> None:
        self._attempts = attempts
        self._tenant = tenant
        self._way = way
        self._caller = caller
        self._identity = NOBODY
        self._lockout = attempts.wait(tenant, "way", way)

    def check_contact(self) -> None:
        """Raise ``Refused`` (429) if the contact was wrong too often."""
        self._refuse_for(self._attempts.wait(self._tenant, "caller", self._caller))

    def check_identity(self, caller: ContactIdentity) -> None:
        """Raise ``Refused`` (429) if the customer was wrong too often, or if strangers are locked out. Call first."""
        self._identity = caller
        if caller.customer is None:
            self._refuse_for(self._lockout)
        elif not caller.proved:
            self._refuse_for(self._attempts.wait(self._tenant, "customer", text_of(caller.customer)))

    def check_match(self, customer: NodeId) -> None:
        """Raise ``Refused`` (429) if strangers are locked out and the token is another customer's."""
        if self._lockout and customer != self._identity.customer:
            self._count()
            self._refuse_for(self._lockout)

    def count_wrong(self, refused: Refused) -> Refused:
        """Count a wrong code, and return the refusal to answer with."""
        self._count()
        return too_many(self._lockout) if self._lockout else refused

    def _count(self) -> None:
        self._attempts.count(self._tenant, "caller", self._caller)
        if self._identity.proved:
            return
        self._attempts.count(self._tenant, "way", self._way)
        if self._identity.customer is not None:
            self._attempts.count(self._tenant, "customer", text_of(self._identity.customer))

    @staticmethod
    def _refuse_for(wait: int) -> None:
        if wait:
            raise too_many(wait)
