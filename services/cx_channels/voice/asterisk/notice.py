"""Read one event of AMI or ARI, and draft the hub's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.same_call import same_call
from cx_channels.provider import Connection, Unmapped
from cx_channels.voice.asterisk.channel import Channel
from cx_channels.voice.asterisk.live import INSIDE, LEFT, OUT, Known
from cx_channels.voice.asterisk.parties import agent_of, called_by_dialling, caller_of
from cx_channels.voice.asterisk.rules import is_outside, read_rules
from cx_events.envelope import AgentOrQueue, Data, Direction, Draft, Failure, Participant, Reference
from cx_events.timestamps import Micros

_NO_FAILURE = frozenset({"", "0", "16", "26", "31"})
"""Causes (Q.850, causes.h): none told, normal clearing, answered elsewhere, normal."""
_GIVEN_UP = frozenset({"", "0", "16", "31", "127"})


class Notice(Struct, gc=False):
    """``kind``: as the tables name it. ``at``: what tells it from others of its kind and channel: its own time as
    written, else a digest. ``known``: what the client knew of its channels."""

    kind: str
    connection: Connection
    at: str
    time: Micros | None
    raw: bytes
    known: Mapping[str, Known]

    def root(self, channel: Channel) -> str:
        """Return the call's name: the first Linkedid of the channel, else its own id."""
        found = self.known.get(channel.id)
        return found.root if found is not None else channel.linked or channel.id

    def is_root(self, channel: Channel) -> bool:
        """Return whether the call began with this channel."""
        return self.root(channel) == channel.id

    def flags(self, channel: Channel) -> int:
        """Return what the client knew of a channel, none where it knew nothing."""
        found = self.known.get(channel.id)
        return found.flags if found is not None else 0

    def is_ours(self, channel: Channel) -> bool:
        """Return whether a telephone of ours is surely at a channel: it was dialled for a call, or began one inside.

        A channel alone does not say so where contexts tell what is outside: the dialplan moves a caller to others.
        """
        rules = self.connection.once(read_rules)
        if not (rules.trunks or rules.contexts) or agent_of(channel, self.connection) is None:
            return False
        return not self.is_root(channel) or bool(self.flags(channel) & INSIDE)

    def draft(
        self,
        event_type: str,
        channel: Channel,
        step: str,
        /,
        *,
        others: Iterable[Channel | None] = (),
        threads: Iterable[str] = (),
        people: list[Participant] | None = None,
        direction: Direction | None = None,
        more: str = "",
        out: AgentOrQueue | None = None,
        **data: Any,
    ) -> Draft:
        """Draft an event of a channel's call. ``step``: tells it from others of the channel. ``others``: channels that
        it is about, too. ``people``, ``direction``: the channel's own caller's unless given. ``more``: another call
        whose event it is instead, by its name. ``out``: the agent who is out of the call by it."""
        root = more or self.root(channel)
        if people is None:
            people, direction = self.caller(channel)
        calls = [] if root == channel.id else [channel.id]
        for each in (channel, *others):
            if each is not None:
                calls += [each.id, each.linked] if each is not channel else [each.linked]
        references = [Reference(kind="call", value=each) for each in dict.fromkeys(calls) if each and each != root]
        references += self._also(channel, threads, is_own=not more)
        id = f"{id_part(channel.id)}/{step}{f'/{id_part(more)}' if more else ''}"
        everybody = [*people, *out_of_it(out, self.connection.id)]
        content = Data(direction=direction, participants=everybody, references=references, **data)
        return complete_draft(
            self.connection, "voice", event_type, id, content, self.raw, id_part(root), self.time
        )  # fmt: skip

    def _also(self, channel: Channel, threads: Iterable[str], *, is_own: bool) -> list[Reference]:
        """Return what else an event refers to. ``is_own``: it is about the channel's own call."""
        variable = self.connection.once(read_rules).same_call if is_own else ""
        found = same_call(channel.variables.get(variable)) if variable else []
        return [*found, *(Reference(kind="thread", value=each) for each in threads)]

    def caller(self, channel: Channel) -> tuple[list[Participant], Direction | None]:
        """Return who called, where a call began with this channel and came from outside."""
        if not self.is_root(channel) or self.flags(channel) & OUT or not is_outside(channel, self.connection):
            return [], None
        return caller_of(channel, self.connection), "inbound"

    def dialled(
        self, caller: Channel | None, dialled: Channel, dial_string: str
    ) -> tuple[list[Participant], Direction | None]:
        """Return who takes part in the call in which ``caller`` dials, None where Asterisk does so by itself."""
        outside = is_outside(dialled, self.connection)
        if caller is None:
            people = called_by_dialling(dialled, dial_string, self.connection) if outside else []
            return people, "outbound" if outside else None
        if self.is_root(caller) and is_outside(caller, self.connection):
            return self.caller(caller)
        ours = bool(self.flags(caller) & INSIDE) or (self.is_root(caller) and not caller.is_local)
        if not ours or is_outside(caller, self.connection):
            return [], None
        if outside:
            return called_by_dialling(dialled, dial_string, self.connection), "outbound"
        return [], None if dialled.is_local else "internal"

    def begin(self, channel: Channel, step: str) -> Draft:
        """Draft the begin of a call, or of another leg of it."""
        if not self.is_root(channel):
            return self.draft("cx.interaction.routed.v1", channel, step, reason="leg", people=[])
        people, direction = self.caller(channel)
        if self.flags(channel) & OUT and is_outside(channel, self.connection):
            direction = "outbound"
        return self.draft("cx.interaction.started.v1", channel, step, people=people, direction=direction)

    def end(self, channel: Channel, cause: str, words: str, agent: Any, duration_ms: int | None = None) -> Draft:
        """Draft the end of a call, or of a leg of it. Its id has no time: a channel ends once, and is told to have
        ended where that was not heard."""
        reason = words.lower() or "hangup"
        if not self.is_root(channel):
            return self.draft(
                "cx.interaction.routed.v1", channel, "ended", reason=f"left: {reason}", out=agent, people=[]
            )
        gave_up = channel.state.lower() in ("ring", "ringing") and cause in _GIVEN_UP and not self.flags(channel) & OUT
        if gave_up or self.flags(channel) & LEFT:
            return self.draft("cx.interaction.abandoned.v1", channel, "ended", reason=reason, duration_ms=duration_ms)
        failure = None if cause in _NO_FAILURE else Failure(code=cause, message=words)
        return self.draft(
            "cx.interaction.ended.v1", channel, "ended", reason=reason, failure=failure, duration_ms=duration_ms
        )

    def lost(self, reason: str) -> Unmapped:
        """Return the event as one that could not be mapped."""
        return Unmapped(id_part(f"{self.kind[:64]}/{self.at}"), reason, self.raw)
