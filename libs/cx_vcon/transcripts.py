"""Read transcripts and insights out of a vCon's analysis.

The drafts leave its formats to the vendors: known ones are read, all others stay in ``raw``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cx_events.envelope import Insight, Role, TranscriptLine
from cx_events.json_types import Json
from cx_vcon.content import MAX_TEXT, value_of
from cx_vcon.json_values import index, obj, text
from cx_vcon.parties import MAX_NAME, Parties

MAX_LINES = 2000

_DEEP = 8
_MAX_NAME = 100
_LISTS = ("segments", "utterances", "lines", "sentences", "paragraphs", "transcript", "transcription", "results",
          "channels", "alternatives", "messages", "dialog")  # fmt: skip
_WORDS = ("text", "transcript", "utterance", "sentence", "content", "message", "body")
_SPEAKERS = ("speaker", "role", "speaker_name", "participant", "name", "speaker_role")
_SCORES = ("overall", "score", "sentiment", "compound", "sentiment_score", "polarity", "value")


def lines_of(analysis: Json, parties: Parties) -> list[TranscriptLine]:
    """Return the lines of a transcript. Text without a speaker is one line with the role ``system``."""
    found: list[TranscriptLine] = []
    _collect(value_of(analysis), parties, found, _DEEP)
    left = MAX_TEXT * 4
    kept = []
    for line in found[:MAX_LINES]:
        line.text = line.text[:left]
        left -= len(line.text)
        if line.text:
            kept.append(line)
    return kept


def _collect(value: Any, parties: Parties, found: list[TranscriptLine], deep: int) -> None:
    if isinstance(value, str):
        found += _spoken(value, parties)
    elif isinstance(value, list) and deep:
        for each in value[:MAX_LINES]:
            if isinstance(each, dict) and (line := _line(each, parties)) is not None:
                found.append(line)
            elif isinstance(each, str | dict | list):
                _collect(each, parties, found, deep - 1)
    elif isinstance(value, dict) and deep:
        nested = next((value[name] for name in _LISTS if isinstance(value.get(name), list | dict)), None)
        if nested is not None:
            _collect(nested, parties, found, deep - 1)
        elif (line := _line(value, parties)) is not None:
            found += _spoken(line.text, parties) if line.role == "system" else [line]


def _line(piece: Json, parties: Parties) -> TranscriptLine | None:
    words = next((piece[name] for name in _WORDS if text(piece.get(name))), None)
    if words is None:
        return None
    start = piece.get("start", piece.get("timestamp"))
    at = start if isinstance(start, str | float | int) and not isinstance(start, bool) else None
    return TranscriptLine(role=_role(piece, parties), text=words, at=at)


def _role(piece: Json, parties: Parties) -> Role:
    for name in ("parties", "party"):
        value = piece.get(name)
        number = index(value[0] if isinstance(value, list) and value else value, len(parties.parties))
        if number is not None:
            return parties.roles[number]
    for name in _SPEAKERS:
        role = parties.role_by_name(text(piece.get(name)))
        if role is not None:
            return role
    return "system"


def _spoken(words: str, parties: Parties) -> list[TranscriptLine]:
    """Return the lines of text in the form ``NAME: words``. Only a party's name begins a new line."""
    turns: list[tuple[Role, list[str]]] = []
    for paragraph in words.splitlines():
        name, _, words_after = paragraph[:_MAX_NAME].partition(":")
        role = parties.role_by_name(name) if words_after[:1] in (" ", "\t") else None
        if role is not None:
            turns.append((role, [paragraph[len(name) + 1 :].strip()]))
        elif paragraph.strip() and turns:
            turns[-1][1].append(paragraph)
        elif paragraph.strip():
            turns.append(("system", [paragraph]))
    return [TranscriptLine(role=role, text="\n".join(paragraphs)) for role, paragraphs in turns]


def insight_of(analysis: Json) -> Insight:
    """Return sentiment, summary, topics or intents, by the analysis's type; else its type and body as they are.

    Several topics or intents are joined by commas.
    """
    insight = Insight(
        producer="/".join(filter(None, (text(analysis.get("vendor")), text(analysis.get("product")))))[:MAX_NAME],
        version=text(analysis.get("schema"))[:MAX_NAME],
    )
    kind = text(analysis.get("type")).strip().lower()
    value = value_of(analysis)
    if "sentiment" in kind:
        insight.sentiment = _score(value, _DEEP)
    elif "summary" in kind:
        insight.summary = _first(value, ("summary", "text", "body"), _DEEP)[:MAX_TEXT]
    elif "topic" in kind:
        insight.topic = _all(value, ("topic", "topics", "name", "label"))
    elif "intent" in kind:
        insight.intent = _all(value, ("intent", "intents", "name", "label"))
    if insight.sentiment is None and not (insight.summary or insight.topic or insight.intent):
        insight.kind = text(analysis.get("type")).strip()[:MAX_NAME]
        insight.body = (value if isinstance(value, str) else _as_json(value))[:MAX_TEXT]
    return insight


def _as_json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _all(value: Any, names: tuple[str, ...]) -> str:
    """Return the distinct texts, in order, joined by commas."""
    return ", ".join(dict.fromkeys(_each(value, names, _DEEP)))[:MAX_TEXT]


def _each(value: Any, names: tuple[str, ...], deep: int) -> Iterator[str]:
    """Yield the texts in a list, or under the first of these names that has any."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list) and deep:
        for each in value[:MAX_LINES]:
            yield from _each(each, names, deep - 1)
    elif isinstance(value, dict) and deep:
        for name in names:
            found = list(_each(value.get(name), names, deep - 1))
            if found:
                yield from found
                return


def _score(value: Any, deep: int) -> float | None:
    """Return a number from -1 to 1; None for a label or another scale."""
    if isinstance(value, dict) and deep:
        found = (_score(value.get(name), deep - 1) for name in _SCORES)
        return next((each for each in found if each is not None), None)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        return None
    return float(value)


def _first(value: Any, names: tuple[str, ...], deep: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and deep:
        return _first(value[0], names, deep - 1)
    if isinstance(value, dict) and deep:
        return next(filter(None, (_first(obj(value).get(name), names, deep - 1) for name in names)), "")
    return ""
