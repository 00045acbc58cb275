"""Map summaries of conversations, ``v2.conversations.{id}.summaries``: what a model writes when one is over.

Fields: PureCloudPlatformClientV2, ``conversation_summary_topic_*``; those of virtual agents have the same. An agent may
edit a summary later, under the same id: other words are another finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.genesys_cloud.conversation import Conversation, channel_of, time_of
from cx_events.envelope import Insight
from cx_events.json_types import Json

PRODUCER = "genesys-cloud"
IGNORED: Mapping[str, str] = {"summary/nothing": "no summary could be made; nothing was found"}
_OTHERS = ("reason", "resolution")
"""Findings beside the summary, each a text."""


def map_summary(body: Json, connection: Connection) -> Iterator[Outcome]:
    """Map a summary with its headline, and the reason and the resolution that it names."""
    conversation = Conversation(
        id=text(body.get("conversationId")),
        connection=connection,
        channel=channel_of(body.get("mediaType"), body.get("messageType")),
    )
    summary, headline = (text(obj(body.get(name)).get("text")) for name in ("summary", "headline"))
    found = {}
    if summary or headline:
        found["summary"] = Insight(producer=PRODUCER, version="1", summary=summary or headline, topic=headline)
    for name in _OTHERS:
        if words := text(obj(body.get(name)).get("text")):
            found[name] = Insight(producer=PRODUCER, version="1", kind=name, body=words)
    own = id_part(text(body.get("summaryId")) or text(body.get("createdDate")))
    for name, insight in found.items():
        words = sha256_hex(msgspec.json.encode(insight))[:16]
        id = f"summary/{own}/{name}/{words}"
        yield conversation.draft(
            "cx.insight.found.v1", id, _kept(body, name), time_of(body.get("createdDate")), insight=insight
        )  # fmt: skip
    if not found:
        yield Ignored("summary/nothing", IGNORED["summary/nothing"])


def _kept(body: Json, finding: str) -> Json:
    """Return what a finding keeps: without what changes as another one is edited."""
    names = ("conversationId", "queueId", "communicationIds", "createdDate", "mediaType", "messageType", "summaryId",
             "language", finding, *(("headline",) if finding == "summary" else ()))  # fmt: skip
    return {name: body[name] for name in names if body.get(name) is not None}
