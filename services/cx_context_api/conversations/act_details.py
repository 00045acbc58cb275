"""Make the event data of promises, assignments, snoozes and undoing, and check the earlier act that one may name."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.sections.acts import PROMISED
from cx_context.store.events import read_event
from cx_context.store.parts import InteractionSide
from cx_context.store.sql import Tx
from cx_context_api.conversations.conversation_lookup import Thread
from cx_context_api.requests import bodies
from cx_context_api.requests.queries import EventName, event_name
from cx_context_api.requests.tenancy import Tenancy
from cx_events import envelope
from cx_events.codec import decode_leniently
from cx_events.envelope import AgentOrQueue, Data
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import NodeId, event_key, parse_node_id
from cx_events.timestamps import format_time, parse_time

_PROMISES = frozenset({PROMISED})
_UNDOABLE = frozenset({PROMISED, "cx.conversation.note.v1", "cx.conversation.topic.v1"})


class EarlierAct(NamedTuple):
    """An act that a request names. ``types``: of what it may be."""

    name: EventName
    types: frozenset[str]


def promise_data(body: bodies.Promise) -> Data:
    """Return the event data of a promise, or of what became of one."""
    return Data(
        agent=bodies.agent_name(body.agent),
        promise=envelope.Promise(text=body.text or "", due=_time(body.due, "due"), kept=body.kept, of=body.of or ""),
    )


def check_promise(_thread: Thread, body: bodies.Promise) -> None:
    """Check that a body says something new, or what became of an earlier promise. Raises ``Refused("bad-body")``."""
    if (body.text is None) == (body.of is None):
        raise Refused("bad-body", "Say either `text`, what is promised, or `of`, which promise was kept or not.")
    if body.of is not None and body.due is not None:
        raise Refused("bad-body", "`due` goes with `text`: a promise that is named by `of` keeps its own.")


def assignment_data(body: bodies.Assign) -> Data:
    """Return the event data of an assignment."""
    to = body.to or body.agent
    return Data(agent=bodies.agent_name(body.agent), assignee=AgentOrQueue(id=to.id, name=to.name), reason=body.reason)


def snooze_data(body: bodies.Snooze) -> Data:
    """Return the event data of a snooze, or of waking."""
    return Data(agent=bodies.agent_name(body.agent), until=_time(body.until, "until"), reason=body.reason)


def undo_data(body: bodies.Undo) -> Data:
    """Return the event data of taking an act back."""
    return Data(agent=bodies.agent_name(body.agent), undoes=str(event_name(body.event)), reason=body.reason)


def _time(text: str | None, member: str) -> str:
    """Return a time as events write it, "" for none. Raises ``Refused("bad-time", 422)``."""
    if text is None:
        return ""
    try:
        return format_time(parse_time(text))
    except Refused as error:
        raise Refused("bad-time", f"{member}: {error.detail}", 422) from None


def named_act(body: bodies.RequestBody) -> EarlierAct | None:
    """Return the earlier act that a body names. Raises ``Refused("bad-event-name", 400)``."""
    if isinstance(body, bodies.Undo):
        return EarlierAct(event_name(body.event), _UNDOABLE)
    if isinstance(body, bodies.Promise) and body.of is not None:
        return EarlierAct(event_name(body.of), _PROMISES)
    return None


async def find_act(tx: Tx, tenancy: Tenancy, thread: Thread, act: EarlierAct) -> InteractionSide:
    """Return where an act of a conversation lies, so that what is said of it lies there, too, whatever is split or
    merged later. Raises ``Refused``: ``unknown-act`` (404), ``wrong-act`` (422)."""
    tenant = tenancy.ids.tenant
    stored = await read_event(tx, tenant, event_key(tenant, *act.name))
    fact = Fact(decode_leniently(stored.raw)[0], stored.raw, tenancy.ids) if stored is not None else None
    part_ids = {part_id for member in thread.conversation.members for _, part_id in member.part_ids}
    if fact is None or fact.part_id not in part_ids:
        raise Refused("unknown-act", f"This conversation has no event {str(act.name)[:200]!r}.", 404)
    if fact.event.type not in act.types:
        allowed = ", ".join(sorted(act.types))
        raise Refused("wrong-act", f"{str(act.name)[:200]!r} is a {fact.event.type}; here it may be: {allowed}.")
    return InteractionSide(_about(fact), fact.stream_id, fact.interaction_node, fact.event.data.interaction)


def _about(fact: Fact) -> NodeId:
    """Return the part id that an act names; of one that names none, its own."""
    conversation = fact.event.data.conversation
    try:
        return parse_node_id(conversation.id) if conversation is not None and conversation.id else fact.part_id
    except Refused:
        return fact.part_id
