"""Map a CDR of mod_json_cdr: all that happened to one leg, told at its end.

Keys, menu steps and recordings are not in it; the event socket tells them. ``callflow`` has a caller profile for each
transfer, the newest first, with its times in µs; ``variables`` has what the leg's modules wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from cx_channels.kit.json_values import objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Request, Unmapped
from cx_channels.voice.freeswitch.leg import Leg, leg_of_record, micros, seconds
from cx_channels.voice.freeswitch.notice import member
from cx_channels.voice.freeswitch.steps import Steps
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_HOLDS = re.compile(r"\{([0-9]{1,18}),([0-9]{1,18})\}")
_MOST_HOLDS = 30
_SLACK = 2_000_000
"""µs by which mod_callcenter's whole seconds may lie beside the core's own time."""


def map_record(record: Json, request: Request, connection: Connection) -> Iterator[Outcome]:
    """Map one CDR. Where ``?uuid=`` names another leg than the body, nothing of it is believed."""
    begin, end = leg_of_record(record), leg_of_record(record, at_end=True)
    named = next((value for name, value in request.query if name == "uuid"), "")
    if not begin.uuid:
        yield Unmapped(sha256_hex(request.body)[:32], "malformed CDR: variables has no uuid", request.body)
        return
    if named and named.removeprefix("a_") != begin.uuid:
        detail = f"malformed CDR: ?uuid={named[:64]} is not {begin.uuid[:64]}"
        yield Unmapped(sha256_hex(request.body)[:32], detail, request.body)
        return
    started, over = Steps(begin, connection), Steps(end, connection)
    yield started.created(micros(begin.created))
    if begin.is_second:
        yield from _attempt(started, record)
    else:
        yield from _call(started, record)
    yield over.ended(_ended_at(record), end.variable("hangup_cause"))


def _attempt(steps: Steps, record: Json) -> Iterator[Outcome]:
    """Yield what became of a second leg before its end."""
    leg = steps.leg
    if rang := micros(leg.variable("progress_uepoch")):
        yield steps.ringing("ringing", rang)
    if tones := micros(leg.variable("progress_media_uepoch")):
        yield steps.ringing("early-media", tones)
    if answered := micros(leg.variable("answer_uepoch")):
        yield steps.picked_up(answered)


def _call(steps: Steps, record: Json) -> Iterator[Outcome]:
    leg = steps.leg
    if answered := micros(leg.variable("answer_uepoch")):
        yield steps.picked_up(answered)
    queue, taken = leg.variable("cc_queue"), seconds(leg.variable("cc_queue_answered_epoch"))
    if queue and (joined := seconds(leg.variable("cc_queue_joined_epoch"))):
        yield steps.queued(leg.uuid, queue, joined)
    if queue and taken:
        yield steps.taken(leg.uuid, queue, leg.variable("cc_agent"), taken)
    if queue and (gone := seconds(leg.variable("cc_queue_canceled_epoch"))):
        yield steps.left(leg.uuid, queue, leg.variable("cc_cancel_reason"), gone)
    for bridged, other, at in _bridges(leg, record):
        if not (taken and taken - _SLACK <= at <= taken + _SLACK):  # else it is told by the queue
            yield Steps(bridged, steps.connection).bridged(other, at)
    variables = member(record, "variables")
    yield from steps.transfers(variables.get("transfer_history"), leg.variable("transfer_source"))
    yield from _holds(steps, record)


def _bridges(leg: Leg, record: Json) -> Iterator[tuple[Leg, str, Micros]]:
    """Yield the leg as it was at each bridge, the other one, and when."""
    seen: set[Micros] = set()
    for flow in reversed(objects(record.get("callflow"))):
        at = micros(member(flow, "times").get("bridged_time"))
        profile = member(flow, "caller_profile")
        reached = objects(member(profile, "originatee").get("originatee_caller_profiles"))
        other = reached[-1] if reached else {}
        uuid = text(other.get("uuid")) or leg.variable("bridge_uuid") or leg.variable("last_bridge_to")
        if at is None or at in seen or not uuid:
            continue
        seen.add(at)
        yield (
            replace(
                leg,
                destination=text(profile.get("destination_number")),
                other=uuid,
                other_destination=text(other.get("destination_number")),
                other_channel=text(other.get("chan_name")),
            ),
            uuid,
            at,
        )


def _holds(steps: Steps, record: Json) -> Iterator[Outcome]:
    """Yield each hold of ``hold_events``, ``{{BEGIN,END},{BEGIN,END}}`` in µs. One that the end ended goes on."""
    ended = _ended_at(record)
    for began, over in _HOLDS.findall(steps.leg.variable("hold_events"))[:_MOST_HOLDS]:
        since, until = micros(began), micros(over)
        if since is None:
            continue
        yield steps.held(since)
        if until is not None and (ended is None or until < ended):
            yield steps.resumed(since, until)


def _ended_at(record: Json) -> Micros | None:
    flow = objects(record.get("callflow"))
    hung_up = member(flow[0], "times").get("hangup_time") if flow else None
    return micros(member(record, "variables").get("end_uepoch")) or micros(hung_up)
