"""Build the events of what agents do to a conversation; each names the contact that it is about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cx_events.errors import Refused
from cx_events.json_types import Json

Time = datetime | str | None
"""When something happened: a ``datetime`` with a zone, or RFC 3339; None for the moment at which the hub gets it."""


class ActBuilder(ABC):
    """Builds acts. ``agent`` is who acts (``{"id", "name"?}``). The key needs ``conversations:write``.

    ``conversation={"id": ...}`` among ``more`` names the conversation, where the interaction is in several.
    """

    @abstractmethod
    def event(self, type: str, id: str, *people: Json, time: Time = None, **data: Any) -> Json:
        """Return an event of any type."""

    def note(self, id: str, interaction: str, agent: Json, text: str, *, time: Time = None, **more: Any) -> Json:
        """Return a note for colleagues."""
        return self._act("note", id, interaction, agent, time, {"note": text, **more})

    def topic(self, id: str, interaction: str, agent: Json, topic: str, *, time: Time = None, **more: Any) -> Json:
        """Return what the conversation is about."""
        return self._act("topic", id, interaction, agent, time, {"topic": topic, **more})

    def disposition(
        self,
        id: str,
        interaction: str,
        agent: Json,
        disposition: str,
        *,
        reason: str | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return how a contact ended."""
        named = {"disposition": disposition, "reason": reason, **more}
        return self._act("disposition", id, interaction, agent, time, named)

    def promise(
        self, id: str, interaction: str, agent: Json, text: str, *, due: Time = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that the customer was promised something. ``due``: by when."""
        promise = {"text": text, **({"due": text_of_time(due)} if due is not None else {})}
        return self._act("promised", id, interaction, agent, time, {"promise": promise, **more})

    def promise_ended(
        self, id: str, interaction: str, agent: Json, of: str, *, kept: bool | None, time: Time = None, **more: Any
    ) -> Json:
        """Return whether a promise was kept. ``of``: its event, ``SOURCE#ID``. ``kept``: None opens it again."""
        promise = {"of": of, **({"kept": kept} if kept is not None else {})}
        return self._act("promised", id, interaction, agent, time, {"promise": promise, **more})

    def assign(
        self,
        id: str,
        interaction: str,
        agent: Json,
        *,
        to: Mapping[str, str] | None = None,
        reason: str | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return who is to deal with the conversation. ``to``: by default whoever says so."""
        named = {"assignee": dict(to) if to is not None else None, "reason": reason, **more}
        return self._act("assigned", id, interaction, agent, time, named)

    def unassign(
        self, id: str, interaction: str, agent: Json, *, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that nobody in particular is to deal with the conversation any more."""
        return self._act("unassigned", id, interaction, agent, time, {"reason": reason, **more})

    def snooze(
        self,
        id: str,
        interaction: str,
        agent: Json,
        until: Time,
        *,
        reason: str | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return that the conversation may rest until then, or until the customer's next word; None wakes it."""
        named = {"until": text_of_time(until) if until is not None else None, "reason": reason, **more}
        return self._act("snoozed", id, interaction, agent, time, named)

    def undo(
        self,
        id: str,
        interaction: str,
        agent: Json,
        event: str,
        *,
        reason: str | None = None,
        time: Time = None,
        **more: Any,
    ) -> Json:
        """Return that a note, a topic or a promise of the same contact counts no more. ``event``: its ``SOURCE#ID``."""
        return self._act("undone", id, interaction, agent, time, {"undoes": event, "reason": reason, **more})

    def resolve(
        self, id: str, interaction: str, agent: Json, *, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that the conversation is done."""
        return self._act("resolved", id, interaction, agent, time, {"reason": reason, **more})

    def reopen(
        self, id: str, interaction: str, agent: Json, *, reason: str | None = None, time: Time = None, **more: Any
    ) -> Json:
        """Return that the conversation is not done after all."""
        return self._act("reopened", id, interaction, agent, time, {"reason": reason, **more})

    def _act(self, what: str, id: str, interaction: str, agent: Json, time: Time, data: Mapping[str, Any]) -> Json:
        named = {"interaction": interaction, "agent": dict(agent), **data}
        return self.event(f"cx.conversation.{what}.v1", id, time=time, **named)


def text_of_time(time: datetime | str) -> str:
    """Return a time as RFC 3339. Raises ``Refused("bad-time")`` for one without a zone, which may be any of many."""
    if isinstance(time, str):
        return time
    if time.tzinfo is None or time.utcoffset() is None:
        raise Refused("bad-time", "the datetime has no time zone: use datetime.now(UTC), or attach the zone it is in")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
