"""Issue a continuity token for a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cx_context.store.sql import Tx
from cx_context_api.conversations.threads import Thread
from cx_context_api.conversations.token_check import issued_event
from cx_context_api.decisions import DecisionDraft, DecisionRequest
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import ConversationDecision, Data, Token
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_events.tokens import ISSUED, LINK_PARAMETER, derive_code, sign_token_id, token_id
from cx_runtime.tenants import TenantConfig

_CODES_TRIED = 50


class TokenForRequest(NamedTuple):
    """A token about to be issued, or issued before for the very same request (then ``event`` is that)."""

    code: str
    id: str
    event: Fact | None


async def choose_token(tx: Tx, tenancy: Tenancy, asked: DecisionRequest) -> TokenForRequest:
    """The token of a request: the first code for it that was never issued to anybody else.

    ``Refused("idempotency-key-reused")`` for a key that another request used.
    """
    ids = tenancy.ids
    for attempt in range(_CODES_TRIED):
        code = derive_code(f"{asked.id}\0{attempt}", ids)
        id = token_id(code, ids)
        event = await issued_event(tx, ids, id)
        if event is None:
            return TokenForRequest(code, id, None)
        if event.event.correlationid == asked.id:
            if event.event.data.idempotency_key != asked.digest:
                raise Refused("idempotency-key-reused", f"the key {asked.id!r} was used before, for something else")
            return TokenForRequest(code, id, event)
    raise Refused("no-code-left", "no code was found that was never issued before", 503)


def draft_issue(found: Thread, asked: DecisionRequest, id: str, body: bodies.Continue) -> DecisionDraft:
    data = Data(
        interaction=found.named.interaction,
        conversation=ConversationDecision(id=text_of(found.named.part_id)),
        token=Token(id=id, lifetime_s=body.expires_in, single_use=body.single_use),
        agent=bodies.agent_name(body.agent),
        reason=body.reason,
    )
    return DecisionDraft(ISSUED, found.named.stream_id, data, asked.id, found.until)


def token_forms(code: str, id: str, ids: IdSpace, config: TenantConfig, body: bodies.Continue) -> dict[str, Any]:
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
