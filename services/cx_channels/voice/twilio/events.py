"""Map each kind of request, one function each; ``mapping.KINDS`` is the table of them."""

from __future__ import annotations

from typing import Any

from cx_channels.kit.ids import id_part
from cx_channels.provider import Ignored
from cx_channels.voice.twilio.callback import (
    CallbackRequest,
    Outcome,
    conference_draft,
    draft_of,
    failure_of,
    own_id,
    packet_of,
    queue_of,
    recording_of,
    recording_time,
    spoken_in,
    status_id,
)
from cx_channels.voice.twilio.kinds import OVER, status_of
from cx_events.envelope import Draft, Handoff, Reference, TranscriptLine, Transfer, Waiting


def map_call_start(callback: CallbackRequest) -> Outcome:
    """Map the first status of a call, or of a leg."""
    status = status_of(callback.fields["CallStatus"])
    kind = "cx.interaction.routed.v1" if callback.is_leg else "cx.interaction.started.v1"
    agent = callback.parties.agent if callback.is_leg else None
    return draft_of(callback, kind, status_id(callback), reason=status, agent=agent)


def map_answer(callback: CallbackRequest) -> Outcome:
    """Map that somebody, or something, answered."""
    return draft_of(
        callback,
        "cx.interaction.answered.v1",
        status_id(callback),
        agent=callback.parties.agent,
        answered_by=callback.fields["AnsweredBy"],
    )


def map_call_end(callback: CallbackRequest) -> Outcome:
    """Map the last status. The end of a leg is the result of one attempt; the call ends with the
    leg without a parent."""
    status = status_of(callback.fields["CallStatus"])
    if callback.is_leg:
        kind = "cx.interaction.routed.v1"
    elif callback.parties.direction == "inbound" and status in ("no-answer", "canceled"):
        kind = "cx.interaction.abandoned.v1"
    else:
        kind = "cx.interaction.ended.v1"
    return draft_of(
        callback,
        kind,
        status_id(callback),
        reason=status,
        answered_by=callback.fields["AnsweredBy"],
        # CallDuration is in seconds; Duration is in minutes begun, for the bill.
        duration_ms=callback.fields.milliseconds("CallDuration"),
        recording=recording_of(callback.fields) if callback.fields["RecordingUrl"] else None,
        failure=failure_of(callback.fields, status),
    )


def map_voice_request(callback: CallbackRequest) -> Outcome:
    """Map the request for TwiML of a call that comes in."""
    fields = callback.fields
    kind = "cx.interaction.routed.v1" if callback.is_leg else "cx.interaction.started.v1"
    forwarded = fields["ForwardedFrom"] not in ("", fields["To"])
    return draft_of(
        callback,
        kind,
        f"{id_part(callback.sid)}/voice",
        reason=status_of(fields["CallStatus"]),
        agent=callback.parties.agent,
        transfer=Transfer(to=fields["To"], kind="forwarded") if forwarded else None,
    )


def map_next_step(callback: CallbackRequest) -> Outcome:
    """Map the request for the next TwiML of a call."""
    step = callback.fields["msg"] or "next"
    return draft_of(callback, "cx.call.ivr_step.v1", f"{id_part(callback.sid)}/step/{callback.distinct}", step=step)


def map_machine_detection(callback: CallbackRequest) -> Outcome:
    """Map the result of answering machine detection."""
    answered_by = callback.fields["AnsweredBy"]
    return draft_of(
        callback,
        "cx.interaction.answered.v1",
        f"{id_part(callback.sid)}/amd/{id_part(answered_by)}",
        answered_by=answered_by,
    )


def map_digits(callback: CallbackRequest) -> Outcome:
    """Map the digits of <Gather>."""
    digits = callback.fields["Digits"]
    return draft_of(callback, "cx.call.dtmf.v1", f"{id_part(callback.sid)}/digits/{callback.distinct}", digits=digits)


