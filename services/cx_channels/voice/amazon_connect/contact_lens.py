"""Map what Contact Lens finds in a conversation: turns as they are said, the analysis afterwards, rules that matched.

Shapes, below docs.aws.amazon.com/connect/latest/adminguide: real-time-contact-analysis-segment-streams-data-model.html,
contact-lens-example-output-files.html, contact-lens-rules-eventbridge-event.html. Offsets are milliseconds from the
recording's begin; nothing in a segment says when that was, so that its event has the time of receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.voice.amazon_connect.contact import Contact, agent_of, contact_of, last_part, queue_of, time_of
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Data, Draft, Insight, TranscriptLine
from cx_events.json_types import Json

PRODUCER = "amazon-contact-lens"
ROLES: Mapping[str, str] = {
    "CUSTOMER": "customer",
    "AGENT": "agent",
    "SUPERVISOR": "agent",
    "CUSTOM_BOT": "bot",
    "SYSTEM": "system",
}
_SENTIMENTS = {"POSITIVE": 1.0, "NEGATIVE": -1.0, "NEUTRAL": 0.0, "MIXED": 0.0}
_MOST_SCORE = 5.0
"""Scores of Contact Lens lie from -5 to 5 (.../sentiment-scores.html)."""

IGNORED: Mapping[str, str] = {
    "STARTED": "the analysis began; its turns follow",
    "COMPLETED": "the analysis is done; its turns came",
    "FAILED": "the analysis failed; there are no words",
}
IGNORED_SEGMENTS: Mapping[str, str] = {
    "Utterance": "part of a turn, shown before it is certain; the turn follows",
    "Event": "who joins and leaves a chat; contact events tell it",
    "Attachments": "a file of a chat, which its messages name",
    "Issues": "a passage of a turn that was told already",
    "ExtractedInformation": "what a rule took from the words; the turns have them",
}


def map_segments(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map one record of the stream of real-time segments."""
    kind = text(notice.value.get("EventType")).upper()
    contact = contact_of(notice.value, connection)
    if kind in IGNORED:
        yield Ignored(f"lens/{kind}", IGNORED[kind])
    elif kind not in ("SEGMENTS", ""):
        yield notice.lost(f"{UNKNOWN_KIND}: the analysis event {kind[:64]!r}")
    elif not contact.id:
        yield notice.lost("malformed analysis: no ContactId")
    else:
        for segment in objects(notice.value.get("Segments")):
            yield from _map_segment(notice, contact, segment)


def _map_segment(notice: Notice, contact: Contact, segment: Json) -> Iterator[Outcome]:
    name, value = next(((name, obj(value)) for name, value in segment.items() if isinstance(value, dict)), ("", {}))
    if name in IGNORED_SEGMENTS:
        yield Ignored(f"lens/{name}", IGNORED_SEGMENTS[name])
        return
    whole = {key: each for key, each in notice.value.items() if key != "Segments"} | {"Segments": [segment]}
    raw = msgspec.json.encode(whole)
    if name not in _SEGMENTS:
        yield Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: the segment {name[:64]!r}", raw)
        return
    yield from _SEGMENTS[name](contact, value, raw, text(notice.value.get("Version")))


def _map_turn(contact: Contact, turn: Json, raw: bytes, _version: str) -> Iterator[Outcome]:
    line = _line(turn, {})
    if line is None:
        yield Ignored("lens/empty", "nothing was said")
        return
    id = "/".join(["said", *(id_part(text(turn.get(name))) for name in ("Id", "ParticipantRole", "BeginOffsetMillis"))])
    yield contact.draft("cx.call.transcript.v1", id, raw, time_of(_absolute(turn)), Data(transcript=[line]))


def _map_categories(contact: Contact, value: Json, raw: bytes, version: str) -> Iterator[Outcome]:
    """Map the categories of the business's rules that the words match; a match may be told again with more places."""
    found = sha256_hex(msgspec.json.encode(value))[:16]
    names = texts(value.get("MatchedCategories"))
    for name in dict.fromkeys(names):
        yield _insight(contact, f"category/{id_part(name)}/{found}", raw, version, topic=name)
    if not names:
        yield Ignored("lens/no-category", "no rule matched")


def _map_summary(contact: Contact, value: Json, raw: bytes, version: str) -> Iterator[Outcome]:
    words = text(value.get("Content"))
    if words:
        yield _insight(contact, "summary", raw, version, summary=words)
    else:
        yield Ignored("lens/empty", "nothing was said")


_SEGMENTS: Mapping[str, Callable[[Contact, Json, bytes, str], Iterator[Outcome]]] = {
    "Transcript": _map_turn,
    "Categories": _map_categories,
    "PostContactSummary": _map_summary,
}


