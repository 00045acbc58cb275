"""Map transcripts of calls as they are spoken, ``v2.conversations.{id}.transcription``.

Fields: PureCloudPlatformClientV2, ``transcription_topic_*``. Only what ``isFinal`` is a fact; of several
alternatives the first is the most likely. EXTERNAL is the customer's side, INTERNAL ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.genesys_cloud.conversation import Conversation, time_of
from cx_events.envelope import TranscriptLine
from cx_events.json_types import Json
from cx_events.timestamps import Micros

IGNORED: Mapping[str, str] = {
    "transcription/partial": "the final words of the utterance follow",
    "transcription/status": "the transcription began or ended; nothing was said",
    "transcription/empty": "nothing was said",
}
_ROLES = {"EXTERNAL": "customer", "INTERNAL": "agent"}


def map_transcription(body: Json, connection: Connection) -> Iterator[Outcome]:
    """Map each utterance that is final."""
    conversation = Conversation(id=text(body.get("conversationId")), connection=connection)
    communication = text(body.get("communicationId"))
    results = objects(body.get("transcripts"))
    if not results:
        yield Ignored("transcription/status", IGNORED["transcription/status"])
    for result in results:
        if result.get("isFinal") is not True:
            yield Ignored("transcription/partial", IGNORED["transcription/partial"])
            continue
        best = next(iter(objects(result.get("alternatives"))), {})
        words, offset = text(best.get("transcript")), best.get("offsetMs")
        if not words:
            yield Ignored("transcription/empty", IGNORED["transcription/empty"])
            continue
        at = offset if isinstance(offset, int) and not isinstance(offset, bool) and 0 <= offset < 10**9 else None
        line = TranscriptLine(role=_ROLES.get(text(result.get("channel")).upper(), ""), text=words, at=at)
        kept = {**body, "transcripts": [result]}
        id = f"said/{id_part(communication)}/{id_part(text(result.get('utteranceId')))}"
        yield conversation.draft("cx.call.transcript.v1", id, kept, _time(body, at), transcript=[line])


def _time(body: Json, offset: int | None) -> Micros | None:
    """Return when the words were said: the session's begin with their offset, else when they were sent."""
    begin = unix_time(body.get("sessionStartTimeMs"))
    if begin is None or offset is None:
        return time_of(body.get("eventTime"))
    return begin + offset * 1000