def map_speech(callback: CallbackRequest) -> Outcome:
    """Map the speech of <Gather>."""
    line = TranscriptLine(role=callback.heard, text=callback.fields["SpeechResult"])
    return draft_of(
        callback, "cx.call.transcript.v1", f"{id_part(callback.sid)}/speech/{callback.distinct}", transcript=[line]
    )


def map_recording_status(callback: CallbackRequest) -> Outcome:
    """Map the status of a recording."""
    recording = recording_of(callback.fields)
    return draft_of(
        callback,
        "cx.call.recording.v1",
        own_id(callback, "recording", recording.id, recording.status),
        time=recording_time(callback.fields, recording),
        recording=recording,
        failure=failure_of(callback.fields, recording.status),
    )


def map_record_action(callback: CallbackRequest) -> Outcome:
    """Map the action of <Record>."""
    recording = recording_of(callback.fields)
    return draft_of(
        callback,
        "cx.call.recording.v1",
        own_id(callback, "recorded", recording.id or callback.distinct),
        recording=recording,
    )


def map_transcription(callback: CallbackRequest) -> Outcome:
    """Map the transcription of a <Record>, on which only the caller speaks."""
    text = callback.fields["TranscriptionText"]
    if not text:
        return Ignored("transcription/empty", "nothing was said on the recording")
    return draft_of(
        callback,
        "cx.call.transcript.v1",
        own_id(callback, "transcription", callback.fields["TranscriptionSid"] or callback.distinct),
        transcript=[TranscriptLine(role=callback.heard, text=text)],
        recording=recording_of(callback.fields) if callback.fields["RecordingSid"] else None,
    )


def map_transcription_content(callback: CallbackRequest) -> Outcome:
    """Map one line of <Transcription>. The inbound track is what Twilio hears from the far end of the leg, the outbound
    track what it plays there."""
    fields = callback.fields
    if fields["Final"].lower() == "false":
        return Ignored("transcription-content/partial", "the final words of the same utterance follow")
    text = spoken_in(fields)
    if not text:
        return Ignored("transcription-content/empty", "nothing was said")
    at = fields["Timestamp"]
    line = TranscriptLine(
        role="agent" if fields["Track"] == "outbound_track" else callback.heard, text=text, at=at or None
    )
    number = fields["SequenceId"] or callback.distinct
    id = own_id(callback, "said", fields["TranscriptionSid"], number)
    return draft_of(callback, "cx.call.transcript.v1", id, transcript=[line])


def map_dial_action(callback: CallbackRequest) -> Outcome:
    """Map the action of <Dial>, which comes when it is over: the report on an attempt, not a change of the call."""
    fields = callback.fields
    status = status_of(fields["DialCallStatus"])
    leg = fields["DialCallSid"]
    return draft_of(
        callback,
        "cx.interaction.routed.v1",
        f"{id_part(callback.sid)}/dial/{id_part(leg) if leg else callback.distinct}/{id_part(status)}",
        reason=status,
        duration_ms=fields.milliseconds("DialCallDuration"),
        recording=recording_of(fields) if fields["RecordingUrl"] else None,
        failure=failure_of(fields, status),
        also=[Reference(kind="call", value=leg)] if leg else [],
    )


def map_queue_wait(callback: CallbackRequest) -> Outcome:
    """Map the wait in a queue."""
    since = callback.fields["QueueTime"] or callback.distinct
    queue = queue_of(callback.fields)
    position = callback.fields.whole("QueuePosition")
    return draft_of(
        callback,
        "cx.interaction.queued.v1",
        f"{id_part(callback.sid)}/queue/{id_part(queue.id)}/{id_part(since)}",
        queue=queue,
        waiting=Waiting(position=position) if position else None,
    )