def map_analysis(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map the file of a whole analysis: words with roles, the customer's sentiment, summary and categories."""
    value, raw = notice.value, notice.raw
    id = text(obj(value.get("CustomerMetadata")).get("ContactId")) or text(value.get("ContactId"))
    if not id:
        yield notice.lost("malformed analysis: no CustomerMetadata.ContactId")
        return
    contact = contact_of({**value, "ContactId": id}, connection)
    people = {text(each.get("ParticipantId")): each for each in objects(value.get("Participants"))}
    turns = objects(value.get("Transcript"))
    lines = [line for turn in turns if (line := _line(turn, people)) is not None]
    version = text(value.get("Version"))
    times = [at for turn in turns if (at := time_of(_absolute(turn))) is not None]
    last = max(times, default=None)
    found: list[Outcome] = []
    if lines:
        first_time = min(times, default=None)
        found.append(contact.draft("cx.call.transcript.v1", "analysis/words", raw, first_time, Data(transcript=lines)))
    about = obj(value.get("ConversationCharacteristics"))
    overall = obj(obj(about.get("Sentiment")).get("OverallSentiment"))
    score = _customer_score(overall, people)
    if score is not None:
        kept = _piece(value, OverallSentiment=overall)
        found.append(_insight(contact, "analysis/sentiment", kept, version, time=last, sentiment=score))
    summary = text(obj(obj(about.get("ContactSummary")).get("PostContactSummary")).get("Content"))
    if summary:
        kept = _piece(value, PostContactSummary=summary)
        found.append(_insight(contact, "analysis/summary", kept, version, time=last, summary=summary))
    names = dict.fromkeys(texts(obj(value.get("Categories")).get("MatchedCategories")))
    found.extend(
        _insight(
            contact, f"analysis/category/{id_part(name)}", _piece(value, MatchedCategory=name), version,
            time=last, topic=name,
        )
        for name in names
    )  # fmt: skip
    yield from found or [Ignored("lens/empty", "nothing was said")]


def _piece(value: Json, **found: Any) -> bytes:
    """Return what a finding keeps of the file; its words are kept with the transcript."""
    named = {name: value[name] for name in ("Version", "Channel", "LanguageCode", "CustomerMetadata") if name in value}
    return msgspec.json.encode(named | found)


def map_rule(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map that a rule of the business matched a conversation."""
    detail = obj(notice.value.get("detail"))
    id, name = last_part(detail.get("contactArn")) or text(detail.get("contactId")), text(detail.get("ruleName"))
    if not id or not name:
        yield notice.lost("malformed rule match: no contactArn or no ruleName")
        return
    kind = text(notice.value.get("detail-type"))
    channel = "CHAT" if "Chat" in kind else "EMAIL" if "Email" in kind else "VOICE"
    contact = contact_of({"ContactId": id, "Channel": channel}, connection)
    at = text(notice.value.get("time"))
    yield _insight(
        contact,
        f"rule/{id_part(name)}/{id_part(first(notice.value.get('id'), at))}",
        notice.raw,
        text(detail.get("version")),
        time=time_of(at),
        topic=name,
        agent=agent_of({"ARN": detail.get("agentArn")}),
        queue=queue_of({"ARN": detail.get("queueArn")}),
    )


def _line(turn: Json, people: Mapping[str, Json]) -> TranscriptLine | None:
    """Return a turn as a line; nothing for what has no words (a chat's events and files)."""
    words = text(turn.get("Content"))
    if not words or text(turn.get("Type")) not in ("", "MESSAGE"):
        return None
    by = people.get(text(turn.get("ParticipantId")), {})
    role = first(turn.get("ParticipantRole"), by.get("ParticipantRole"), turn.get("ParticipantId")).upper()
    at = _absolute(turn) or number(turn.get("BeginOffsetMillis"))
    return TranscriptLine(
        role=ROLES.get(role, ""), text=words, at=at, sentiment=_SENTIMENTS.get(text(turn.get("Sentiment")).upper())
    )


def _absolute(turn: Json) -> str:
    """Return when a chat's turn was written; those of the real-time API have it one level lower."""
    return first(turn.get("AbsoluteTime"), obj(turn.get("Time")).get("AbsoluteTime"))


def _customer_score(overall: Json, people: Mapping[str, Json]) -> float | None:
    """Return the customer's score, from -1 to 1, by role or by the id that ``Participants`` gives them."""
    ids = [id for id, each in people.items() if text(each.get("ParticipantRole")).upper() == "CUSTOMER"]
    found = (number(overall.get(name)) for name in ("CUSTOMER", *ids))
    score = next((each for each in found if each is not None), None)
    if score is None:
        score = number(obj(overall.get("DetailsByParticipantRole")).get("CUSTOMER"))
    return None if score is None or abs(score) > _MOST_SCORE else score / _MOST_SCORE


def _insight(
    contact: Contact, id: str, raw: bytes, version: str, *, time: int | None = None, agent: Any = None,
    queue: Any = None, **found: Any,
) -> Draft:  # fmt: skip
    insight = Insight(producer=PRODUCER, version=version or "1", **found)
    return contact.draft("cx.insight.found.v1", id, raw, time, Data(insight=insight, agent=agent, queue=queue))
