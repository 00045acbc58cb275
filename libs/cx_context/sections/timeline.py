"""Show one event as the timeline tells it: what happened, by whom, and what it says in itself.

Members that few events have (``subject``, ``attachments``, ``delivery``, ``insight``, ...) stand only where there is
something to tell. Everything is cut to a few hundred characters; the event has it whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType

from msgspec import Raw

from cx_context.directory_names import named_data
from cx_context.parts.event_kinds import ABOUT_CUSTOMERS, makes_part
from cx_context.parts.speakers import author
from cx_context.parts.values import TEXT_KEPT
from cx_context.sections.attachments import ATTACHMENT_MEMBERS, ATTACHMENTS_SHOWN, URL_KEPT, attachments_view
from cx_context.sections.references import REFERENCE
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.envelope import AgentOrQueue, Data, Event, Insight, Message, Recording, Transfer
from cx_events.facts import Fact, key_of
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    EVENT_NAME,
    FLAG,
    ID_AND_NAME,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    array,
    members,
    named,
    or_none,
    ref,
)
from cx_events.timestamps import Micros, format_time

TIMELINE_SHOWN = 50
_REFERENCES_SHOWN = 5

_STATES: Mapping[str, str] = MappingProxyType(
    {
        "cx.message.sent.v1": "sent",
        "cx.message.delivered.v1": "delivered",
        "cx.message.read.v1": "read",
        "cx.message.failed.v1": "failed",
    }
)
"""What an event says about the delivery of a message, by its type."""


def view(of: Rendering) -> Sequence[Json] | Raw:
    """Return ``timeline``: the latest events, newest first."""
    return of.timeline()


def latest_entries(
    facts: Iterable[Fact], most: int = TIMELINE_SHOWN, directory: Directory = NO_DIRECTORY
) -> list[Json]:
    """Return the latest events, newest first. Identity decisions are not among them."""
    latest = sorted((fact for fact in facts if makes_part(fact.event.type)), key=lambda fact: fact.order, reverse=True)
    return [timeline_entry(fact.event, fact.effective, directory=directory) for fact in latest[:most]]


def timeline_entry(
    event: Event,
    effective: Micros,
    attachments: int | None = ATTACHMENTS_SHOWN,
    directory: Directory = NO_DIRECTORY,
) -> Json:
    """Return an event as the timeline shows it. ``effective``: when it counts as having happened. ``attachments``: how
    many of a message are told; None for all. ``directory``: who agents and queues are."""
    data = named_data(event, directory)
    role = author(event.type, data)
    shown: Json = {
        "event": {"source": event.source, "id": event.id},
        "type": event.type,
        "time": format_time(effective),
        "channel": data.channel,
        "interaction": data.interaction or None,
        "direction": data.direction,
        "role": role,
        "name": _who(data, role),
        "agent": agent_or_queue(data.agent),
        "text": _text(event),
    }
    if data.message is not None:
        _add_message(shown, event, data.message, attachments)
    if event.type in _STATES:
        shown["delivery"] = _delivery(event)
    if data.rating is not None or any(_findings_of(data)):
        _add_findings(shown, data)
    if any(_act_of(data)):
        _add_act(shown, data)
    if event.type.startswith(ABOUT_CUSTOMERS):
        _add_business_fact(shown, data)
    return shown


def agent_or_queue(one: AgentOrQueue | None) -> Json | None:
    """Return an agent or a queue as entries tell it."""
    return {"id": one.id[:TEXT_KEPT], "name": one.name[:TEXT_KEPT]} if one is not None else None


def _who(data: Data, role: str | None) -> str | None:
    """The name of whose words or act it is: a note and what else names no other is its agent's."""
    agent = (data.agent.name or data.agent.id) if data.agent is not None else ""
    if data.note and agent:
        return agent[:TEXT_KEPT]
    name = next((each.name for each in data.participants if each.role == role and each.name), "")
    if not name and (role in (None, "agent") or not data.participants):
        name = agent
    return name[:TEXT_KEPT] or None


