"""Fold and show the customer's mood: what was found of the customer's own words.

A score counts once for each message: of several findings (two producers, two versions of a model) the latest. One that
names no message, or several, stands by itself, as does each line of a transcript. Not counted is what an agent, a bot
or a machine said, and what was deleted, whichever is known first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Annotated, NamedTuple

from msgspec import Struct

from cx_context.parts.event_kinds import SPEECH_TYPES
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import last_by_key
from cx_context.parts.speakers import may_be_customers, speaker, speaker_of_line
from cx_context.parts.usable_numbers import SENTIMENT_RANGE, thousandths
from cx_context.parts.values import TEXT_KEPT, At, Register, hash_name, shorten_name
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_events.envelope import Data
from cx_events.facts import Fact, Order
from cx_events.json_types import Json
from cx_events.schema_shapes import EVENT_NAME, TEXT, TEXT_OR_NONE, TIME, array, named, or_none
from cx_events.timestamps import format_time

SENTIMENTS_COUNTED = 10
HISTORY_SHOWN = 20
SENTIMENTS_KEPT = 32
"""More than count, since some may turn out to be of deleted messages, or not of the customer's."""

TREND_STEP = 100

_OWN = "-"
"""Begins the key of a finding about no single message; a message's key is hex digits."""


class Fields(Struct):
    sentiment: Annotated[dict[str, Register], last_by_key(SENTIMENTS_KEPT)] = {}
    """The latest finding about each message, by a hash of its id: [thousandths, source]. A finding about no single
    message stands by itself."""


def _add_insight(part: Part, fact: Fact, at: At) -> None:
    type, data = fact.event.type, fact.event.data
    insight = data.insight
    score = thousandths(insight.sentiment, SENTIMENT_RANGE) if insight and insight.sentiment is not None else None
    if insight is None or score is None:
        return
    if speaker(type, data) == "customer" if type in SPEECH_TYPES else may_be_customers(data):
        subject = _message_of(data)
        key = hash_name(shorten_name(subject)) if subject else _OWN + hash_name("\n".join(at[3:]))
        _keep(part, key, at, score, f"{insight.producer}/{insight.version}"[:TEXT_KEPT])


def _message_of(data: Data) -> str:
    """Return the id of the one message that was looked at; empty where none or several are named."""
    if data.message is not None and data.message.id:
        return data.message.id
    named = {reference.value for reference in data.references if reference.kind == "message"}
    return named.pop() if len(named) == 1 else ""


def add_transcript(part: Part, data: Data, places: Iterable[At]) -> None:
    """Add the sentiments of the customer's lines. ``places``: of each line."""
    for line, place in zip(data.transcript, places, strict=True):
        score = thousandths(line.sentiment, SENTIMENT_RANGE) if line.sentiment is not None else None
        if score is not None and speaker_of_line(line, data) == "customer":
            _keep(part, _OWN + hash_name("\n".join(place[3:])), place, score, "transcript")


def _keep(part: Part, key: str, at: At, score: int, source: str) -> None:
    kept = part.sentiment
    old = kept.get(key)
    if old is not None and old[0] >= at:
        return
    kept[key] = (at, [score, source])
    if len(kept) > SENTIMENTS_KEPT:
        del kept[min(kept, key=lambda name: (kept[name][0], name))]


def view(of: Rendering) -> Json | None:
    """Return ``sentiment``."""
    found = of.over_parts(_scores)
    scores = [score for each in found for score in each.latest]
    outside = [one for each in found for one in each.outside.items()]
    if outside:  # a finding may name a message and no interaction
        gone = {key for keys in of.over_parts(_gone_keys) for key in keys}
        scores += [score for key, score in outside if key not in gone]
    return sentiment_view(scores)


_Message = tuple[str, str]
"""(interaction, hash of the message's id)"""

Score = tuple[Order, int, str]
"""(place of the finding among the customer's events, thousandths, source)."""


class _Scores(NamedTuple):
    """``latest``: those that count of messages in interactions, the latest ``HISTORY_SHOWN``. ``outside``: those
    that name no interaction, by the message's hash, counted or not."""

    latest: Sequence[Score]
    outside: Mapping[str, Score]


