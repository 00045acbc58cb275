"""Build an event in one call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from cx_events.building.acts import ActBuilder, Time, text_of_time
from cx_events.building.checking import ALL_SCOPES, check_event
from cx_events.envelope import Channel
from cx_events.errors import Refused
from cx_events.json_types import Json


class EventBuilder(ActBuilder):
    """Builds the events of one system. Every method returns an event that the hub would accept, and raises ``Refused``.

    ``source``: names the system; ``//acme.example/chat``. ``channel``: of all its events. ``scopes``: those of its key,
    to be told at once which types and weights it may not send. ``strict``: refuse (``probable-mistake``) what the hub
    would accept with a warning, and identifiers that identify nobody.

    ``id`` is unique within the source and made of the system's own ids, so that what is sent twice is one event.
    ``more``: further members of ``data``.
    """

    def __init__(
        self, source: str, *, channel: Channel | None = None, scopes: Collection[str] = ALL_SCOPES, strict: bool = True
    ) -> None:
        self.source = source
        self.channel = channel
        self._scopes = frozenset(scopes)
        self._strict = strict

    def event(self, type: str, id: str, *people: Json, time: Time = None, **data: Any) -> Json:
        """Return an event of any type: ``docs/events.md`` lists them with what each needs. ``people``: who takes part.

        Members of ``data`` that are None are left out.
        """
        known = {
            "channel": self.channel,
            "participants": list(people) or None,
            **{name: list(value) if name in _LISTS and value is not None else value for name, value in data.items()},
        }
        event: Json = {
            "specversion": "1.0",
            "id": id,
            "source": self.source,
            "type": type,
            "data": {name: value for name, value in known.items() if value is not None},
        }
        if time is not None:
            event["time"] = text_of_time(time)
        warnings = check_event(event, scopes=self._scopes)
        if warnings and self._strict:
            raise Refused("probable-mistake", "; ".join(warnings))
        return event

    def message_received(
        self,
        id: str,
        interaction: str,
        text: str,
        *people: Json,
        references: Iterable[Json] | None = None,
        time: Time = None,
        message: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Json:
        """Return what the customer wrote. ``message``: further members of it (``subject``, ``attachments``)."""
        words = _message(id, text, message)
        named = {"interaction": interaction, "message": words, "direction": "inbound", "references": references}
        return self.event("cx.message.received.v1", id, *people, time=time, **named, **more)

    def message_sent(
        self,
        id: str,
        interaction: str,
        text: str,
        *people: Json,
        references: Iterable[Json] | None = None,
        time: Time = None,
        message: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Json:
        """Return what an agent, a bot or a system wrote to the customer."""
        words = _message(id, text, message)
        named = {"interaction": interaction, "message": words, "direction": "outbound", "references": references}
        return self.event("cx.message.sent.v1", id, *people, time=time, **named, **more)

    def interaction_started(self, id: str, interaction: str, *people: Json, time: Time = None, **more: Any) -> Json:
        """Return the beginning of a contact."""
        return self.event("cx.interaction.started.v1", id, *people, time=time, interaction=interaction, **more)

    def interaction_queued(
        self, id: str, interaction: str, queue: Mapping[str, str], *people: Json, time: Time = None, **more: Any
    ) -> Json:
        """Return that a contact waits. ``queue``: ``{"id": ..., "name": ...}``."""
        named = {"interaction": interaction, "queue": dict(queue)}
        return self.event("cx.interaction.queued.v1", id, *people, time=time, **named, **more)

    def interaction_answered(
        self, id: str, interaction: str, agent: Mapping[str, str], *people: Json, time: Time = None, **more: Any
    ) -> Json:
        """Return that an agent took a contact. ``agent``: ``{"id": ..., "name": ...}``."""
        named = {"interaction": interaction, "agent": dict(agent)}
        return self.event("cx.interaction.answered.v1", id, *people, time=time, **named, **more)

    def interaction_ended(
        self, id: str, interaction: str, *people: Json, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return the end of a contact."""
        named = {"interaction": interaction, "reason": reason}
        return self.event("cx.interaction.ended.v1", id, *people, time=time, **named, **more)

    def bot_turn(
        self,
        id: str,
        interaction: str,
        text: str,
        *people: Json,
        intent: str | None = None,
        slots: Mapping[str, Any] | None = None,
        confidence: float | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return what a bot said, with what it had understood."""
        said = {"text": text, "intent": intent, "slots": slots, "confidence": confidence}
        words = {name: value for name, value in said.items() if value is not None}
        named = {"interaction": interaction, "bot": words, "direction": "outbound"}
        return self.event("cx.bot.turn.v1", id, *people, time=time, **named, **more)

    def handoff_asked(
        self, id: str, interaction: str, *people: Json, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that a bot, or the customer, asked for a person."""
        named = {"interaction": interaction, "reason": reason}
        return self.event("cx.bot.handoff_asked.v1", id, *people, time=time, **named, **more)

    def handoff_declined(
        self, id: str, interaction: str, agent: Json, *, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that an agent (``{"id", "name"?}``) won't take over: the request goes on waiting, off their desk.

        ``handoff={"id": ...}`` names the request, as a conversation's ``handoff`` shows it; else it is the latest of
        the interaction. Its key needs ``conversations:write``.
        """
        named = {"interaction": interaction, "agent": agent, "reason": reason}
        return self.event("cx.handoff.declined.v1", id, time=time, **named, **more)

    def call_transcript(
        self,
        id: str,
        interaction: str,
        lines: Sequence[Mapping[str, Any]],
        *people: Json,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return what was said. ``lines``: each ``{"role", "text", "at"?, "sentiment"?}``."""
        named = {"interaction": interaction, "transcript": lines}
        return self.event("cx.call.transcript.v1", id, *people, time=time, **named, **more)

    def identity_asserted(
        self, id: str, person: Json, *, evidence: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that identifiers are one person's, as a system of yours says. Its key needs ``identity:assert``."""
        return self.event("cx.identity.asserted.v1", id, person, time=time, evidence=evidence, **more)

    def identity_verified(
        self, id: str, interaction: str, person: Json, *, evidence: str, time: Time = None, **more: Any
    ) -> Json:
        """Return that the customer proved identifiers in this contact. ``evidence``: the method, as ``login``,
        ``one-time-code``, ``ivr-pin``. Its key needs ``identity:prove``."""
        named = {"interaction": interaction, "evidence": evidence}
        return self.event("cx.identity.verified.v1", id, person, time=time, **named, **more)

    def attributes_changed(self, id: str, person: Json, attributes: Json, *, time: Time = None, **more: Any) -> Json:
        """Return attributes of the customer, as a CRM has them. Its key needs ``identity:assert``."""
        named = {"attributes": attributes}
        return self.event("cx.customer.attributes_changed.v1", id, person, time=time, **named, **more)

    def consent_changed(
        self,
        id: str,
        person: Json,
        purpose: str,
        *,
        granted: bool,
        channel: str | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return that the customer gave or took back consent to a purpose, on one channel or on all."""
        consent = {"purpose": purpose, "granted": granted, **({"channel": channel} if channel is not None else {})}
        return self.event("cx.consent.changed.v1", id, person, time=time, consent=consent, **more)

    def survey_answered(
        self,
        id: str,
        person: Json,
        metric: Literal["nps", "csat", "ces"],
        score: float,
        *,
        comment: str | None = None,
        references: Iterable[Json] | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return an answer to a survey: NPS from 0 to 10, CSAT and CES on a scale of at most 1 to 7."""
        survey = {"metric": metric, "score": score, **({"comment": comment} if comment is not None else {})}
        named = {"survey": survey, "references": references}
        return self.event("cx.survey.answered.v1", id, person, time=time, **named, **more)

    def agent_set(
        self,
        id: str,
        agent: str,
        *,
        name: str | None = None,
        ids: Mapping[str, Sequence[str]] | None = None,
        teams: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return who an agent is: all of it, what was said before holds no more. ``ids``: by system, the ids that it
        has there (``docs/agents.md``). ``time``: since when; the latest counts. Its key needs ``directory:write``."""
        entry = _entry(agent, name=name, ids=ids, teams=teams, queues=queues)
        return self.event("cx.directory.agent_set.v1", id, time=time, directory=entry, **more)

    def agent_removed(self, id: str, agent: str, *, time: Time = None, **more: Any) -> Json:
        """Return that an agent is in the directory no more. Its key needs ``directory:write``."""
        return self.event("cx.directory.agent_removed.v1", id, time=time, directory=_entry(agent), **more)

    def queue_set(
        self,
        id: str,
        queue: str,
        *,
        name: str | None = None,
        ids: Mapping[str, Sequence[str]] | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return what a queue is, as ``agent_set`` does of an agent. Its key needs ``directory:write``."""
        return self.event(
            "cx.directory.queue_set.v1", id, time=time, directory=_entry(queue, name=name, ids=ids), **more
        )

    def queue_removed(self, id: str, queue: str, *, time: Time = None, **more: Any) -> Json:
        """Return that a queue is in the directory no more. Its key needs ``directory:write``."""
        return self.event("cx.directory.queue_removed.v1", id, time=time, directory=_entry(queue), **more)


def _entry(
    id: str,
    *,
    name: str | None = None,
    ids: Mapping[str, Sequence[str]] | None = None,
    teams: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
) -> Json:
    entry: Json = {"id": id, **({"name": name} if name is not None else {})}
    if ids is not None:
        entry["ids"] = {system: list(having) for system, having in ids.items()}
    named = {"teams": teams, "queues": queues}
    return entry | {member: list(words) for member, words in named.items() if words is not None}


_LISTS = frozenset({"references", "transcript"})
"""Members that may be given as any iterable."""


def _message(id: str, text: str, more: Mapping[str, Any] | None) -> Json:
    return {"id": id, "text": text, "content_type": "text/plain", **(more or {})}
