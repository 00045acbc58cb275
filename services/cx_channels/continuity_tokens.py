"""Recognise continuity tokens at intake, with limits on how often codes may be tried.

Whether a code was ever issued is not known here, where no store is asked; the facts tell. So whatever looks like a code
counts as a try. Above the limits codes are ignored without an error: the event is accepted as it is, without the token.
"""

from __future__ import annotations

import secrets

from cx_events.continuity_tokens import (
    ISSUED,
    derive_code,
    has_code,
    looks_like_code,
    parse_token_id,
    recognise_tokens,
    token_id,
)
from cx_events.envelope import ConversationDecision, Data, Draft, Participant, Reference, Token
from cx_events.errors import Refused
from cx_events.facts import decision_source
from cx_events.ids import IdSpace, text_of
from cx_events.stamp import StampedEvent, stamp
from cx_events.timestamps import Micros
from cx_events.weights import PROVED
from cx_runtime.attempt_limits import ENTRIES, AttemptLimits, AttemptRates, too_many
from cx_runtime.metrics import Metrics


def new_code(ids: IdSpace) -> str:
    """Return a code at random."""
    return derive_code(secrets.token_hex(16), ids)


def stamp_issue(
    code: str,
    interaction: str,
    participants: list[Participant],
    lifetime_s: int,
    *,
    recorded: Micros,
    ids: IdSpace,
    writer: str,
) -> StampedEvent:
    """Return the event that issues a code for one use, as ``POST /v1/conversations/{id}/continue`` writes it."""
    id = token_id(code, ids)
    data = Data(interaction=interaction, participants=participants, token=Token(id=id, lifetime_s=lifetime_s))

    def stamped() -> StampedEvent:
        draft = Draft(type=ISSUED, id=id, data=data)
        return stamp(draft, source=decision_source(ids.tenant), recorded=recorded, ids=ids, writer=writer)

    stream = bytes.fromhex(stamped().key.decode())
    data.conversation = ConversationDecision(id=text_of(ids.part_id(stream, ids.interaction(interaction))))
    return stamped()


class Tokens:
    """The continuity tokens seen by one process."""

    def __init__(self, metrics: Metrics, allowed: AttemptRates = ENTRIES) -> None:
        self._metrics = metrics
        self._tries = AttemptLimits(allowed)

    def recognised(self, data: Data, ids: IdSpace, way: str, provider: str) -> list[Reference]:
        """Return the references of an event, its tokens replaced by their ids; see ``cx_events.continuity_tokens``.

        ``way``: by which the event came, a connection or ``client``.
        """
        if data.message is None and not data.references and not data.digits:
            return data.references
        if has_code(data):
            may = self._may_try(ids.tenant, way, data.interaction, provider, known=_is_proved(data))
            return recognise_tokens(data, ids, codes=may)
        return recognise_tokens(data, ids, codes=False) if data.references else data.references

    def presented(self, text: str, ids: IdSpace, way: str, interaction: str, *, known: bool = False) -> str:
        """Return the id of a token that a customer presents.

        ``known``: the customer has proved who they are. Raise ``Refused("unknown-token")`` (404) for text that is no
        token or a forged one, ``TooFast`` above the limits.
        """
        if looks_like_code(text):
            wait = self._wait(ids.tenant, way, interaction, known=known)
            if wait:
                raise too_many(wait)
            self._count(ids.tenant, way, interaction, known=known)
        id = parse_token_id(text, ids)
        if id is None:
            raise Refused("unknown-token", "there is no such token", 404)
        return id

    def _may_try(self, tenant: str, way: str, interaction: str, provider: str, *, known: bool) -> bool:
        if self._wait(tenant, way, interaction, known=known):
            self._metrics.refused(provider, "too-many-codes")
            return False
        self._count(tenant, way, interaction, known=known)
        return True

    def _wait(self, tenant: str, way: str, interaction: str, *, known: bool) -> int:
        """Return the seconds to wait. Tries of strangers over the same way do not count for whoever has proved who they
        are."""
        wait = self._tries.wait(tenant, "caller", interaction)
        return wait if known else max(wait, self._tries.wait(tenant, "way", way))

    def _count(self, tenant: str, way: str, interaction: str, *, known: bool) -> None:
        self._tries.count(tenant, "caller", interaction)
        if not known:
            self._tries.count(tenant, "way", way)


def _is_proved(data: Data) -> bool:
    people = (each for each in data.participants if each.role == "customer")
    return any(each.weight == PROVED or each.verified for one in people for each in one.identifiers)
