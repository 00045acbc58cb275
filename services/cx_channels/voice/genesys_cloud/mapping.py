"""Map what Genesys Cloud sends: by EventBridge, as a notification, or as a conversation's details.

All have a topic, but for details; a topic's ``{id}`` is left out here. Topics: Genesys' own SDK, PyPI
PureCloudPlatformClientV2; those that EventBridge brings: developer.genesys.cloud/notificationsalerts/notifications.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cx_channels.kit.aws.deliveries import Notice, outcomes_of, read_notices
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request
from cx_channels.voice.genesys_cloud import analytics, detail_events, legs, summaries, transcription
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.json_types import Json

_DETAIL = re.compile(r"v2\.detail\.events\.conversation\.[^.]{1,128}\.([a-z.]{1,40})")
_STATE = re.compile(
    r"v2\.(?:users|routing\.queues)\.[^.]{1,128}\.conversations(?:\.[a-z]{1,32})?|v2\.conversations\.[^.]{1,128}"
)
_TRANSCRIPTION = re.compile(r"v2\.conversations\.[^.]{1,128}\.transcription")
_SUMMARIES = re.compile(r"v2\.conversations\.[^.]{1,128}\.summaries")
_PARTNER = "aws.partner/genesys.com"

IGNORED_TOPICS: Mapping[str, str] = {
    "v2.users": "an agent's presence, status, stations or location; no customer",
    "v2.analytics": "figures of a conversation, which its steps tell",
    "v2.operations": "the workings of the organization",
    "v2.routing": "who serves a queue; no customer",
    "v2.system": "the notification channel's own life",
    "channel.metadata": "the notification channel's own life",
    "v2.conversations": "another side of a conversation (cobrowsing, recordings' metadata), without a customer's words",
}
"""By the begin of a topic, where no other table has it."""

IGNORED: Mapping[str, str] = {
    **IGNORED_TOPICS,
    **detail_events.IGNORED,
    "media": detail_events.MEDIA,
    **legs.IGNORED,
    **analytics.IGNORED,
    **transcription.IGNORED,
    **summaries.IGNORED,
    "other-organization": "the setting organization names another one than the event's source",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in detail_events.KINDS.items()},
    "conversations": (
        "of each leg, by its times: cx.interaction.started, queued, routed, answered, held, resumed, transferred, ended"
    ),
    "transcription": "cx.call.transcript of each final utterance",
    "summary": "cx.insight.found with a conversation's summary, reason and resolution",
    "details": "of each segment: cx.interaction.started, queued, routed, answered, held, resumed, transferred, ended",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request: an event, or a batch of them. Raise ``Refused("malformed")`` for what can't be read."""
    return sort_outcomes(outcomes_of(request, lambda notice: _map_notice(notice, connection)))


def _map_notice(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    source = text(notice.value.get("source"))
    told = source.split("/")[3] if source.startswith(_PARTNER) and source.count("/") >= 4 else ""
    ours = text(connection.settings.get("organization"))
    if told and ours and told != ours:
        yield Ignored("other-organization", IGNORED["other-organization"])
        return
    topic, body, kept = _read(notice)
    organization = told or ours
    kind, what = kind_of(topic, body)
    if kind == "":
        yield notice.lost(f"{UNKNOWN_KIND}: {what[:160]}")
    elif kind in IGNORED_TOPICS:
        yield Ignored(kind, IGNORED_TOPICS[kind])
    elif not first(body.get("conversationId"), body.get("id")):
        yield notice.lost(f"malformed {what[:160]}: no conversation is named")
    elif kind == "details":
        yield from analytics.map_details(body, connection, organization)
    elif kind == "conversations":
        yield from legs.map_state(body, connection, organization)
    elif kind == "summary":
        yield from summaries.map_summary(body, connection)
    elif kind == "transcription":
        yield from transcription.map_transcription(body, connection)
    else:
        yield from detail_events.map_detail_event(kind, body, kept, connection, organization)


def _read(notice: Notice) -> tuple[str, Json, Json]:
    """Return topic, body, and what to keep: without what differs where Genesys sends one event again."""
    value = obj(notice.value.get("detail")) if "detail-type" in notice.value else notice.value
    if "eventBody" not in value:
        return "", value, value
    topic = text(value.get("topicName"))
    return topic, obj(value.get("eventBody")), {
        name: value[name] for name in ("topicName", "version", "eventBody") if name in value
    }  # fmt: skip


def kind_of(topic: str, body: Json) -> tuple[str, str]:
    """Return the kind as ``DOCUMENTED`` names it, "" where it is not known; and what to call it in messages."""
    if not topic:
        is_details = "conversationId" in body and "participants" in body
        is_state = "participants" in body and "id" in body
        return ("details" if is_details else "conversations" if is_state else ""), "an object without a topic"
    if (detail := _DETAIL.fullmatch(topic)) is not None:
        kind = detail[1]
        known = kind in detail_events.KINDS or kind in detail_events.IGNORED or kind in detail_events.WITH_SETTING
        return (kind if known else ""), topic
    if _TRANSCRIPTION.fullmatch(topic) is not None:
        return "transcription", topic
    if _SUMMARIES.fullmatch(topic) is not None:
        return "summary", topic
    if _STATE.fullmatch(topic) is not None and isinstance(body.get("participants"), list):
        return "conversations", topic
    begin = next((each for each in IGNORED_TOPICS if topic == each or topic.startswith(f"{each}.")), "")
    return begin, topic


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's events."""
    found: dict[str, Any] = {}
    for each in read_notices(request):
        if isinstance(each, Notice):
            topic, body, _ = _read(each)
            found[kind_of(topic, body)[0]] = None
    return tuple(found)
