"""Offer the tools that read."""

from __future__ import annotations

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_mcp import arguments, search
from cx_mcp.answers import ToolAnswer, lines_answer, refusal
from cx_mcp.hub_api import HubAnswer, HubApi
from cx_mcp.plain_words import context_lines, conversation_lines, customer_lines, entry_line, packet_lines


async def find_customer(api: HubApi, asked: arguments.FindCustomer) -> ToolAnswer:
    """Return who an identifier belongs to."""
    answer = await api.post("/v1/context/lookup", {"identifier": asked.identifier, "scope": asked.scope})
    if not answer.ok:
        return refusal(answer)
    body = answer.body["body"]
    found = [each["id"] for each in body["conversations"]]
    lines = [*customer_lines(body["customer"]), f"Conversations: {len(found)}, open first."]
    return lines_answer(lines, {"customer": body["customer"]["id"], "conversations": found})


async def read_context(api: HubApi, asked: arguments.ReadContext) -> ToolAnswer:
    """Return the context of a contact's customer, or of a customer."""
    if not asked.interaction and not asked.customer:
        raise Refused("bad-arguments", "Give interaction or customer.")
    if asked.customer:
        path = f"/v1/customers/{_id(asked.customer)}/context"
        answer = await api.get(path, interaction=asked.interaction or None)
    else:
        answer = await _context_of_interaction(api, asked.interaction)
    if not answer.ok:
        return refusal(answer)
    meta, body = answer.body["meta"], answer.body["body"]
    ids = {
        "customer": body["customer"]["id"],
        "version": meta["version"],
        "conversations": [each["id"] for each in body["conversations"]],
    }
    return lines_answer(context_lines(meta, body), ids)


async def read_timeline(api: HubApi, asked: arguments.ReadTimeline) -> ToolAnswer:
    """Return what happened to a customer, newest first, a page at a time."""
    path = f"/v1/customers/{_id(asked.customer)}/timeline"
    answer = await api.get(path, limit=asked.limit, cursor=asked.cursor or None)
    if not answer.ok:
        return refusal(answer)
    lines = [entry_line(entry) for entry in answer.body["items"]]
    return lines_answer(lines or ["Nothing."], {"customer": answer.body["customer"], "cursor": answer.body["next"]})


async def search_history(api: HubApi, asked: arguments.SearchHistory) -> ToolAnswer:
    """Return the entries of a customer's history that have all the words."""
    path, cursor, looked = f"/v1/customers/{_id(asked.customer)}/timeline", None, 0
    found: list[Json] = []
    for _ in range(search.PAGES):
        answer = await api.get(path, limit=search.PAGE, cursor=cursor)
        if not answer.ok:
            return refusal(answer)
        entries, cursor = answer.body["items"], answer.body["next"]
        looked += len(entries)
        found += search.matching(entries, asked.words)
        if cursor is None or len(found) >= asked.limit:
            break
    end = "the whole history" if cursor is None else f"the latest {looked} entries"
    lines = [*(entry_line(entry) for entry in found[: asked.limit]), f"{len(found)} found in {end}."]
    return lines_answer(lines, {"customer": asked.customer, "cursor": cursor})


async def read_conversation(api: HubApi, asked: arguments.ReadConversation) -> ToolAnswer:
    """Return one conversation over all its channels."""
    found = await conversation_of(api, asked.conversation, asked.interaction)
    if isinstance(found, ToolAnswer):
        return found
    answer = await api.get(f"/v1/conversations/{found}", limit=asked.limit, cursor=asked.cursor or None)
    if not answer.ok:
        return refusal(answer)
    body = answer.body
    lines = [*conversation_lines(body["conversation"]), "", *(entry_line(entry) for entry in body["items"])]
    return lines_answer(lines, {"customer": body["customer"], "conversation": found, "cursor": body["next"]})


async def read_handoff(api: HubApi, asked: arguments.ReadHandoff) -> ToolAnswer:
    """Return what the next agent needs to know of a conversation."""
    found = await conversation_of(api, asked.conversation, asked.interaction)
    if isinstance(found, ToolAnswer):
        return found
    answer = await api.get(f"/v1/conversations/{found}/handoff")
    if not answer.ok:
        return refusal(answer)
    return lines_answer(packet_lines(answer.body), {"customer": answer.body["customer"], "conversation": found})


async def conversation_of(api: HubApi, conversation: str, interaction: str) -> str | ToolAnswer:
    """Return the id of the conversation that is meant; a refusal if the interaction is unknown.

    A contact that is not assured enough has an id, too: it can be handed over. Raises ``Refused("bad-arguments")``.
    """
    if conversation:
        return _id(conversation)
    if not interaction:
        raise Refused("bad-arguments", "Give conversation or interaction.")
    answer = await _context_of_interaction(api, interaction)
    if answer.status == 403 and answer.body.get("conversation"):
        return str(answer.body["conversation"])
    if not answer.ok:
        return refusal(answer)
    brief = await api.post("/v1/context/brief", {"interaction": interaction})
    if not brief.ok:
        return refusal(brief)
    if found := brief.body["route"]["conversation"]:  # stays with the contact, so that a handoff is the contact's own
        return str(found)
    problem = {"reason": "unknown-conversation", "detail": "This contact is in no conversation."}
    return refusal(HubAnswer(404, problem))


async def _context_of_interaction(api: HubApi, interaction: str) -> HubAnswer:
    """Look up by body: an interaction may hold what should not stand in access logs."""
    return await api.post("/v1/context/lookup", {"interaction": interaction})


def _id(text: str) -> str:
    """Return an id that is safe in a path. Raises ``Refused("bad-arguments")``."""
    if not text.replace("-", "").isalnum() or not text.isascii():
        raise Refused("bad-arguments", f"{text[:64]!r} is no id: expected letters, digits and hyphens.")
    return text
