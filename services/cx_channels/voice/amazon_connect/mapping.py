"""Map Amazon Connect's streams. Each has its own shape, and any may come by any door: told by their fields.

Pages below docs.aws.amazon.com/connect/latest/adminguide: contact-events.html, ctr-data-model.html,
agent-event-stream-model.html, real-time-contact-analysis-segment-streams-data-model.html,
contact-lens-example-output-files.html, contact-lens-rules-eventbridge-event.html, chat-message-streaming.html,
cases-event-streams-data-model.html, voiceid-event-schema.html, connect-lambda-functions.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.aws import sns
from cx_channels.kit.aws.deliveries import Notice, outcomes_of, read_notices
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.voice.amazon_connect import (
    agent_events,
    chat_messages,
    contact_events,
    contact_lens,
    contact_records,
    flow_requests,
)
from cx_events.dead_letters import UNKNOWN_KIND

Mapper = Callable[[Notice, Connection], Iterator[Outcome]]

_RULES = frozenset({
    "Contact Lens Post Call Rules Matched", "Contact Lens Realtime Rules Matched",
    "Contact Lens Post Chat Rules Matched", "Contact Lens Realtime Chat Rules Matched",
    "Contact Lens Email Rules Matched", "Contact Lens After Call Work Rules Matched",
    "Contact Lens After Chat Work Rules Matched",
})  # fmt: skip

STREAMS: Mapping[str, tuple[Mapper, str]] = {
    "contact-event": (contact_events.map_contact_event, ""),
    "contact-record": (
        contact_records.map_contact_record,
        "cx.interaction.started, queued, answered, transferred and ended or abandoned, cx.call.recording",
    ),
    "agent-event": (
        agent_events.map_agent_event,
        "cx.interaction.routed, cx.interaction.answered, cx.interaction.held or cx.interaction.resumed of its contacts",
    ),
    "lens/segments": (contact_lens.map_segments, "cx.call.transcript of each turn, cx.insight.found"),
    "lens/analysis": (contact_lens.map_analysis, "cx.call.transcript, cx.insight.found"),
    "lens/rule": (contact_lens.map_rule, "cx.insight.found with the rule's name as topic"),
    "chat": (chat_messages.map_chat_item, ""),
    "flow-request": (flow_requests.map_flow_request, "cx.interaction.started with who calls"),
}

IGNORED: Mapping[str, str] = {
    **{f"contact-event/{kind}": why for kind, why in contact_events.IGNORED.items()},
    "contact-event/media": contact_events.MEDIA,
    "task": contact_events.TASK,
    "monitor": contact_events.MONITOR,
    **{f"agent-event/{kind}": why for kind, why in agent_events.IGNORED.items()},
    **{f"lens/{kind}": why for kind, why in contact_lens.IGNORED.items()},
    **{f"lens/{kind}": why for kind, why in contact_lens.IGNORED_SEGMENTS.items()},
    "lens/no-category": "no rule matched",
    "lens/empty": "nothing was said",
    **{f"chat/{kind}": why for kind, why in chat_messages.IGNORED.items()},
    "cases": "a case was made or changed; nothing in it says whose it is",
    "voice-id": "AWS ended Voice ID on 2026-05-20",
    sns.CONFIRMATION: "a topic is about to post here; the hub has confirmed it",
    sns.UNSUBSCRIBED: "a topic posts here no more",
    "housekeeping": "rules about evaluations, metrics and exports: no customer is named",
}

DOCUMENTED: Mapping[str, str] = {
    **{f"contact-event/{kind}": becomes for kind, (_, becomes) in contact_events.KINDS.items()},
    **{kind: becomes for kind, (_, becomes) in STREAMS.items() if becomes},
    **{
        f"agent-event/{state}": kind.removesuffix(".v1")
        for state, kind in agent_events.STATES.items()
    },
    "chat/MESSAGE": "cx.message.received of the customer, cx.message.sent of all others",
    "chat/ATTACHMENT": "cx.message.received or cx.message.sent with the file's name and id",
    **{f"chat/{kind}": becomes.removesuffix(".v1") for kind, becomes in chat_messages.EVENTS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}  # fmt: skip


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request: an event, or a batch of them. Raise ``Refused("malformed")`` for what can't be read."""
    return sort_outcomes(outcomes_of(request, lambda notice: _map_notice(notice, connection)))


