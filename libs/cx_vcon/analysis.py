"""Build a vCon's analysis: transcripts, insights, notes, dispositions and survey answers of a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cx_events.envelope import Data
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_vcon.people import People

VENDOR = "throughline"


@dataclass(slots=True)
class DialogIndexes:
    """The places of dialogs: by the id of a message, and all of an interaction."""

    messages: dict[str, int] = field(default_factory=dict)
    of_interaction: dict[str, list[int]] = field(default_factory=dict)


class AnalysisBuilder:
    """Adds facts to the analysis. Each method returns whether the fact could be added."""

    def __init__(self, analysis: list[Json], people: People, places: DialogIndexes) -> None:
        self._analysis = analysis
        self._people = people
        self._places = places

    def _add(self, data: Data, kind: str, body: Any, vendor: str = VENDOR, schema: str = "") -> None:
        dialogs = [
            self._places.messages[r.value]
            for r in data.references
            if r.kind == "message" and r.value in self._places.messages
        ]
        dialogs = dialogs or self._places.of_interaction.get(data.interaction, [])
        found: Json = {"type": kind}
        if dialogs:
            found["dialog"] = dialogs[0] if len(dialogs) == 1 else list(dialogs)
        found["vendor"] = vendor
        if schema:
            found["schema"] = schema
        plain = isinstance(body, str)
        found.update(
            mediatype="text/plain" if plain else "application/json", body=body, encoding="none" if plain else "json"
        )
        self._analysis.append(found)

    def transcript(self, fact: Fact, data: Data) -> bool:
        places = {self._people.role(place): place for place in reversed(self._people.everybody(data))}
        lines = []
        for line in data.transcript:
            spoken: Json = {"parties": places[line.role]} if line.role in places else {}
            if line.role:
                spoken["role"] = line.role
            spoken["text"] = line.text
            if line.at is not None:
                spoken["start"] = line.at
            if line.sentiment is not None:
                spoken["sentiment"] = line.sentiment
            lines.append(spoken)
        self._add(data, "transcript", lines, fact.event.source)
        return True

    def insight(self, fact: Fact, data: Data) -> bool:
        insight = data.insight
        if insight is None:
            return False
        found = {
            "sentiment": insight.sentiment,
            "summary": insight.summary,
            "topic": insight.topic,
            "intent": insight.intent,
            insight.kind or "finding": insight.body,
        }
        findings = [(kind, body) for kind, body in found.items() if body not in (None, "")]
        for kind, body in findings:
            self._add(data, kind, body, insight.producer or fact.event.source, insight.version)
        return bool(findings)

    def note(self, fact: Fact, data: Data) -> bool:
        author = data.agent.name or data.agent.id if data.agent is not None else ""
        self._add(data, "note", {"note": data.note, **({"author": author} if author else {})})
        return True

    def disposition(self, fact: Fact, data: Data) -> bool:
        self._add(data, "disposition", data.disposition)
        return True

    def survey(self, fact: Fact, data: Data) -> bool:
        if data.survey is None:
            return False
        answer = {"metric": data.survey.metric, "score": data.survey.score}
        self._add(data, "survey", {**answer, **({"comment": data.survey.comment} if data.survey.comment else {})})
        return True