def _text(event: Event) -> str | None:
    data = event.data
    if data.message is not None:
        text = data.message.text or data.message.subject
    elif data.transcript:
        text = " / ".join(line.text for line in data.transcript)
    elif data.bot is not None:
        text = data.bot.text or data.bot.intent
    elif data.insight is not None:
        text = data.insight.summary or data.insight.topic or data.insight.intent
    elif data.survey is not None:
        text = data.survey.comment
    elif data.promise is not None and data.promise.text:
        text = data.promise.text
    else:
        text = data.note or data.topic or data.disposition or data.digits or data.reason
    return text[:TEXT_KEPT] or None


def _add_message(found: Json, event: Event, message: Message, attachments: int | None) -> None:
    if message.subject:
        found["subject"] = message.subject[:TEXT_KEPT]
    if message.automatic:
        found["automatic"] = message.automatic[:TEXT_KEPT]
    if message.distribution:
        found["distribution"] = message.distribution[:TEXT_KEPT]
    if message.signature_at is not None and 0 <= message.signature_at < min(len(message.text), TEXT_KEPT):
        found["signature_at"] = message.signature_at
    if message.attachments:
        found.update(attachments_view(key_of(event), message.attachments, attachments))


def _delivery(event: Event) -> Json:
    data, state = event.data, _STATES[event.type]
    found: Json = {"state": state, "message": (data.message.id[:TEXT_KEPT] or None) if data.message else None}
    if state == "failed":
        failure = data.failure
        found["code"] = (failure.code[:TEXT_KEPT] or None) if failure is not None else None
        found["reason"] = ((failure.message if failure is not None else "") or data.reason)[:TEXT_KEPT] or None
    return found


_findings_of = attrgetter("insight", "survey", "reaction", "consent", "queue", "transfer", "recording")


def _add_findings(found: Json, data: Data) -> None:
    """Add the findings, answers and actions of an event to its entry."""
    if data.insight is not None:
        found["insight"] = _insight(data.insight)
    if data.survey is not None:
        found["survey"] = {"metric": data.survey.metric, "score": data.survey.score}
    if data.rating is not None:
        found["rating"] = data.rating
    if data.reaction:
        found["reaction"] = data.reaction[:TEXT_KEPT]
    if data.consent is not None:
        consent = data.consent
        found["consent"] = {
            "purpose": consent.purpose[:TEXT_KEPT],
            "channel": consent.channel[:TEXT_KEPT] or None,
            "granted": consent.granted,
        }
    if data.queue is not None:
        found["queue"] = agent_or_queue(data.queue)
    if data.transfer is not None:
        found["transfer"] = _transfer(data.transfer)
    if data.recording is not None:
        found["recording"] = _recording(data.recording)


_act_of = attrgetter("promise", "assignee", "until", "undoes")


def _add_act(found: Json, data: Data) -> None:
    """Add what an agent did to the conversation to its entry."""
    if data.promise is not None:
        promise = data.promise
        found["promise"] = {"due": promise.due or None, "kept": promise.kept, "of": promise.of or None}
    if data.assignee is not None:
        found["assignee"] = agent_or_queue(data.assignee)
    if data.until:
        found["until"] = data.until[:TEXT_KEPT]
    if data.undoes:
        found["undoes"] = data.undoes


def _add_business_fact(found: Json, data: Data) -> None:
    """Add what a CRM or a shop tells of the customer is about: orders and cases, and the topic of a note.

    A contact's are its conversation's (``references``); these belong to none.
    """
    if data.note and data.topic:
        found["subject"] = data.topic[:TEXT_KEPT]
    if data.references:
        shown = data.references[:_REFERENCES_SHOWN]
        found["references"] = [{"kind": one.kind[:TEXT_KEPT], "value": one.value[:TEXT_KEPT]} for one in shown]


