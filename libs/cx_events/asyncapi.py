"""Describe the topics and their messages as AsyncAPI (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from cx_events.catalogue import catalogue
from cx_events.dead_letters import DeadLetter
from cx_events.event_schema import struct_schemas
from cx_events.event_type import EventType
from cx_events.guide import unversioned
from cx_events.json_types import Json
from cx_events.log.headers import CHANGE_TYPE, OVERDUE_TYPE
from cx_events.log.port import CONTEXT_CHANGES, DEAD_LETTERS, STORES
from cx_events.topics import TOPICS, Topic


def asyncapi() -> Json:
    """Return the topics and their messages as AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Throughline",
            "version": "1",
            "description": "The topics of an event-sourced omnichannel interaction hub.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {_camel(topic.name): _channel(topic) for topic in TOPICS},
        "operations": dict(operation for topic in TOPICS for operation in _operations(topic)),
        "components": {
            "messages": _messages(),
            "schemas": {
                "ContextChanged": _CONTEXT_CHANGED,
                "OverdueWait": _OVERDUE_WAIT,
                "StoreOpened": _STORE_OPENED,
                **struct_schemas(DeadLetter, "#/components/schemas/{name}"),
            },
        },
    }


_OTHER_MESSAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {CONTEXT_CHANGES: ("ContextChanged",), DEAD_LETTERS: ("DeadLetter",), STORES: ("StoreOpened",)}
)
"""The messages of the topics that carry no events."""


def _messages() -> Json:
    """Return every message: the events, and one for each other topic."""
    messages: Json = {_camel(name): _event_message(event_type) for name, event_type in catalogue().items()}
    for topic in TOPICS:
        for name in _OTHER_MESSAGES.get(topic.name, ()):
            messages[name] = {
                "name": name,
                "contentType": "application/json",
                "summary": topic.summary,
                "payload": {"$ref": f"#/components/schemas/{name}"},
                **({"headers": _CHANGE_HEADERS} if topic.name == CONTEXT_CHANGES else {}),
            }
    return messages


def _channel(topic: Topic) -> Json:
    carried = _OTHER_MESSAGES.get(topic.name) or [_camel(name) for name in catalogue()]
    return {
        "address": topic.name,
        "summary": topic.summary,
        "description": f"Key: {topic.key}. Headers: {topic.headers}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in carried},
    }


def _operations(topic: Topic) -> Iterator[tuple[str, Json]]:
    """Yield who sends and who receives on a topic."""
    name = _camel(topic.name)
    for action, services in (("send", topic.producers), ("receive", topic.consumers)):
        yield (
            f"{action}{name}",
            {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "summary": ", ".join(services)},
        )


def _event_message(event_type: EventType) -> Json:
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": event_type.summary,
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./events/{unversioned(event_type)}/v{event_type.version}.schema.json"},
        },
    }


_CONTEXT_CHANGED: Json = {
    "type": "object",
    "required": ["tenant", "customer", "version"],
    "properties": {
        "tenant": {"type": "string"},
        "customer": {"type": "string", "format": "uuid"},
        "version": {"type": "integer", "description": "The context's version; it never falls."},
        "merged_into": {"type": "string", "description": "The customer that this one was merged into, if any."},
        "agents": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Ids of agents whose open interactions changed.",
        },
        "queues": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Ids of queues whose waiting interactions changed.",
        },
        "overdue": {"$ref": "#/components/schemas/OverdueWait"},
    },
}

_OVERDUE_WAIT: Json = {
    "type": "object",
    "description": "The notice is about a wait that is longer than its queue allows; `version` is 0, of no context.",
    "required": [
        "id", "conversation", "interaction", "channel", "queue", "queue_name", "waiting_since", "due_at", "noticed_at",
        "answer_within", "late",
    ],
    "properties": {
        "id": {"type": "string", "description": "Of this wait in this queue, the same however often it is sent."},
        "conversation": {"type": "string", "format": "uuid"},
        "interaction": {"type": "string"},
        "channel": {"type": "string"},
        "queue": {"type": "string", "description": "Its id by the tenant's directory."},
        "queue_name": {"type": "string"},
        "waiting_since": {"type": "string", "format": "date-time"},
        "due_at": {"type": "string", "format": "date-time", "description": "When it passed the bound."},
        "noticed_at": {"type": "string", "format": "date-time", "description": "When the hub found it."},
        "answer_within": {"type": "integer", "description": "The bound, in seconds."},
        "late": {"type": "boolean", "description": "It was found more than an hour after `due_at`."},
    },
}  # fmt: skip


_CHANGE_HEADERS: Json = {
    "type": "object",
    "description": "The attributes of a CloudEvent in binary mode.",
    "properties": {
        "content-type": {"type": "string", "const": "application/json"},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {
            "type": "string",
            "description": "The customer and the version, or the wait; the same however often it is sent.",
        },
        "ce_source": {"type": "string", "description": "//throughline/TENANT/contexts, or .../waits"},
        "ce_type": {"enum": [CHANGE_TYPE, OVERDUE_TYPE]},
        "ce_subject": {"type": "string", "format": "uuid", "description": "The customer."},
        "ce_tenantid": {"type": "string"},
    },
}


_STORE_OPENED: Json = {
    "type": "object",
    "required": ["store"],
    "properties": {"store": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
}


def _camel(name: str) -> str:
    """Return ``cx.context-changes`` as ``CxContextChanges``: AsyncAPI's keys hold no dots."""
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", ".").replace("_", ".").split("."))
