"""Offer the tools that do something: each becomes an event, in the name of the agent."""

from __future__ import annotations

from cx_events.json_types import Json
from cx_mcp import arguments
from cx_mcp.answers import ToolAnswer, refusal
from cx_mcp.hub_api import HubApi
from cx_mcp.reading import conversation_of


async def add_note(api: HubApi, asked: arguments.AddNote) -> ToolAnswer:
    """Write a note for the people who look after the customer."""
    return await _act(api, asked, "notes", {"note": asked.note}, "The note was written.")


async def set_topic(api: HubApi, asked: arguments.SetTopic) -> ToolAnswer:
    """Say what a conversation is about."""
    return await _act(api, asked, "topic", {"topic": asked.topic}, "The topic was set.")


async def request_handoff(api: HubApi, asked: arguments.RequestHandoff) -> ToolAnswer:
    """Ask for a person, with a packet that tells them what is known."""
    packet = {
        "summary": asked.summary,
        "tried": asked.tried,
        "slots": asked.slots,
        "open_questions": asked.open_questions,
    }
    body: Json = {"reason": asked.reason, "by": "bot", "to": asked.to, "packet": {k: v for k, v in packet.items() if v}}
    if asked.queue:
        body["queue"] = {"id": asked.queue}
    return await _act(api, asked, "handoffs", body, "The handoff was requested; read_handoff shows its packet.")


async def issue_code(api: HubApi, asked: arguments.IssueCode) -> ToolAnswer:
    """Make a code, an address and a link by which the customer can go on elsewhere."""
    answer = await _act(api, asked, "continue", {"expires_in": asked.expires_in}, "")
    if answer.refused:
        return answer
    made = answer.ids
    forms = ", ".join(f"{name} {made[name]}" for name in ("code", "reply_to", "link") if made.get(name))
    return answer._replace(text=f"The customer can go on elsewhere by: {forms}. It expires at {made['expires_at']}.")


async def continue_conversation(api: HubApi, asked: arguments.ContinueConversation) -> ToolAnswer:
    """Go on with the conversation whose code the customer presents in this contact."""
    body = {"token": asked.token, "interaction": asked.interaction, "agent": _agent(api)}
    answer = await api.post("/v1/conversations/continue", body)
    if not answer.ok:
        return refusal(answer)
    ids = {"customer": answer.body["customer"], "conversation": answer.body["conversation"]}
    return ToolAnswer("The conversation goes on in this contact; read_context shows it in a moment.", ids)


async def _act(api: HubApi, asked: arguments.OnConversation, action: str, body: Json, done: str) -> ToolAnswer:
    found = await conversation_of(api, asked.conversation, asked.interaction)
    if isinstance(found, ToolAnswer):
        return found
    answer = await api.post(f"/v1/conversations/{found}/{action}", {**body, "agent": _agent(api)})
    if not answer.ok:
        return refusal(answer)
    return ToolAnswer(done, {**answer.body, "conversation": found})


def _agent(api: HubApi) -> Json:
    return {"id": api.actor.id, "name": api.actor.name}
