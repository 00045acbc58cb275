"""Map events of channels, by their name. Steps that a CDR tells, too, are drafted in ``steps``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.safe_xml import read_xml
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.freeswitch.kinds import SAME
from cx_channels.voice.freeswitch.leg import leg_of_event, micros
from cx_channels.voice.freeswitch.settings import people_settings
from cx_channels.voice.freeswitch.steps import ENDED, ROUTED, Steps
from cx_events.envelope import Draft, Recording, TranscriptLine
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import mend_surrogates
from cx_events.timestamps import Micros

_NOT_KEPT = ("variable_", "Other-Leg-", "FreeSWITCH-", "Event-Calling-", "Event-Date-GMT", "Event-Date-Local")
_MOST_KEPT = 120
_MOST_OF_A_VALUE = 2000


class Event:
    """One event. ``headers``: as they came."""

    def __init__(self, headers: Json, connection: Connection) -> None:
        self.headers = headers
        self.connection = connection
        self.steps = Steps(leg_of_event(headers), connection)

    def header(self, name: str) -> str:
        return text(self.headers.get(name))

    @property
    def at(self) -> Micros | None:
        return micros(self.headers.get("Event-Date-Timestamp"))

    def time(self, name: str) -> Micros | None:
        """Return a time of the channel, ``Caller-Channel-NAME-Time``, else that of the event."""
        return micros(self.headers.get(f"Caller-Channel-{name}-Time")) or self.at

    @property
    def unique(self) -> str:
        """Return what tells this event from others of its kind: its time, and its number while the core runs."""
        return f"{id_part(self.header('Event-Date-Timestamp') or '0')}/{id_part(self.header('Event-Sequence') or '0')}"

    def kept(self) -> dict[str, Any]:
        """Return the headers that tell of this event, without the channel's variables."""
        found: dict[str, Any] = {}
        for name, value in self.headers.items():
            if isinstance(value, str) and not name.startswith(_NOT_KEPT) and len(found) < _MOST_KEPT:
                found[name[:200]] = value[:_MOST_OF_A_VALUE]
        return found

    def draft(self, event_type: str, step: str, /, **data: Any) -> Draft:
        """Draft an event that no CDR tells."""
        return self.steps.draft(event_type, step, self.at, self.kept(), **data)


def _ignored(kind: str) -> Ignored:
    return Ignored(kind, SAME[kind])


def _created(event: Event) -> Iterator[Outcome]:
    yield event.steps.created(event.time("Created"))


def _found(event: Event) -> Iterator[Outcome]:
    """Map a channel as ``uuid_dump`` tells it: what began before anybody listened."""
    leg = event.steps.leg
    yield event.steps.created(event.time("Created"))
    bridged = micros(event.headers.get("Caller-Channel-Bridged-Time"))
    if bridged and leg.variable("bridge_uuid") and not leg.is_second and not leg.variable("cc_side"):
        yield event.steps.bridged(leg.variable("bridge_uuid"), bridged)


def _progress(event: Event) -> Iterator[Outcome]:
    if not event.steps.leg.is_second:
        yield _ignored("CHANNEL_PROGRESS/caller")
        return
    yield event.steps.ringing("ringing", event.time("Progress"))


def _progress_media(event: Event) -> Iterator[Outcome]:
    if not event.steps.leg.is_second:
        yield _ignored("CHANNEL_PROGRESS/caller")
        return
    yield event.steps.ringing("early-media", event.time("Progress-Media"))


def _answer(event: Event) -> Iterator[Outcome]:
    yield event.steps.picked_up(event.time("Answered"))


def _bridge(event: Event) -> Iterator[Outcome]:
    """Map that two legs talk. Where mod_callcenter bridges them, it tells so itself, with the agent's name."""
    leg = event.steps.leg
    if leg.variable("cc_side") and leg.variable("cc_queue_terminated_epoch") in ("", "0"):
        yield _ignored("CHANNEL_BRIDGE/queue")
        return
    one, two = event.header("Bridge-A-Unique-ID"), event.header("Bridge-B-Unique-ID")
    other = two if one == leg.uuid else one
    yield from event.steps.transfers(event.headers.get("variable_transfer_history"), leg.variable("transfer_source"))
    yield event.steps.bridged(other or leg.other, event.time("Bridged"))


def _hold(event: Event) -> Iterator[Outcome]:
    began = micros(event.headers.get("Caller-Channel-Last-Hold")) or event.at
    yield event.steps.held(began or 0)


def _unhold(event: Event) -> Iterator[Outcome]:
    if event.header("Answer-State") == "hangup":
        yield _ignored("CHANNEL_UNHOLD/end")
        return
    began = micros(event.headers.get("Caller-Channel-Last-Hold")) or event.at or 0
    yield event.steps.resumed(began, event.at or began)


def _hangup(event: Event) -> Iterator[Outcome]:
    leg = event.steps.leg
    if not leg.is_second:
        history = event.headers.get("variable_transfer_history")
        yield from event.steps.transfers(history, leg.variable("transfer_source"))
    at = micros(event.headers.get("variable_end_uepoch")) or event.time("Hangup")
    yield event.steps.ended(at, leg.variable("hangup_cause") or event.header("Hangup-Cause"))


def _renamed(event: Event) -> Iterator[Outcome]:
    old = event.header("Old-Unique-ID")
    yield event.draft(ROUTED, f"renamed/{id_part(old or '0')}", reason="renamed", also=(old,))


