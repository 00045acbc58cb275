"""Check a continuity token that a contact presents, and plan what its use decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cx_context.store import assignments
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_interaction
from cx_context.store.events import read_event
from cx_context.store.graph import read_profiles
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.members import customers_of
from cx_context.store.parts import streams_of
from cx_context.store.sql import Tx
from cx_context_api.conversations.conversation_lookup import Thread, find_thread
from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.continuity_tokens import (
    ISSUED,
    KIND,
    REDEEMED,
    looks_like_code,
    parse_token_id,
)
from cx_events.envelope import ConversationDecision, Data, IdentityDecision, Reference
from cx_events.errors import Refused
from cx_events.facts import Fact, decision_source
from cx_events.ids import IdSpace, NodeId, event_key, parse_node_id, text_of
from cx_events.timestamps import Micros
from cx_identity.decisions import ATTRIBUTED


async def read_issued_event(tx: Tx, ids: IdSpace, id: str) -> Fact | None:
    """Return the applied event that issued a token, None if there is none."""
    stored = await read_event(tx, ids.tenant, event_key(ids.tenant, decision_source(ids.tenant), id))
    if stored is None:
        return None
    fact = Fact(decode_leniently(stored.raw)[0], stored.raw, ids)
    data = fact.event.data
    usable = fact.event.type == ISSUED and data.token is not None and data.conversation is not None
    return fact if usable else None


class TokenUse(NamedTuple):
    """A valid token: its conversation, and the events of its use. ``at``: the time of the use in µs."""

    id: str
    thread: Thread
    drafts: list[DecisionDraft]
    at: Micros


def read_token(body: bodies.Redeem, ids: IdSpace) -> str:
    """Return the id of a token in any form. Raises ``Refused("unknown-token", 404)`` if it is none, or forged."""
    id = parse_token_id(body.token, ids)
    if id is None:
        raise unknown_token()
    return id


def is_guessable(body: bodies.Redeem) -> bool:
    """Return whether the token could be guessed: a code can, the signed forms can't."""
    return looks_like_code(body.token)


def unknown_token() -> Refused:
    """Return the refusal of a token that was never issued."""
    return Refused("unknown-token", "There is no such token.", 404)


DecisionTime = Callable[[Micros], Micros]
"""Returns the time in µs of a decision about something that happened before (``Decisions.next_time``)."""


async def check_token(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, body: bodies.Redeem, now: Micros, moment: DecisionTime
) -> TokenUse:
    """Check a token and plan its use.

    Raises ``Refused``: ``unknown-token`` (404), ``token-expired`` (410), ``token-used``, ``other-customer``,
    ``nobody-named`` (409), ``same-interaction`` (422).

    The use is stamped later than all that is known of both contacts, so that it belongs to the contact that presents
    the token and not to an earlier one of the same interaction, even if this machine's clock is behind.
    """
    event = await read_issued_event(tx, tenancy.ids, id)
    if event is None:
        raise unknown_token()
    thread = await find_thread(tx, tenant, tenancy, _part_id(event))
    issued = next((each for each in thread.conversation.tokens if each.token.id == id), None)
    if issued is None or now > issued.token.expires:
        raise Refused("token-expired", "This token has expired.", 410)
    until = max(thread.until, await _until(tx, tenant, tenancy.ids.interaction(body.interaction)))
    at = min(moment(until), issued.token.expires)
    if event.event.data.interaction == body.interaction and thread.is_latest:
        raise Refused("same-interaction", "The token was issued in this interaction.")
    for use, user in zip(issued.token.uses, issued.users, strict=True):
        if issued.token.single_use and use.refused is None and user != body.interaction:
            raise Refused("token-used", "This token was used before by another contact.", 409)
    presenter = await find_interaction(CurrentGraph(tx, tenant), tenancy.ids.interaction(body.interaction))
    stream_id, also = await _place_use(tx, tenant, tenancy, thread, presenter, body.interaction)
    data = Data(
        interaction=body.interaction,
        references=[Reference(kind=KIND, value=id)],
        conversation=ConversationDecision(id=text_of(_part_id(event))),
        agent=bodies.agent_name(body.agent),
    )
    return TokenUse(id, thread, [*also, DecisionDraft(REDEEMED, stream_id, data)], at)


async def _until(tx: Tx, tenant: str, node: NodeId) -> Micros:
    """Return the time in µs of the interaction's latest event, 0 if it is unknown yet."""
    sides = (await assignments.owners_of(tx, tenant, [node])).get(node, {})
    return max((piece.part.until for side in sides.values() for piece in side), default=0)


async def find_thread_again(tx: Tx, tenant: str, tenancy: Tenancy, id: str) -> Thread:
    """Return the conversation of a token that the same request presented before."""
    event = await read_issued_event(tx, tenancy.ids, id)
    if event is None:
        raise unknown_token()
    return await find_thread(tx, tenant, tenancy, _part_id(event))


def _part_id(issued: Fact) -> NodeId:
    conversation = issued.event.data.conversation
    assert conversation is not None
    return parse_node_id(conversation.id)


async def _place_use(
    tx: Tx, tenant: str, tenancy: Tenancy, thread: Thread, presenter: CustomerMatch | None, interaction: str
) -> tuple[NodeId, list[DecisionDraft]]:
    """Return the stream of the use, and what else must be decided.

    A contact that names nobody follows the token's customer: the use is put in a stream of that customer's profile. A
    conversation that names nobody goes to the customer who presents its token. Two people are never joined.
    """
    node = tenancy.ids.interaction(interaction)
    known = await _profiles_in(tx, tenant, node)
    theirs = thread.customer
    candidates = (
        set() if presenter is None else set(presenter.candidates) if presenter.ambiguous else {presenter.customer}
    )
    named = await read_profiles(tx, tenant, [theirs])
    if not named:
        if not known:
            raise Refused("nobody-named", "Neither contact names anybody; identify the customer first.", 409)
        if presenter is None or presenter.ambiguous:
            raise Refused("other-customer", "Several people take part in that contact.", 409)
        profile = min(stream_id for stream_id, customer in known.items() if customer == presenter.customer)
        said = IdentityDecision(interaction=thread.named.interaction, profile=text_of(profile))
        reason = "the customer presented a token of this conversation"
        return profile, [DecisionDraft(ATTRIBUTED, tenancy.ids.tenant_node(), Data(identity=said, reason=reason))]
    if (known or candidates - {node}) and theirs not in candidates:
        raise Refused("other-customer", "This token is another customer's.", 409)
    own = sorted(stream_id for stream_id, customer in known.items() if customer == theirs)
    if own:
        return own[0], []
    at_home = await read_profiles(tx, tenant, [thread.named.stream_id])
    return (thread.named.stream_id if at_home else theirs), []


async def _profiles_in(tx: Tx, tenant: str, node: NodeId) -> dict[NodeId, NodeId]:
    """Return the profiles that an interaction's events name, each with its customer."""
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set()) - {node}
    return dict(await customers_of(tx, tenant, stream_ids)) if stream_ids else {}