def map_queue_connect(callback: CallbackRequest) -> Outcome:
    """Map the connection of a waiting call."""
    leg = callback.fields.first("DequeingCallSid", "DequeuingCallSid")
    queue = queue_of(callback.fields)
    return draft_of(
        callback,
        "cx.interaction.routed.v1",
        f"{id_part(callback.sid)}/queue/{id_part(queue.id)}/to/{id_part(leg)}",
        reason="connecting",
        queue=queue,
        also=[Reference(kind="call", value=leg)],
    )


def map_queue_hangup(callback: CallbackRequest) -> Outcome:
    """Map a caller's hanging up in a queue."""
    return _draft_queue_exit(callback, "cx.interaction.abandoned.v1")


def map_queue_exit(callback: CallbackRequest) -> Outcome:
    """Map any other way out of a queue."""
    return _draft_queue_exit(callback, "cx.interaction.routed.v1")


def _draft_queue_exit(callback: CallbackRequest, kind: str) -> Draft:
    result = callback.fields["QueueResult"].lower()
    queue = queue_of(callback.fields)
    return draft_of(
        callback,
        kind,
        f"{id_part(callback.sid)}/queue/{id_part(queue.id or callback.distinct)}/{id_part(result)}",
        reason=result,
        queue=queue if queue.id or queue.name else None,
        duration_ms=callback.fields.milliseconds("QueueTime"),
        failure=failure_of(callback.fields, "failed" if "error" in result else result),
    )


def map_participant_join(callback: CallbackRequest) -> Outcome:
    """Map a participant's joining a conference."""
    fields = callback.fields
    transfer = Transfer(to=fields.first("FriendlyName", "ConferenceSid"), kind="conference")
    return conference_draft(callback, "cx.interaction.routed.v1", reason="participant-join", transfer=transfer)


def map_participant_hold(callback: CallbackRequest) -> Outcome:
    """Map a participant put on hold."""
    return conference_draft(callback, "cx.interaction.held.v1")


def map_participant_unhold(callback: CallbackRequest) -> Outcome:
    """Map a participant taken off hold."""
    return conference_draft(callback, "cx.interaction.resumed.v1")


def map_participant_leave(callback: CallbackRequest) -> Outcome:
    """Map a participant's leaving a conference: the end of the call, if it is over."""
    status = status_of(callback.fields["ParticipantCallStatus"])
    if status not in OVER:
        return Ignored("participant-leave", "the call goes on outside the conference; what comes next says where")
    reason = callback.fields["ReasonParticipantLeft"] or status
    return conference_draft(
        callback, "cx.interaction.ended.v1", reason=reason, failure=failure_of(callback.fields, status)
    )  # fmt: skip


def map_refer(callback: CallbackRequest) -> Outcome:
    """Map a SIP REFER."""
    fields = callback.fields
    status = status_of(fields["ReferCallStatus"])
    return draft_of(
        callback,
        "cx.interaction.transferred.v1",
        f"{id_part(callback.sid)}/refer/{id_part(status) if status else 'asked'}/{callback.distinct}",
        reason=status,
        transfer=Transfer(to=fields["ReferTransferTarget"], kind="sip-refer"),
    )


def map_relay_handoff(callback: CallbackRequest) -> Outcome:
    """Map a hand-off by ConversationRelay."""
    return _handoff(callback, packet_of(callback.fields["HandoffData"]), callback.fields["SessionId"])


def map_virtual_agent_handoff(callback: CallbackRequest) -> Outcome:
    """Map a hand-off by a virtual agent."""
    return _handoff(callback, packet_of(callback.fields["VirtualAgentProviderData"]), "")


def _handoff(callback: CallbackRequest, packet: dict[str, Any], session: str) -> Draft:
    reason = packet.get("reason")
    session = session or callback.distinct
    return draft_of(
        callback,
        "cx.bot.handoff_asked.v1",
        f"{id_part(callback.sid)}/handoff/{id_part(session)}",
        reason=reason if isinstance(reason, str) else "",
        handoff=Handoff(packet=packet),
    )