def _insight(insight: Insight) -> Json:
    found: Json = {"producer": insight.producer[:TEXT_KEPT], "version": insight.version[:TEXT_KEPT]}
    if insight.sentiment is not None:
        found["sentiment"] = insight.sentiment
    for name, value in (("topic", insight.topic), ("intent", insight.intent), ("summary", insight.summary)):
        if value:
            found[name] = value[:TEXT_KEPT]
    return found


def _transfer(transfer: Transfer) -> Json:
    return {
        "to": transfer.to[:TEXT_KEPT] or None,
        "agent": agent_or_queue(transfer.agent),
        "queue": agent_or_queue(transfer.queue),
    }


def _recording(recording: Recording) -> Json:
    return {
        "id": recording.id[:TEXT_KEPT] or None,
        "url": recording.url if 0 < len(recording.url) <= URL_KEPT else None,
        "duration_ms": recording.duration_ms,
    }


_NUMBER: Json = {"type": "number"}

DELIVERY = named(
    "Delivery",
    {"state": {"enum": list(_STATES.values())}, "message": TEXT_OR_NONE},
    {"code": TEXT_OR_NONE, "reason": TEXT_OR_NONE},
)
"""The schema of what became of a message."""

ENTRY = members(
    {
        "event": ref("EventName"),
        "type": TEXT,
        "time": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT_OR_NONE,
        "direction": TEXT_OR_NONE,
        "role": TEXT_OR_NONE,
        "name": {**TEXT_OR_NONE, "description": "Of whose words or act it is; of a note its author."},
        "agent": or_none(ID_AND_NAME),
        "text": TEXT_OR_NONE,
    },
    {
        "subject": TEXT,
        "automatic": {**TEXT, "description": "What says that a machine wrote it: `auto-reply`, `report`."},
        "distribution": {**TEXT, "description": "How a mail came, whoever wrote it: `list`, `bulk`."},
        "signature_at": {
            "type": "integer",
            "description": "Where in `text` the signature begins, in Unicode characters; only where it shows one.",
        },
        **ATTACHMENT_MEMBERS,
        "delivery": DELIVERY,
        "insight": named(
            "InsightShown",
            {"producer": TEXT, "version": TEXT},
            {"sentiment": _NUMBER, "topic": TEXT, "intent": TEXT, "summary": TEXT},
        ),
        "survey": named("SurveyAnswer", {"metric": {"enum": ["nps", "csat", "ces"]}, "score": _NUMBER}),
        "rating": _NUMBER,
        "reaction": TEXT,
        "consent": named("Consent", {"purpose": TEXT, "channel": TEXT_OR_NONE, "granted": FLAG}),
        "queue": ID_AND_NAME,
        "transfer": named(
            "TransferShown", {"to": TEXT_OR_NONE, "agent": or_none(ID_AND_NAME), "queue": or_none(ID_AND_NAME)}
        ),
        "promise": named(
            "PromiseTold",
            {
                "due": TEXT_OR_NONE,
                "kept": {"type": ["boolean", "null"]},
                "of": {
                    **TEXT_OR_NONE,
                    "description": "The promise, `SOURCE#ID`, of which this tells whether it was kept.",
                },
            },
        ),
        "assignee": ID_AND_NAME,
        "until": {**TEXT, "description": "Until when the conversation may rest."},
        "undoes": {**TEXT, "description": "The act that is taken back, `SOURCE#ID`."},
        "references": {
            **array(REFERENCE),
            "description": "The orders and cases that a CRM or a shop tells of (`cx.customer.*`), five at most.",
        },
        "recording": named(
            "RecordingShown", {"id": TEXT_OR_NONE, "url": TEXT_OR_NONE, "duration_ms": {"type": ["integer", "null"]}}
        ),
    },
)
"""The schema of ``timeline_entry``."""

SECTION = Section(
    schema=array(ref("TimelineEntry")),
    components={
        "EventName": EVENT_NAME,
        "TimelineEntry": ENTRY,
    },
    provenance={
        ("timeline",): made_of("the latest events, newest first"),
        ("timeline", "*"): made_of("the event itself"),
    },
)