def _execute(event: Event) -> Iterator[Outcome]:
    """Map a step of the dialplan. Of its arguments only the first word is told: others hold texts and secrets."""
    application = event.header("Application")
    if application not in event.connection.once(people_settings).applications:
        yield _ignored("CHANNEL_EXECUTE/other")
        return
    words = event.header("Application-Data").split(None, 1)
    named = words[0] if words and application in ("ivr", "callcenter", "fifo") else ""
    id = event.header("Application-UUID") or event.unique
    kept = {"step": "execute", "uuid": event.steps.leg.uuid, "Application": application, "Application-UUID": id}
    step = f"{application} {named}".strip()
    yield event.steps.draft("cx.call.ivr_step.v1", f"execute/{id}", event.at, kept, step=step)


def _dtmf(event: Event) -> Iterator[Outcome]:
    people = event.steps.people
    if people.far == "staff":
        yield _ignored("DTMF/staff")
        return
    yield event.draft("cx.call.dtmf.v1", f"dtmf/{event.unique}", digits=event.header("DTMF-Digit"))


def _recording(status: str) -> Callable[[Event], Iterator[Outcome]]:
    def mapped(event: Event) -> Iterator[Outcome]:
        path = event.header("Record-File-Path")
        length = event.steps.leg.variable("record_ms")
        is_over = status == "completed"
        recording = Recording(
            id=path,
            status=status,
            duration_ms=int(length) if is_over and length.isdecimal() and len(length) < 13 else None,
        )
        step = f"recording/{status}/{id_part(path or '0')}/{event.unique}"
        yield event.draft("cx.call.recording.v1", step, recording=recording)

    return mapped


def _speech(event: Event) -> Iterator[Outcome]:
    words = _words(event.header("_body")) if event.header("Speech-Type") == "detected-speech" else ""
    if not words:
        yield _ignored("DETECTED_SPEECH/nothing")
        return
    role = "agent" if event.steps.people.far == "staff" else "customer"
    line = TranscriptLine(role=role, text=words)
    yield event.draft("cx.call.transcript.v1", f"speech/{event.unique}", transcript=[line])


def _words(body: str) -> str:
    """Return what was said: the text of ``input`` in NLSML (RFC 6787, section 6.3.1), of ``text`` in JSON, or all."""
    body = body.strip()
    if body.startswith("{"):
        try:
            found = msgspec.json.decode(mend_surrogates(body.encode("utf-8", "replace")))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return ""
        return text(found.get("text")) if isinstance(found, dict) else ""
    if not body.startswith("<"):
        return body
    try:
        root = read_xml(body.encode("utf-8", "replace"))
    except Refused:
        return ""
    return next((each.words("input") for each in root.all("interpretation") if each.words("input")), "")


def gone(event: Event) -> Iterator[Outcome]:
    """Map what the hub itself found: a call that the switch no longer has, whose end nobody heard."""
    leg = event.steps.leg
    kept = {"step": "lost", **leg.kept(), "why": event.header("Gone-Because"), "until": event.header("Gone-Until")}
    kind = ROUTED if leg.is_second else ENDED
    yield event.steps.draft(kind, "lost", event.at, kept, reason=f"lost: {event.header('Gone-Because')}")


BY_NAME: Mapping[str, tuple[Callable[[Event], Iterator[Outcome]], str]] = {
    "CHANNEL_CREATE": (_created, "cx.interaction.started of a call; of a leg for it cx.interaction.routed"),
    "CHANNEL_OUTGOING": (_created, "cx.interaction.routed, the same as CHANNEL_CREATE of that leg"),
    "CHANNEL_ORIGINATE": (_created, "cx.interaction.routed or cx.interaction.started, the same as CHANNEL_CREATE"),
    "CHANNEL_DATA": (
        _found,
        "cx.interaction.started, cx.interaction.routed, cx.interaction.answered: as uuid_dump asks",
    ),
    "CHANNEL_PROGRESS": (_progress, "cx.interaction.routed, of a leg that is dialled"),
    "CHANNEL_PROGRESS_MEDIA": (_progress_media, "cx.interaction.routed, of a leg that is dialled"),
    "CHANNEL_ANSWER": (_answer, "cx.call.ivr_step of a caller; cx.interaction.answered or cx.interaction.routed else"),
    "CHANNEL_BRIDGE": (_bridge, "cx.interaction.answered; cx.interaction.transferred before it"),
    "CHANNEL_HOLD": (_hold, "cx.interaction.held"),
    "CHANNEL_UNHOLD": (_unhold, "cx.interaction.resumed"),
    "CHANNEL_HANGUP_COMPLETE": (
        _hangup,
        "cx.interaction.ended or cx.interaction.abandoned of a call; of a leg for it cx.interaction.routed",
    ),
    "CHANNEL_UUID": (_renamed, "cx.interaction.routed with both ids"),
    "CHANNEL_EXECUTE": (_execute, "cx.call.ivr_step of the applications that are menus or queues"),
    "DTMF": (_dtmf, "cx.call.dtmf"),
    "RECORD_START": (_recording("started"), "cx.call.recording"),
    "RECORD_STOP": (_recording("completed"), "cx.call.recording"),
    "DETECTED_SPEECH": (_speech, "cx.call.transcript"),
    "THROUGHLINE_GONE": (gone, "cx.interaction.ended: the hub's own notice of a call that is gone"),
}
"""What each becomes; the last is no event of FreeSWITCH but made by ``stream``."""
