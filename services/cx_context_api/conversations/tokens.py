"""Continuity tokens over the API: one is issued for a conversation, and presented for a contact elsewhere.

The issuing event's id is the token's id, so that presenting one looks a single event up; its code derives from the
request's own id, so that asking again with the same ``Idempotency-Key`` gives the same code though nothing holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cx_context.store import assignments
from cx_context.store.events import read_event
from cx_context.store.finding import CustomerMatch, find_interaction
from cx_context.store.graph import read_profiles
from cx_context.store.members import customers_of
from cx_context.store.parts import streams_of
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context_api.conversations.histories import Thread, find_thread
from cx_context_api.decisions import Asking, Choice
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import ConversationDecision, Data, IdentityDecision, Named, Reference, Token
from cx_events.errors import Refused
from cx_events.facts import Fact, decision_source
from cx_events.ids import IdSpace, NodeId, event_key, parse_node_id, text_of
from cx_events.timestamps import Micros
from cx_events.tokens import (
    ISSUED,
    KIND,
    LINK_PARAMETER,
    REDEEMED,
    derive_code,
    looks_like_code,
    parse_token_id,
    sign_token_id,
    token_id,
)
from cx_identity.decisions import ATTRIBUTED
from cx_runtime.tenants import TenantConfig

_CODES_TRIED = 50


class Nominated(NamedTuple):
    """A token about to be issued, or issued before for the very same request (then ``event`` is that)."""

    code: str
    id: str
    event: Fact | None


async def name_token(tx: Tx, tenancy: Tenancy, asked: Asking) -> Nominated:
    """The token of a request: the first code for it that was never issued to anybody else.

    ``Refused("idempotency-key-reused")`` for a key that another request used.
    """
    ids = tenancy.ids
    for attempt in range(_CODES_TRIED):
        code = derive_code(f"{asked.id}\0{attempt}", ids)
        id = token_id(code, ids)
        event = await issued_event(tx, ids, id)
        if event is None:
            return Nominated(code, id, None)
        if event.event.correlationid == asked.id:
            if event.event.data.idempotency_key != asked.digest:
                raise Refused("idempotency-key-reused", f"the key {asked.id!r} was used before, for something else")
            return Nominated(code, id, event)
    raise Refused("no-code-left", "no code was found that was never issued before", 503)


async def issued_event(tx: Tx, ids: IdSpace, id: str) -> Fact | None:
    """The event that issued a token; None where none is applied."""
    stored = await read_event(tx, ids.tenant, event_key(ids.tenant, decision_source(ids.tenant), id))
    if stored is None:
        return None
    fact = Fact(decode_leniently(stored.raw)[0], stored.raw, ids)
    data = fact.event.data
    usable = fact.event.type == ISSUED and data.token is not None and data.conversation is not None
    return fact if usable else None


def issuing(found: Thread, asked: Asking, id: str, body: bodies.Continue) -> Choice:
    data = Data(
        interaction=found.named.interaction,
        conversation=ConversationDecision(id=text_of(found.named.part_id)),
        token=Token(id=id, lifetime_s=body.expires_in, single_use=body.single_use),
        agent=Named(id=body.agent.id, name=body.agent.name) if body.agent is not None else None,
        reason=body.reason,
    )
    return Choice(ISSUED, found.named.stream_id, data, asked.id, found.until)


def forms(code: str, id: str, ids: IdSpace, config: TenantConfig, body: bodies.Continue) -> dict[str, Any]:
    """The same token as it is spoken or keyed, answered to by mail, and followed as a link.

    ``Refused("unknown-connection")`` for a connection that is no mail account with an address of its own.
    """
    letters = sign_token_id(id, ids)
    mail = _mail_addresses(config)
    if body.connection and body.connection not in mail:
        raise Refused("unknown-connection", f"{body.connection!r} is no mail account that has an address")
    address = mail[body.connection] if body.connection else next(iter(mail.values()), "")
    page = body.page or _chat_page(config)
    link = f"{page}{'&' if '?' in page else '?'}{urlencode({LINK_PARAMETER: letters})}" if page else None
    return {
        "token": id,
        "code": code,
        "spoken": f"{code[:4]} {code[4:]}",
        "reply_to": _plus(address, letters) if address else None,
        "link": link,
        "link_token": letters,
    }


def _mail_addresses(config: TenantConfig) -> Mapping[str, str]:
    """Of each mail account the address that mails to it may be sent to."""
    found = {}
    for name, connection in config.connections.items():
        if connection.provider.startswith("email/"):
            addresses = [each for each in connection.settings.get("addresses", ()) if isinstance(each, str)]
            domains = [each for each in connection.settings.get("domains", ()) if isinstance(each, str)]
            if addresses:
                found[name] = addresses[0]
            elif domains:
                found[name] = f"{LINK_PARAMETER}@{domains[0].removeprefix('@')}"
    return found


def _chat_page(config: TenantConfig) -> str:
    pages = (each.settings.get("page") for each in config.connections.values() if each.provider == "chat/webchat")
    return next((page for page in pages if isinstance(page, str) and page), "")


def _plus(address: str, letters: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}+{letters}@{domain}"


class Presented(NamedTuple):
    """A token that counts now, its conversation, and the events that presenting it comes to. ``at``: when, in µs."""

    id: str
    found: Thread
    choices: list[Choice]
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


class Caller(NamedTuple):
    """Who presents a code: the one customer that their contact names, None where it names nobody or several;
    ``proved``: in this very contact somebody proved to be them."""

    customer: NodeId | None
    proved: bool = False


NOBODY = Caller(None)


async def caller_of(tx: Tx, tenant: str, tenancy: Tenancy, interaction: str) -> Caller:
    found = await find_interaction(tx, tenant, tenancy.ids, interaction)
    if found is None or found.ambiguous or not await read_profiles(tx, tenant, [found.customer]):
        return NOBODY
    node = tenancy.ids.interaction(interaction)
    sides = (await assignments.owners_of(tx, tenant, [node])).get(node, {})
    parts = [piece for side in sides.values() for piece in side]
    contacts = contacts_of(parts, tenancy.window)  # of an endless thread the latest stretch is the one that calls now
    return Caller(found.customer, any(piece.part.proofs for piece in (contacts[-1].pieces if contacts else parts)))


def unknown_token() -> Refused:
    return Refused("unknown-token", "there is no such token", 404)


Moment = Callable[[Micros], Micros]
"""Of what happened before (``Decisions.moment``) when a decision is taken, in µs."""


async def present(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, body: bodies.Redeem, now: Micros, moment: Moment
) -> Presented:
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
    whose = await find_interaction(tx, tenant, tenancy.ids, body.interaction)
    stream_id, also = await _placed(tx, tenant, tenancy, found, whose, body.interaction)
    said = Data(
        interaction=body.interaction,
        references=[Reference(kind=KIND, value=id)],
        conversation=ConversationDecision(id=text_of(_part_id(event))),
        agent=Named(id=body.agent.id, name=body.agent.name) if body.agent is not None else None,
    )
    return Presented(id, found, [*also, Choice(REDEEMED, stream_id, said)], at)


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
    tx: Tx, tenant: str, tenancy: Tenancy, found: Thread, whose: CustomerMatch | None, interaction: str
) -> tuple[NodeId, list[Choice]]:
    """Where the use lies, and what else must be decided.

    A contact that names nobody follows the customer of the token: the use lies with a profile of theirs, which names
    them in that contact. A conversation that names nobody goes to the customer who presents its token. Two people are
    never made one.
    """
    node = tenancy.ids.interaction(interaction)
    known = await _profiles_in(tx, tenant, node)
    theirs = found.customer
    candidates = set() if whose is None else set(whose.candidates) if whose.ambiguous else {whose.customer}
    named = await read_profiles(tx, tenant, [theirs])
    if not named:
        if not known:
            raise Refused("nobody-named", "neither contact names anybody; say first who it is", 409)
        if whose is None or whose.ambiguous:
            raise Refused("other-customer", "several people take part in that contact", 409)
        profile = min(stream_id for stream_id, customer in known.items() if customer == whose.customer)
        said = IdentityDecision(interaction=found.named.interaction, profile=text_of(profile))
        reason = "the customer presented a token of this conversation"
        return profile, [Choice(ATTRIBUTED, tenancy.ids.tenant_node(), Data(identity=said, reason=reason))]
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
