"""Continuity tokens over the API: one is issued for a conversation, and presented for a contact elsewhere.

The issuing event's id is the token's id, so that presenting one looks a single event up; its code derives from the
request's own id, so that asking again with the same ``Idempotency-Key`` gives the same code though nothing holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cx_context.store import assignments
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.events import read_event
from cx_context.store.finding import find_interaction
from cx_context.store.graph import read_profiles
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.members import customers_of
from cx_context.store.parts import streams_of
from cx_context.store.sql import Tx
from cx_context_api.conversations.threads import Thread, find_thread
from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import ConversationDecision, Data, IdentityDecision, Reference
from cx_events.errors import Refused
from cx_events.facts import Fact, decision_source
from cx_events.ids import IdSpace, NodeId, event_key, parse_node_id, text_of
from cx_events.timestamps import Micros
from cx_events.tokens import (
    ISSUED,
    KIND,
    REDEEMED,
    looks_like_code,
    parse_token_id,
)
from cx_identity.decisions import ATTRIBUTED


async def issued_event(tx: Tx, ids: IdSpace, id: str) -> Fact | None:
    """The event that issued a token; None where none is applied."""
    stored = await read_event(tx, ids.tenant, event_key(ids.tenant, decision_source(ids.tenant), id))
    if stored is None:
        return None
    fact = Fact(decode_leniently(stored.raw)[0], stored.raw, ids)
    data = fact.event.data
    usable = fact.event.type == ISSUED and data.token is not None and data.conversation is not None
    return fact if usable else None


class TokenUse(NamedTuple):
    """A token that counts now, its conversation, and the events that presenting it comes to. ``at``: when, in µs."""

    id: str
    found: Thread
    choices: list[DecisionDraft]
    at: Micros


def read_token(body: bodies.Redeem, ids: IdSpace) -> str:
    """``Refused("unknown-token", 404)`` for what is no token, or a forged one."""
    id = parse_token_id(body.token, ids)
    if id is None:
        raise unknown_token()
    return id


def guessable(body: bodies.Redeem) -> bool:
    """A code may be guessed; the signed forms can't be."""
    return looks_like_code(body.token)


def unknown_token() -> Refused:
    return Refused("unknown-token", "there is no such token", 404)


DecisionTime = Callable[[Micros], Micros]
"""Of what happened before (``Decisions.moment``) when a decision is taken, in µs."""


async def present(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, body: bodies.Redeem, now: Micros, moment: DecisionTime
) -> TokenUse:
    """What presenting a token comes to. ``Refused``: ``unknown-token`` (404), ``token-expired`` (410), ``token-used``,
    ``other-customer``, ``nobody-named`` (409), ``same-interaction`` (422).

    A use in time is later than what is known of both contacts: it lies in the stretch that presents the token, not in
    an earlier one, though this machine's clock may be behind."""
    event = await issued_event(tx, tenancy.ids, id)
    if event is None:
        raise unknown_token()
    found = await find_thread(tx, tenant, tenancy, _part_id(event))
    issued = next((each for each in found.conversation.tokens if each.token.id == id), None)
    if issued is None or now > issued.token.expires:
        raise Refused("token-expired", "this token has expired", 410)
    until = max(found.until, await _until(tx, tenant, tenancy.ids.interaction(body.interaction)))
    at = min(moment(until), issued.token.expires)
    if event.event.data.interaction == body.interaction and found.is_latest:
        raise Refused("same-interaction", "the token was issued in this very interaction")
    for use, user in zip(issued.token.uses, issued.users, strict=True):
        if issued.token.single_use and use.refused is None and user != body.interaction:
            raise Refused("token-used", "this token was used before, by another contact", 409)
    presenter = await find_interaction(CurrentGraph(tx, tenant), tenancy.ids.interaction(body.interaction))
    stream_id, also = await _placed(tx, tenant, tenancy, found, presenter, body.interaction)
    said = Data(
        interaction=body.interaction,
        references=[Reference(kind=KIND, value=id)],
        conversation=ConversationDecision(id=text_of(_part_id(event))),
        agent=bodies.agent_name(body.agent),
    )
    return TokenUse(id, found, [*also, DecisionDraft(REDEEMED, stream_id, said)], at)


async def _until(tx: Tx, tenant: str, node: NodeId) -> Micros:
    """When the latest happened of an interaction; 0 where it is not known yet."""
    sides = (await assignments.owners_of(tx, tenant, [node])).get(node, {})
    return max((piece.part.until for side in sides.values() for piece in side), default=0)


async def shown_again(tx: Tx, tenant: str, tenancy: Tenancy, id: str) -> Thread:
    """The conversation of a token that was presented before, for a request that is asked again."""
    event = await issued_event(tx, tenancy.ids, id)
    if event is None:
        raise unknown_token()
    return await find_thread(tx, tenant, tenancy, _part_id(event))


def _part_id(issued: Fact) -> NodeId:
    conversation = issued.event.data.conversation
    assert conversation is not None
    return parse_node_id(conversation.id)


async def _placed(
    tx: Tx, tenant: str, tenancy: Tenancy, found: Thread, presenter: CustomerMatch | None, interaction: str
) -> tuple[NodeId, list[DecisionDraft]]:
    """Where the use lies, and what else must be decided.

    A contact that names nobody follows the customer of the token: the use lies with a profile of theirs, which names
    them in that contact. A conversation that names nobody goes to the customer who presents its token. Two people are
    never made one.
    """
    node = tenancy.ids.interaction(interaction)
    known = await _profiles_in(tx, tenant, node)
    theirs = found.customer
    candidates = (
        set() if presenter is None else set(presenter.candidates) if presenter.ambiguous else {presenter.customer}
    )
    named = await read_profiles(tx, tenant, [theirs])
    if not named:
        if not known:
            raise Refused("nobody-named", "neither contact names anybody; say first who it is", 409)
        if presenter is None or presenter.ambiguous:
            raise Refused("other-customer", "several people take part in that contact", 409)
        profile = min(stream_id for stream_id, customer in known.items() if customer == presenter.customer)
        said = IdentityDecision(interaction=found.named.interaction, profile=text_of(profile))
        reason = "the customer presented a token of this conversation"
        return profile, [DecisionDraft(ATTRIBUTED, tenancy.ids.tenant_node(), Data(identity=said, reason=reason))]
    if (known or candidates - {node}) and theirs not in candidates:
        raise Refused("other-customer", "this token is another customer's", 409)
    own = sorted(stream_id for stream_id, customer in known.items() if customer == theirs)
    if own:
        return own[0], []
    at_home = await read_profiles(tx, tenant, [found.named.stream_id])
    return (found.named.stream_id if at_home else theirs), []


async def _profiles_in(tx: Tx, tenant: str, node: NodeId) -> dict[NodeId, NodeId]:
    """The profiles that an interaction's events name, each with its customer."""
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set()) - {node}
    return dict(await customers_of(tx, tenant, stream_ids)) if stream_ids else {}
