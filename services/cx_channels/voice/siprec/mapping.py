"""Map SIPREC metadata: calls that are recorded, who is in them, and when the recording runs.

RFC 7865; a document has all of a session (``datamode`` complete) or what changed (partial). Each step has an id of its
own time, so that a document that is sent again, and one that repeats what an earlier one said, makes the same events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft, sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored, Mapped, Request
from cx_channels.voice.siprec.document import Person, Session, read_document, sessions_in, time_in
from cx_channels.voice.siprec.parties import Parties, parties_of
from cx_events.envelope import Draft, Recording, Reference

IGNORED: Mapping[str, str] = {"unchanged": "nothing in it says that anything happened"}
DOCUMENTED: Mapping[str, str] = {
    "session": "cx.interaction.started",
    "session/stopped": "cx.interaction.ended",
    "participant/joined": "cx.interaction.answered of staff; else cx.interaction.routed",
    "participant/left": "cx.interaction.routed",
    "recording/started": "cx.call.recording",
    "recording/completed": "cx.call.recording",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one document. Raise ``Refused("malformed")`` for what is none."""
    outcomes = (each for session in sessions_in(request.once(read_document)) for each in _map(session, connection))
    digest = sha256_hex(request.body)[:32]
    mapped = sort_outcomes(bounded(outcomes, digest, request.body))
    if mapped.drafts or mapped.unmapped:
        return mapped
    return Mapped(ignored=(Ignored("unchanged", IGNORED["unchanged"]),))


def _map(session: Session, connection: Connection) -> Iterator[Outcome]:
    parties = parties_of(session, connection)
    if _begins(session):
        since = session.began or _earliest(session, connection)
        yield _draft(session, connection, parties, "cx.interaction.started.v1", "started", session.began, since=since)
    for person in session.people:
        yield from _map_person(session, connection, parties, person)
    if session.recording_began:
        yield _recording(session, connection, parties, "started", session.recording_began)
    if session.recording_ended:
        yield _recording(session, connection, parties, "completed", session.recording_ended)
    if session.ended:
        kind = "cx.interaction.ended.v1"
        yield _draft(session, connection, parties, kind, "stopped", session.ended, reason=session.reason)


def _begins(session: Session) -> bool:
    return bool(session.began or (session.is_whole and session.people))


def _earliest(session: Session, connection: Connection) -> str:
    """Return the first moment that a session without a start-time tells of, as written: without it a call that is
    told later than its people joined would begin after them. "" where it tells of none."""
    zone = text(connection.settings.get("timezone"))
    told = [session.recording_began, *(each.joined for each in session.people)]
    known = [(at, each) for each in told if (at := time_in(each, zone)) is not None]
    return min(known, default=(0, ""))[1]


def _map_person(session: Session, connection: Connection, parties: Parties, person: Person) -> Iterator[Draft]:
    agent = parties.agents.get(person.id)
    if person.joined:
        kind = "cx.interaction.answered.v1" if agent is not None else "cx.interaction.routed.v1"
        step = f"joined/{id_part(person.id)}"
        yield _draft(session, connection, parties, kind, step, person.joined, agent=agent, reason="joined")
    if person.left:
        step, kind = f"left/{id_part(person.id)}", "cx.interaction.routed.v1"
        yield _draft(session, connection, parties, kind, step, person.left, agent=agent, reason="left")


def _recording(session: Session, connection: Connection, parties: Parties, status: str, at: str) -> Draft:
    recording = Recording(id=session.id, status=status)
    step = f"recording-{status}"
    return _draft(session, connection, parties, "cx.call.recording.v1", step, at, recording=recording)


def _draft(
    session: Session, connection: Connection, parties: Parties, event_type: str, step: str, at: str, /, *,
    since: str = "", **data: Any,
) -> Draft:  # fmt: skip
    """Draft an event. It keeps the step, who was named and what the call is known by: a document has no more of it.
    ``since``: its time where that is no part of its id."""
    people = [{"id": each.id, "aor": each.address, "name": each.name, "part": each.part} for each in session.people]
    kept = {"session_id": session.id, "step": step, "time": at or since, "participants": people, "calls": session.calls}
    # What is recorded is the call itself.
    references = [Reference(kind=kind, value=each) for each in session.calls for kind in ("call", "same-call")]
    references += [Reference(kind="thread", value=each) for each in session.groups]
    id = "/".join([id_part(session.id), step, *([id_part(at)] if at else [])])
    return make_draft(
        connection,
        "voice",
        event_type,
        id,
        raw=msgspec.json.encode(kept),
        root=id_part(session.id),
        time=time_in(at or since, text(connection.settings.get("timezone"))),
        direction=parties.direction,
        participants=parties.participants,
        references=references,
        **data,
    )


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of steps that a document tells."""
    found: dict[str, bool] = {}
    for session in sessions_in(request.once(read_document)):
        found["session"] = found.get("session", False) or _begins(session)
        found["session/stopped"] = found.get("session/stopped", False) or bool(session.ended)
        found["recording/started"] = found.get("recording/started", False) or bool(session.recording_began)
        found["recording/completed"] = found.get("recording/completed", False) or bool(session.recording_ended)
        found["participant/joined"] = any(each.joined for each in session.people)
        found["participant/left"] = any(each.left for each in session.people)
    return tuple(kind for kind, is_there in found.items() if is_there)
