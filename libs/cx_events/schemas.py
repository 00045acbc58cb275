"""Generates ``schemas/`` and ``docs/events.md`` from the catalogue and the structs, so that neither can drift.

    python -m cx_events.schemas            # writes below the current folder
    python -m cx_events.schemas --check    # says what differs, exit 1 if anything does

``files()`` is pure and gives the same bytes on every run. A schema is of the event as it lies on the log; what intake
stamps on it (``tenantid``, ``recordedtime``, ``partitionkey``, ``writer``) is optional, so that it also fits the event
that a client sends. Needs PyYAML (the extra ``schemas``).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from cx_events.catalogue import EventType, catalogue
from cx_events.dead_letters import DeadLetter
from cx_events.envelope import Data
from cx_events.guide import guide, unversioned
from cx_events.json_types import Json
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, STORES

COMMAND = "python -m cx_events.schemas"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = "RFC 3339 with an offset"
_ENVELOPE: Mapping[str, Json] = MappingProxyType(
    {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "description": "Unique within the source; a retry keeps it."},
        "source": {
            "type": "string",
            "minLength": 1,
            "format": "uri-reference",
            "description": "The system that sends the event.",
        },
        "time": {
            "type": "string",
            "format": "date-time",
            "description": f"When it happened, {_TIME}; without it, when the hub received it.",
        },
        "subject": {"type": "string"},
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string", "format": "uri-reference"},
        "sequence": {
            "type": ["string", "integer"],
            "pattern": "^[0-9]{1,18}$",
            "minimum": 0,
            "description": "The source's own counter within the interaction; settles the order of equal times.",
        },
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
        "causationid": {"type": "string"},
        "correlationid": {"type": "string"},
        "tenantid": {"type": "string", "readOnly": True, "description": "Stamped by the hub: the key's tenant."},
        "recordedtime": {
            "type": "string",
            "format": "date-time",
            "readOnly": True,
            "description": "Stamped by the hub, once: when it received the event.",
        },
        "partitionkey": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "readOnly": True,
            "description": "Stamped by the hub: the event's home.",
        },
        "writer": {
            "type": "string",
            "readOnly": True,
            "description": "Stamped by the hub: by whom it came in, key/ID or connection/ID.",
        },
    }
)


class Topic(Struct, frozen=True, kw_only=True):
    """A topic of the log. ``retention``: for good, or how long a hint is worth keeping. ``partitions``: how many."""

    name: str
    summary: str
    key: str
    value: str
    retention: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: str = "CX_PARTITIONS when the topic is created, 8 by default; never fewer afterwards"


TOPICS = (
    Topic(
        name=INTERACTIONS,
        summary="Every event of every tenant: the source of truth.",
        key="the event's home (partitionkey): 32 hex digits of a keyed hash of tenant and profile, else interaction",
        value="a CloudEvent in structured JSON, see ../events",
        retention="for good",
        producers=("cx_channels", "cx_context_api", "cx_ops"),
        consumers=("cx_projectors", "cx_ops"),
    ),
    Topic(
        name=CONTEXT_CHANGES,
        summary="Short notices that a customer's context changed: a hint to read again, never the truth.",
        key="the customer's id: its 16 bytes, a keyed hash of tenant and profile",
        value="a notice in JSON: tenant, customer, version, whose context answers for the customer now",
        retention="for good, unless the broker is told otherwise: nothing depends on an old notice",
        producers=("cx_projectors",),
        consumers=("cx_context_api",),
    ),
    Topic(
        name=DEAD_LETTERS,
        summary="What could not be mapped, decoded or folded: the original whole, with reason and place.",
        key="32 hex digits of a keyed hash of tenant, source and id",
        value="a dead letter in JSON",
        retention="for good",
        producers=("cx_channels",),
        consumers=("cx_projectors",),
    ),
    Topic(
        name=STORES,
        summary="Each store that is filled from this log announces itself: its versions begin with the record's place.",
        key="the same for all",
        value="in JSON: the store's random id",
        retention="for good, unless the broker is told otherwise: what counts is that offsets never fall",
        producers=("cx_projectors",),
        consumers=("cx_projectors",),
        partitions="1",
    ),
)


def files() -> Mapping[str, bytes]:
    """Every generated file by its path from the project's root."""
    made: dict[str, bytes] = {}
    for event_type in catalogue().values():
        folder = f"schemas/events/{unversioned(event_type)}/v{event_type.version}"
        made[f"{folder}.schema.json"] = _json(schema_of(event_type))
        made[f"{folder}.example.json"] = _json(event_type.example)
    for topic in TOPICS:
        made[f"schemas/topics/{topic.name}.yaml"] = _yaml(_described(topic))
    made["schemas/asyncapi.yaml"] = _yaml(asyncapi())
    made["docs/events.md"] = guide(COMMAND).encode()
    return made


def schema_of(event_type: EventType) -> Json:
    """The JSON Schema (2020-12) of one type, complete in itself."""
    needs: list[Json] = [_needed(need) for need in event_type.needs]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:throughline:{event_type.name}",
        "title": event_type.name,
        "description": event_type.summary,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "type": {"const": event_type.name},
            **_ENVELOPE,
            "data": {"$ref": "#/$defs/Data", **({"allOf": needs} if needs else {})},
        },
        "examples": [event_type.example],
        "$defs": _shapes(Data, "#/$defs/{name}"),
    }


