"""Draft the steps of a leg that the event socket and a CDR both tell: each has one id and one content, by either door.

What a step keeps as ``raw`` is what both doors know of it, under one name; the rest of a CDR (media counters, SDP,
every variable) tells of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import text
from cx_channels.kit.same_call import same_call
from cx_channels.provider import Connection
from cx_channels.voice.freeswitch.leg import Leg, seconds
from cx_channels.voice.freeswitch.people import People, answering, people_of
from cx_events.envelope import AgentOrQueue, Draft, Failure, Reference, Transfer
from cx_events.timestamps import Micros

STARTED, ROUTED, ANSWERED = "cx.interaction.started.v1", "cx.interaction.routed.v1", "cx.interaction.answered.v1"
QUEUED, ENDED, ABANDONED = "cx.interaction.queued.v1", "cx.interaction.ended.v1", "cx.interaction.abandoned.v1"
HELD, RESUMED = "cx.interaction.held.v1", "cx.interaction.resumed.v1"

_WELL = frozenset(
    {
        *("", "NONE", "SUCCESS", "NORMAL_CLEARING", "NORMAL_UNSPECIFIED", "ORIGINATOR_CANCEL", "BLIND_TRANSFER"),
        *("ATTENDED_TRANSFER", "LOSE_RACE", "PICKED_OFF", "MANAGER_REQUEST", "ALLOTTED_TIMEOUT"),
    }
)
"""Causes of an end as it should be; the others are a failure with the cause as its word."""
_END_VARIABLES = (
    *("hangup_cause_q850", "sip_hangup_disposition", "sip_term_status", "answer_uepoch", "bridge_uepoch", "end_uepoch"),
    *("mduration", "billmsec", "hold_accum_ms", "last_app", "bridge_uuid", "last_bridge_to", "sip_call_id"),
)
_TRANSFERS = {"bl_xfer": "blind", "att_xfer": "attended", "uuid_br": "bridged"}
_SOURCE = re.compile(r"([0-9]{1,12}):([0-9A-Za-z-]{1,64}):([a-z_]{1,16}):(.{0,500})", re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOST_TRANSFERS = 20
_SECOND = 1_000_000


@dataclass(slots=True)
class Steps:
    """Drafts the steps of one leg. The begin names the number that was called, too; a transfer changes it later."""

    leg: Leg
    connection: Connection
    _people: People | None = field(default=None, init=False)

    @property
    def people(self) -> People:
        if self._people is None:
            self._people = people_of(self.leg, self.connection)
        return self._people

    def draft(
        self,
        event_type: str,
        step: str,
        time: Micros | None,
        kept: dict[str, Any],
        /,
        *,
        people: People | None = None,
        uuid: str = "",
        also: tuple[str, ...] = (),
        **data: Any,
    ) -> Draft:
        """Draft an event. ``step``: what tells it from others of the leg. ``kept``: of the original. ``people``: where
        they are others than the leg's own. ``uuid``: of the call, where the event may be about another leg of it."""
        leg = self.leg
        who = people or self.people
        references = [Reference(kind="call", value=each) for each in dict.fromkeys((*leg.related, *also)) if each]
        data.setdefault("participants", [each for each in who.participants if each.role == "customer"])
        references += same_call(leg.variable("sip_h_X-Twilio-CallSid"))  # a call that Twilio brought names itself so
        data.setdefault("references", references)
        data.setdefault("direction", who.direction)
        return make_draft(
            self.connection,
            "voice",
            event_type,
            f"{id_part(uuid or leg.uuid)}/{step}",
            raw=msgspec.json.encode(kept),
            root=id_part(uuid or leg.root),
            time=time,
            **data,
        )

    def created(self, at: Micros | None) -> Draft:
        """Draft the begin of a call, or that a second leg tries somebody for it."""
        leg, people = self.leg, self.people
        kept = {"step": "created", **leg.kept()}
        if not leg.is_second:
            everybody = list(people.participants)
            return self.draft(
                STARTED, "created", at, kept, people=people, agent=people.agent, participants=everybody
            )  # fmt: skip
        queue = queue_of(leg.variable("cc_queue")) if leg.member_session else None
        return self.draft(
            ROUTED, "created", at, kept, people=people, agent=people.agent, queue=queue,
            transfer=Transfer(to=people.external, kind="external") if people.external else None, reason="dialled",
        )  # fmt: skip

    def ringing(self, step: str, at: Micros | None) -> Draft:
        """Draft that a second leg rings (``ringing``), or sends tones of its own (``early-media``)."""
        people = self.people
        kept = {"step": step, "uuid": self.leg.uuid, "at": at}
        return self.draft(ROUTED, step, at, kept, people=people, agent=people.agent, reason=step)

    def picked_up(self, at: Micros | None) -> Draft:
        """Draft that a leg was answered: a caller's by FreeSWITCH itself, one that it dialled by whoever is there."""
        people = self.people
        kept = {"step": "answer", "uuid": self.leg.uuid, "at": at}
        if self.leg.is_second or people.far == "staff":
            return self.draft(ROUTED, "answer", at, kept, people=people, agent=people.agent, reason="answered")
        if people.direction == "outbound":
            return self.draft(ANSWERED, "answer", at, kept, people=people, answered_by="customer")
        return self.draft("cx.call.ivr_step.v1", "answer", at, kept, people=people, step="answer")

    def bridged(self, other: str, at: Micros | None) -> Draft:
        """Draft that the leg talks with another one: somebody took the call."""
        people, agent, external = answering(self.leg, self.connection)
        kept = {"step": "bridged", "uuid": self.leg.uuid, "other": other, "at": at}
        step = f"bridged/{id_part(other)}" + (f"/{at}" if at else "")
        by = "external" if external else "human" if agent is not None else ""
        return self.draft(ANSWERED, step, at, kept, people=people, also=(other,), agent=agent, answered_by=by)

    def held(self, began: Micros) -> Draft:
        """Draft a hold, known by when it began."""
        people = self.people
        kept = {"step": "held", "uuid": self.leg.uuid, "began": began}
        return self.draft(HELD, f"held/{began}", began, kept, people=people, agent=people.agent)

    def resumed(self, began: Micros, over: Micros) -> Draft:
        """Draft the end of a hold. The doors tell it some µs apart, so it is told to the second."""
        people = self.people
        at = max(over // _SECOND * _SECOND, began + 1)
        kept = {"step": "resumed", "uuid": self.leg.uuid, "began": began, "over": at}
        return self.draft(RESUMED, f"resumed/{began}", at, kept, people=people, agent=people.agent)

    def transfers(self, history: Any, latest: str = "") -> Iterator[Draft]:
        """Yield each transfer of ``transfer_history``: ``EPOCH:UUID:bl_xfer:EXTENSION/CONTEXT/DIALPLAN``, one or an
        array. ``latest``: ``transfer_source``, where there is no history."""
        seen = set()
        for each in [*_items(history), *([latest] if latest and not history else [])][:_MOST_TRANSFERS]:
            found = _SOURCE.fullmatch(each)
            if found is None or found[2] in seen:
                continue
            seen.add(found[2])
            others = tuple(_UUID.findall(found[4])[:4]) if found[3] == "att_xfer" else ()
            to = found[4].partition("/")[0] if found[3] == "bl_xfer" else found[4]
            yield self.draft(
                "cx.interaction.transferred.v1",
                f"transfer/{id_part(found[2])}",
                seconds(found[1]),
                {"step": "transferred", "uuid": self.leg.uuid, "transfer_source": each},
                participants=[],
                also=others,
                transfer=Transfer(to=to, kind=_TRANSFERS.get(found[3], found[3])),
            )

    def ended(self, at: Micros | None, cause: str) -> Draft:
        """Draft the end of a leg. Of the first one it is that of the call; of a second, the result of an attempt."""
        leg, people = self.leg, self.people
        variables = {name: found for name in _END_VARIABLES if (found := leg.variable(name))}
        kept = {"step": "hangup", "uuid": leg.uuid, "call": leg.root, "hangup_cause": cause, **variables}
        failure = None
        if cause not in _WELL:
            failure = Failure(code=leg.variable("sip_term_status") or leg.variable("hangup_cause_q850"), message=cause)
        if leg.is_second:
            kind, who = ROUTED, out_of_it(people.agent, self.connection.id)
        else:
            kind, who = ABANDONED if _gave_up(leg, people, cause) else ENDED, []
        return self.draft(
            kind, "hangup", at, kept, people=people, agent=None if leg.is_second else people.agent, reason=cause,
            failure=failure, participants=[*(each for each in people.participants if each.role == "customer"), *who],
            duration_ms=_milliseconds(leg.variable("mduration")),
        )  # fmt: skip

    def queued(self, uuid: str, queue: str, joined: Micros | None) -> Draft:
        """Draft that a customer waits in a queue of mod_callcenter."""
        kept = {"step": "queued", "uuid": uuid, "queue": queue, "joined": joined}
        step = f"queued/{id_part(queue)}/{joined or 0}"
        return self.draft(QUEUED, step, joined, kept, uuid=uuid, queue=queue_of(queue))

    def taken(self, uuid: str, queue: str, agent: str, at: Micros | None) -> Draft:
        """Draft that an agent of a queue talks with the customer."""
        kept = {"step": "taken", "uuid": uuid, "queue": queue, "agent": agent, "at": at}
        step = f"taken/{id_part(queue)}/{at or 0}"
        return self.draft(
            ANSWERED, step, at, kept, uuid=uuid, queue=queue_of(queue), **_unnamed(uuid),
            agent=AgentOrQueue(id=agent) if agent else None, answered_by="human",
        )  # fmt: skip

    def left(self, uuid: str, queue: str, why: str, at: Micros | None) -> Draft:
        """Draft that a customer left a queue without an agent: gave up, or goes on elsewhere in the dialplan."""
        kept = {"step": "left", "uuid": uuid, "queue": queue, "why": why, "at": at}
        kind = ABANDONED if why in ("", "NONE") else ROUTED
        return self.draft(
            kind, f"left/{id_part(queue)}/{at or 0}", at, kept, uuid=uuid, queue=queue_of(queue), **_unnamed(uuid),
            reason="hung up in the queue" if kind == ABANDONED else f"left the queue: {why}",
        )  # fmt: skip


def queue_of(name: str) -> AgentOrQueue | None:
    """Return a queue by its name, as ``support@default``."""
    return AgentOrQueue(id=name) if name else None


def _unnamed(uuid: str) -> dict[str, Any]:
    """Return the fields of a queue's step, which names no more than the call: its event may be about another leg."""
    return {"participants": [], "direction": None, "references": [Reference(kind="call", value=uuid)]}


def _gave_up(leg: Leg, people: People, cause: str) -> bool:
    """Return whether a caller hung up before anybody, a menu included, picked up."""
    return people.direction == "inbound" and cause == "ORIGINATOR_CANCEL" and leg.variable("answer_uepoch") in ("", "0")


def _items(value: Any) -> list[str]:
    """Return the items of a variable that may be an array: ``ARRAY::a|:b`` as text, or a list in JSON."""
    if isinstance(value, list):
        return [text(each) for each in value]
    written = text(value)
    return written.removeprefix("ARRAY::").split("|:") if written else []


def _milliseconds(written: str) -> int | None:
    return int(written) if written.isdecimal() and written.isascii() and len(written) < 13 else None
