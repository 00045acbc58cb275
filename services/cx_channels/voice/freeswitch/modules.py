"""Map CUSTOM events of the modules that come with FreeSWITCH: queues, conferences, parking, voicemail.

Fields and actions: mod_callcenter.c, conference_event.c, mod_fifo.c, mod_valet_parking.c and mod_voicemail.c of
signalwire/freeswitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored
from cx_channels.voice.freeswitch.events import Event
from cx_channels.voice.freeswitch.kinds import SUBCLASSES
from cx_channels.voice.freeswitch.leg import seconds
from cx_channels.voice.freeswitch.people import named_caller
from cx_channels.voice.freeswitch.steps import ABANDONED, HELD, QUEUED, ROUTED, queue_of
from cx_events.envelope import AgentOrQueue, Draft, Recording, Reference
from cx_events.timestamps import Micros


def _other(subclass: str) -> Ignored:
    kind = f"{subclass}/other"
    return Ignored(f"CUSTOM/{kind}", SUBCLASSES[kind])


def _callcenter(event: Event) -> Iterator[Outcome]:
    """Map a queue's step. CC-Member-Session-UUID is the customer's channel, and the call."""
    action, queue, agent = event.header("CC-Action"), event.header("CC-Queue"), event.header("CC-Agent")
    leg, steps = event.steps.leg, event.steps
    uuid = event.header("CC-Member-Session-UUID") or leg.member_session or leg.uuid
    if action in ("member-queue-start", "member-queue-resume"):
        yield steps.queued(uuid, queue, seconds(leg.variable("cc_queue_joined_epoch")) or _whole(event.at))
    elif action == "bridge-agent-start":
        yield steps.taken(uuid, queue, agent, seconds(event.header("CC-Agent-Answered-Time")) or _whole(event.at))
    elif action == "member-queue-end" and event.header("CC-Cause").lower() == "cancel":
        at = seconds(event.header("CC-Member-Leaving-Time")) or _whole(event.at)
        yield steps.left(uuid, queue, event.header("CC-Cancel-Reason"), at)
    elif action in _OFFERS:
        who = AgentOrQueue(id=agent) if agent else None
        is_offer = action == "agent-offering"
        yield event.draft(
            ROUTED, f"{action}/{id_part(agent or '0')}/{event.unique}", uuid=uuid, queue=queue_of(queue),
            agent=who if is_offer else None, direction=None, references=[Reference(kind="call", value=uuid)],
            participants=[] if is_offer else out_of_it(who, event.connection.id),
            reason=event.header("CC-Hangup-Cause") or _OFFERS[action],
        )  # fmt: skip
    else:
        yield _other("callcenter::info")


_OFFERS = {"agent-offering": "offered", "bridge-agent-fail": "not answered", "bridge-agent-end": "agent-left"}


def _whole(at: Micros | None) -> Micros | None:
    return at // 1_000_000 * 1_000_000 if at is not None else None


def _conference(event: Event) -> Iterator[Outcome]:
    """Map who joined and left. Conference-Unique-ID is used once, a conference's name again and again."""
    action = event.header("Action")
    if action not in ("add-member", "del-member") or not event.steps.leg.uuid:
        yield _other("conference::maintenance")
        return
    name, id = event.header("Conference-Name"), event.header("Conference-Unique-ID")
    people = event.steps.people
    references = [Reference(kind="call", value=each) for each in event.steps.leg.related]
    if id:
        references.append(Reference(kind="thread", value=f"conference/{name}/{id}"))
    reason = "joined the conference" if action == "add-member" else "left the conference"
    customers = [each for each in people.participants if each.role == "customer"]
    stays = action == "add-member"
    yield event.draft(
        ROUTED, f"{action}/{id_part(id or name or '0')}/{event.unique}", people=people, references=references,
        agent=people.agent if stays else None, reason=f"{reason} {name}".strip(),
        participants=customers if stays else [*customers, *out_of_it(people.agent, event.connection.id)],
    )  # fmt: skip


def _fifo(event: Event) -> Iterator[Outcome]:
    action, name = event.header("FIFO-Action"), event.header("FIFO-Name")
    kind = {"push": QUEUED, "abort": ABANDONED, "timeout": ROUTED}.get(action)
    if kind is None:
        yield _other("fifo::info")
        return
    reason = {"abort": "hung up in the queue", "timeout": "left the queue: TIMEOUT"}.get(action, "")
    yield event.draft(
        kind, f"fifo/{action}/{id_part(name or '0')}/{event.unique}", queue=queue_of(name), reason=reason
    )  # fmt: skip


def _valet(event: Event) -> Iterator[Outcome]:
    if event.header("Action") != "hold":
        yield _other("valet_parking::info")
        return
    lot, place = event.header("Valet-Lot-Name"), event.header("Valet-Extension")
    yield event.draft(HELD, f"parked/{event.unique}", reason=f"parked in {lot} {place}".strip())


def _voicemail(event: Event) -> Iterator[Outcome]:
    if event.header("VM-Action") != "leave-message":
        yield _other("vm::maintenance")
        return
    path = event.header("VM-File-Path")
    length = event.header("VM-Message-Len")
    recording = Recording(
        id=path,
        status="voicemail",
        duration_ms=int(length) * 1000 if length.isdecimal() and length.isascii() and len(length) < 7 else None,
    )
    if not event.steps.leg.uuid:
        yield _voicemail_alone(event, recording)
        return
    step = f"voicemail/{id_part(path or '0')}/{event.unique}"
    yield event.draft("cx.call.recording.v1", step, recording=recording)


def _voicemail_alone(event: Event, recording: Recording) -> Draft:
    """Draft a voicemail whose event names no channel, only who called: a contact of its own (mod_voicemail.c)."""
    number, name = event.header("VM-Caller-ID-Number"), event.header("VM-Caller-ID-Name")
    who = named_caller(number, name, event.connection)
    own = f"voicemail/{id_part(event.header('VM-UUID') or recording.id or event.unique)}"
    return make_draft(
        event.connection, "voice", "cx.call.recording.v1", own,
        raw=msgspec.json.encode(event.kept()), root=own, time=event.at, direction="inbound" if who else "internal",
        participants=list(who), recording=recording,
    )  # fmt: skip


BY_SUBCLASS: Mapping[str, tuple[Callable[[Event], Iterator[Outcome]], str]] = {
    "callcenter::info": (
        _callcenter,
        "cx.interaction.queued, cx.interaction.routed, cx.interaction.answered, cx.interaction.abandoned",
    ),
    "conference::maintenance": (_conference, "cx.interaction.routed with the conference as thread"),
    "fifo::info": (_fifo, "cx.interaction.queued, cx.interaction.abandoned, cx.interaction.routed"),
    "valet_parking::info": (_valet, "cx.interaction.held"),
    "vm::maintenance": (_voicemail, "cx.call.recording"),
}