def _shapes(struct: type[Struct], ref_template: str) -> Json:
    """The schemas of a struct and all that it holds, without what says nothing: a field that is absent is empty."""
    _, components = msgspec.json.schema_components([struct], ref_template=ref_template)
    return {
        name: {
            **{key: value for key, value in component.items() if key != "title" and value != []},
            "properties": {
                field: {key: value for key, value in shape.items() if key != "default"}
                for field, shape in component["properties"].items()
            },
        }
        for name, component in components.items()
    }


def _needed(need: str) -> Json:
    """What ``catalogue.missing`` asks for, as a schema of ``data``."""
    ways = [_path(Data, path.split(".")) for path in need.split("|")]
    return ways[0] if len(ways) == 1 else {"anyOf": ways}


def _path(struct: type[Struct], steps: list[str]) -> Json:
    first, *rest = steps
    field = next(field for field in msgspec.structs.fields(struct) if field.name == first)
    return {"required": [first], "properties": {first: _inner(field.type, rest)}}


def _inner(annotation: Any, rest: list[str]) -> Json:
    kind = msgspec.inspect.type_info(annotation)
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next(member for member in kind.types if not isinstance(member, msgspec.inspect.NoneType))
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            return {"type": "object", **(_path(cls, rest) if rest else {})}
        case msgspec.inspect.StrType():
            return {"type": "string", "minLength": 1}
        case msgspec.inspect.ListType():
            return {"type": "array", "minItems": 1}
        case msgspec.inspect.DictType():
            return {"type": "object", "minProperties": 1}
        case msgspec.inspect.FloatType() | msgspec.inspect.IntType():
            return {"type": "number"}
        case _:
            raise TypeError(f"a need can't lead to {annotation}")


def asyncapi() -> Json:
    """The topics and their messages as AsyncAPI 3.0."""
    letters = _shapes(DeadLetter, "#/components/schemas/{name}")
    messages: Json = {_camel(name): _message(event_type) for name, event_type in catalogue().items()}
    messages["ContextChanged"] = {
        "name": "ContextChanged",
        "contentType": "application/json",
        "summary": TOPICS[1].summary,
        "payload": {"$ref": "#/components/schemas/ContextChanged"},
    }
    messages["DeadLetter"] = {
        "name": "DeadLetter",
        "contentType": "application/json",
        "summary": TOPICS[2].summary,
        "payload": {"$ref": "#/components/schemas/DeadLetter"},
    }
    messages["StoreOpened"] = {
        "name": "StoreOpened",
        "contentType": "application/json",
        "summary": TOPICS[3].summary,
        "payload": {"$ref": "#/components/schemas/StoreOpened"},
    }
    carried = {
        INTERACTIONS: [_camel(name) for name in catalogue()],
        CONTEXT_CHANGES: ["ContextChanged"],
        DEAD_LETTERS: ["DeadLetter"],
        STORES: ["StoreOpened"],
    }
    channels: Json = {}
    operations: Json = {}
    for topic in TOPICS:
        name = _camel(topic.name)
        channels[name] = {
            "address": topic.name,
            "summary": topic.summary,
            "description": f"Key: {topic.key}.",
            "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in carried[topic.name]},
        }
        for action, who in (("send", topic.producers), ("receive", topic.consumers)):
            operations[f"{action}{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": ", ".join(who),
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Throughline",
            "version": "1",
            "description": "The topics of an event-sourced omnichannel interaction hub.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": {"ContextChanged": _CONTEXT_CHANGED, "StoreOpened": _STORE_OPENED, **letters},
        },
    }


_CONTEXT_CHANGED: Json = {
    "type": "object",
    "required": ["tenant", "customer", "version"],
    "properties": {
        "tenant": {"type": "string"},
        "customer": {"type": "string", "format": "uuid"},
        "version": {"type": "integer", "description": "The context's version; it never falls."},
        "merged_into": {"type": "string", "description": "Whose context answers for this customer now, if another's."},
        "agents": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Ids of agents who have an interaction more or less to deal with by it.",
        },
        "queues": {"type": "array", "items": {"type": "string"}, "description": "Ids of queues, likewise."},
    },
}


_STORE_OPENED: Json = {
    "type": "object",
    "required": ["store"],
    "properties": {"store": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
}


def _message(event_type: EventType) -> Json:
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": event_type.summary,
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./events/{unversioned(event_type)}/v{event_type.version}.schema.json"},
        },
    }


def _described(topic: Topic) -> Json:
    return {
        "topic": topic.name,
        "summary": topic.summary,
        "key": topic.key,
        "value": topic.value,
        "partitions": topic.partitions,
        "retention": topic.retention,
        "producers": list(topic.producers),
        "consumers": list(topic.consumers),
    }


def _camel(name: str) -> str:
    """``cx.context-changes`` as ``CxContextChanges``: AsyncAPI's keys hold no dots."""
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", ".").replace("_", ".").split("."))


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _yaml(value: Json) -> bytes:
    header = f"# Generated by `{COMMAND}`.\n"
    return (header + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=118)).encode()


def differing(root: Path) -> Iterator[str]:
    """The paths of generated files that are missing or otherwise below ``root``."""
    for path, content in files().items():
        file = root / path
        if not file.is_file() or file.read_bytes() != content:
            yield path


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write schemas/ and docs/events.md, or compare them.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what differs")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: here)")
    options = parser.parse_args(arguments)
    stale = list(differing(options.root))
    if options.check:
        for path in stale:
            sys.stderr.write(f"{path} differs; run: {COMMAND}\n")
        return 1 if stale else 0
    made = files()
    for path in stale:
        file = options.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made[path])
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
