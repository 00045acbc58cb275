"""Issue a continuity token for a conversation.

The id of the issuing event is the token's id, so that a check looks up a single event. The code derives from the
request's own id: repeating the request gives the same code, though nothing stores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cx_context.store.sql import Tx
from cx_context_api.conversations.continuity_token_check import read_issued_event
from cx_context_api.conversations.conversation_lookup import Thread
from cx_context_api.decisions import DecisionDraft, DecisionRequest
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.continuity_tokens import ISSUED, LINK_PARAMETER, derive_code, sign_token_id, token_id
from cx_events.envelope import ConversationDecision, Data, Token
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_runtime.tenants import TenantConfig

_CODES_TRIED = 50


class TokenForRequest(NamedTuple):
    """A token to issue, or one that was issued for the same request before (``event``)."""

    code: str
    id: str
    event: Fact | None


async def choose_token(tx: Tx, tenancy: Tenancy, request: DecisionRequest) -> TokenForRequest:
    """Return the token of a request: its first code that was never issued to another request.

    Raises ``Refused``: ``idempotency-key-reused``, ``no-code-left`` (503).
    """
    ids = tenancy.ids
    for attempt in range(_CODES_TRIED):
        code = derive_code(f"{request.id}\0{attempt}", ids)
        id = token_id(code, ids)
        event = await read_issued_event(tx, ids, id)
        if event is None:
            return TokenForRequest(code, id, None)
        if event.event.correlationid == request.id:
            if event.event.data.idempotency_key != request.digest:
                raise Refused("idempotency-key-reused", f"The key {request.id!r} was used before for another request.")
            return TokenForRequest(code, id, event)
    raise Refused("no-code-left", "No unused code was found; try again.", 503)


def draft_issue(thread: Thread, request: DecisionRequest, id: str, body: bodies.Continue) -> DecisionDraft:
    """Return the event that issues a token."""
    data = Data(
        interaction=thread.named.interaction,
        conversation=ConversationDecision(id=text_of(thread.named.part_id)),
        token=Token(id=id, lifetime_s=body.expires_in, single_use=body.single_use),
        agent=bodies.agent_name(body.agent),
        reason=body.reason,
    )
    return DecisionDraft(ISSUED, thread.named.stream_id, data, request.id, thread.until)


def token_forms(code: str, id: str, ids: IdSpace, config: TenantConfig, body: bodies.Continue) -> dict[str, Any]:
    """Return the forms of a token: the code to speak or key, the reply-to address, the link.

    Raises ``Refused("unknown-connection")`` if the body's connection is no mail account with an address.
    """
    letters = sign_token_id(id, ids)
    mail = _mail_addresses(config)
    if body.connection and body.connection not in mail:
        raise Refused("unknown-connection", f"{body.connection!r} is no mail account with an address.")
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
    """Return an address of each mail account."""
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