def _scores(parts: Sequence[Part]) -> _Scores:
    found = _by_message(parts)
    if not found:
        return _Scores((), {})
    gone = _gone(parts)
    counting = [score for message, score in found.items() if message[0] and message not in gone]
    return _Scores(nlargest(HISTORY_SHOWN, counting), {key: score for (name, key), score in found.items() if not name})


def scores_of(parts: Sequence[Part]) -> list[Score]:
    """Return what was found of the customer's words in some parts, in no order. Of one contact it needs all parts."""
    gone = _gone(parts)
    return [score for message, score in _by_message(parts).items() if message not in gone]


def _gone(parts: Sequence[Part]) -> set[_Message]:
    return _not_the_customers(parts) | _deleted(parts)


def _gone_keys(parts: Sequence[Part]) -> set[str]:
    return {key for _, key in _gone(parts)}


def sentiment_view(found: Iterable[Score]) -> Json | None:
    """Return the mean of the last ten scores, how the later half differs from the earlier, and the last twenty, the
    earliest first; None without any."""
    latest = nlargest(HISTORY_SHOWN, found)
    if not latest:
        return None
    scores = [score for _, score, _ in latest[:SENTIMENTS_COUNTED]]
    return {
        "current": round(sum(scores) / len(scores)) / 1000,
        "trend": _trend(scores),
        "source": latest[0][2],
        "history": [_found(order, score, source) for order, score, source in reversed(latest)],
    }


def _found(order: Order, score: int, source: str) -> Json:
    """Return a finding as the history shows it. Lines of a transcript have places below that of its event."""
    return {
        "time": format_time(order[0]),
        "score": score / 1000,
        "source": source,
        "interaction": order[1] or None,
        "event": {"source": order[4], "id": order[5].partition("\n")[0]},
    }


def _trend(scores: Sequence[int]) -> str:
    """``scores``: the latest first."""
    half = len(scores) // 2
    change = sum(scores[:half]) / half - sum(scores[half:]) / (len(scores) - half) if half else 0
    return "improving" if change >= TREND_STEP else "declining" if change <= -TREND_STEP else "steady"


def _by_message(parts: Sequence[Part]) -> Mapping[_Message, tuple[Order, int, str]]:
    found: dict[_Message, tuple[Order, int, str]] = {}
    for part in parts:
        for key, (at, (score, source)) in part.sentiment.items():
            order, message = order_of(part, at), (part.interaction, key)
            if message not in found or order > found[message][0]:
                found[message] = (order, score, source)
    return found


def _not_the_customers(parts: Sequence[Part]) -> set[_Message]:
    return {(part.interaction, key) for part in parts for key in part.messages_by_others}


def _deleted(parts: Sequence[Part]) -> set[_Message]:
    """Return the messages that were deleted and not edited since."""
    deleted: dict[_Message, At] = {}
    for part in parts:
        for key, at in part.deletions.items():
            message = (part.interaction, key)
            deleted[message] = max(at, deleted.get(message, at))
    if deleted:
        for part in parts:
            for id, edit in part.edits.items():
                message = (part.interaction, hash_name(id))
                if message in deleted and _is_later(edit, deleted[message]):
                    del deleted[message]
    return set(deleted)


def _is_later(edit: Register, deleted: At) -> bool:
    return bool(edit[0] > deleted)


_SCORE: Json = {"type": "number", "minimum": -1, "maximum": 1}
_FOUND = named(
    "MoodFound",
    {"time": TIME, "score": _SCORE, "source": TEXT, "interaction": TEXT_OR_NONE, "event": EVENT_NAME},
    about="A finding about the customer's words, the earliest first.",
)

SECTION = Section(
    schema=or_none(
        named(
            "Sentiment",
            {
                "current": _SCORE,
                "trend": {"enum": ["improving", "steady", "declining"]},
                "source": {**TEXT, "description": "What found the latest score: `PRODUCER/VERSION`, `transcript`."},
                "history": array(_FOUND),
            }
        )
    ),
    member_handlers={"insight": _add_insight},
    provenance={
        ("sentiment",): made_of(
            "the mean of the last ten scores of the customer's messages, the later half against the earlier",
            "sentiment", "deletions", "edits", "messages_by_others", "interaction",
        ),
    },
)  # fmt: skip