def _map_notice(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    stream = stream_of(notice)
    if stream in STREAMS:
        yield from STREAMS[stream][0](notice, connection)
    elif stream in IGNORED:
        yield Ignored(stream, IGNORED[stream])
    else:
        kind = text(notice.value.get("detail-type")) or f"an object of {', '.join(map(str, list(notice.value)[:8]))}"
        yield notice.lost(f"{UNKNOWN_KIND}: {kind[:160]}")


def stream_of(notice: Notice) -> str:
    """Return the stream that an event is of, as ``STREAMS`` or ``IGNORED`` names it; "" where nothing tells.

    Agent events may come on the stream of contact records (they are told to share one), so that fields decide.
    """
    value = notice.value
    if "detail-type" in value:
        return _of_event_bridge(text(value["detail-type"]))
    if value.get("Type") in (sns.CONFIRMATION, sns.UNSUBSCRIBED) and "TopicArn" in value:
        return text(value["Type"])
    if "eventType" in value and "contactId" in value:
        return "contact-event"
    if "AWSContactTraceRecordFormatVersion" in value or ("ContactId" in value and "InitiationTimestamp" in value):
        return "contact-record"
    if "AgentARN" in value and "EventType" in value:
        return "agent-event"
    if "Transcript" in value or ("JobStatus" in value and "Participants" in value):
        return "lens/analysis"
    if "Segments" in value or ("ContactId" in value and text(value.get("EventType")) in contact_lens.IGNORED):
        return "lens/segments"
    if text(value.get("Name")) == "ContactFlowEvent":
        return "flow-request"
    if text(value.get("Type")) in ("MESSAGE", "EVENT", "ATTACHMENT") and "Id" in value:
        return "chat"
    return ""


def _of_event_bridge(kind: str) -> str:
    if kind == "Amazon Connect Contact Event":
        return "contact-event"
    if kind in _RULES:
        return "lens/rule"
    if kind == "Amazon Connect Cases Event":
        return "cases"
    if kind.lower().startswith("voiceid "):
        return "voice-id"
    return "housekeeping" if kind in _HOUSEKEEPING else ""


_HOUSEKEEPING = frozenset({
    "Contact Lens Analysis State Change", "Contact Lens Evaluation Rules Matched", "Metrics Rules Matched",
    "Amazon Connect Rules Action Execution Failed", "Contact Lens Evaluation Export Failed",
    "Amazon Connect Evaluation Export Failed",
})  # fmt: skip


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's events that are mapped, as ``DOCUMENTED`` names them."""
    return tuple(dict.fromkeys(kind for each in read_notices(request) for kind in _kinds(each)))


def _kinds(notice: Notice | Unmapped) -> Iterator[str]:
    if isinstance(notice, Unmapped):
        return
    stream, value = stream_of(notice), notice.value
    yield stream
    if stream == "contact-event":
        detail = value.get("detail") if isinstance(value.get("detail"), dict) else value
        assert isinstance(detail, dict)
        yield f"contact-event/{text(detail.get('eventType') or detail.get('EventType'))}"
    elif stream == "agent-event":
        snapshot = value.get("CurrentAgentSnapshot")
        for each in snapshot.get("Contacts") or () if isinstance(snapshot, dict) else ():
            yield f"agent-event/{text(each.get('State'))}" if isinstance(each, dict) else ""
    elif stream == "chat":
        kind = text(value.get("Type"))
        yield f"chat/{kind}" if kind != "EVENT" else f"chat/{text(value.get('ContentType')).rpartition('event.')[2]}"
