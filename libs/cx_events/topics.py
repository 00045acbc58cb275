"""Describe the topics of the log for people: ``schemas/topics`` and AsyncAPI are made from this."""

from __future__ import annotations

from msgspec import Struct

from cx_events.json_types import Json
from cx_events.log.declarations import default_declaration, shown_declaration
from cx_events.log.port import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, STORES


class Topic(Struct, frozen=True, kw_only=True):
    """A topic of the log, described for people; ``log.declarations`` says how it is kept.

    ``producers``, ``consumers``: the packages of services that append to it and read it; not commands that read all.
    """

    name: str
    summary: str
    key: str
    value: str
    headers: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]


TOPICS = (
    Topic(
        name=INTERACTIONS,
        summary="Every event of every tenant: the source of truth.",
        key="the event's stream (partitionkey): 32 hex digits, a keyed hash of tenant and profile or interaction",
        value="a CloudEvent in structured JSON, see ../events",
        headers="content-type: application/cloudevents+json; traceparent where the event is traced",
        producers=("cx_channels", "cx_context_api", "cx_ops", "cx_hub"),
        consumers=("cx_projectors", "cx_channels", "cx_ops"),
    ),
    Topic(
        name=CONTEXT_CHANGES,
        summary="Change notifications: a customer's context changed, or a customer waits for longer than a queue "
        "allows. They are hints to read again, never the truth.",
        key="the customer's id: its 16 bytes, a keyed hash of tenant and profile; of a wait the contact's",
        value="a notification in JSON: tenant, customer, version, and the customer that this one was merged into; of a "
        "wait what is overdue",
        headers="a CloudEvent in binary mode: content-type: application/json, and ce_id, ce_source, ce_type and others",
        producers=("cx_projectors",),
        consumers=("cx_context_api", "cx_ops"),
    ),
    Topic(
        name=DEAD_LETTERS,
        summary="What could not be mapped: the original whole, with reason and place; and which dead letters were "
        "tried again or discarded.",
        key="32 hex digits of a keyed hash of tenant, source and id",
        value="a dead letter in JSON",
        headers="content-type: application/json",
        producers=("cx_channels", "cx_ops"),
        consumers=("cx_projectors",),
    ),
    Topic(
        name=STORES,
        summary="Each store filled from this log announces itself: its versions begin with the offset of the record.",
        key="the same for all",
        value="the store's random id, in JSON",
        headers="content-type: application/json",
        producers=("cx_projectors",),
        consumers=("cx_projectors",),
    ),
)


def describe(topic: Topic) -> Json:
    """Return a topic as its file below ``schemas/topics`` holds it."""
    return {
        "topic": topic.name,
        "summary": topic.summary,
        "key": topic.key,
        "value": topic.value,
        "headers": topic.headers,
        **shown_declaration(default_declaration(topic.name)),
        "producers": list(topic.producers),
        "consumers": list(topic.consumers),
    }
