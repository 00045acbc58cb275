"""Map Twilio's voice requests.

One request is one notice, and its kind is told by which fields it has (``kind_of``). ``KINDS`` maps each kind to a
function; ``IGNORED`` names those left out on purpose, ``waiting`` those that have no adapter yet. Shapes:
www.twilio.com/docs/voice, the pages "TwiML voice request", "Call resource: StatusCallback", and those of the verbs and
nouns named beside each kind.

All legs of a call are one interaction, that of the leg without a parent: ``CONNECTION/CALLSID``. A leg's own end does
not end it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit import twilio_products
from cx_channels.kit.twilio_forms import Fields, read_fields
from cx_channels.provider import Connection, Ignored, Mapped, Request
from cx_channels.voice.twilio import events
from cx_channels.voice.twilio.callback import CallbackRequest, Outcome
from cx_channels.voice.twilio.kinds import kind_of
from cx_events.errors import Refused

KINDS: Mapping[str, tuple[Callable[[CallbackRequest], Outcome], str]] = {
    # Voice webhook of a number or an application: the call asks what to do (TwiML voice request)
    "voice/ringing": (events.map_voice_request, "cx.interaction.started"),
    "voice/step": (
        events.map_next_step,
        "cx.call.ivr_step: the call asks for its next step, after a redirect or a timeout",
    ),
    # StatusCallback of a call (Call resource) or of <Number>, <Client>, <Sip>; of a leg: routed, answered, routed
    "status/queued": (events.map_call_start, "cx.interaction.started; of a leg: routed"),
    "status/initiated": (events.map_call_start, "cx.interaction.started; of a leg: routed"),
    "status/ringing": (events.map_call_start, "cx.interaction.started; of a leg: routed"),
    "status/in-progress": (events.map_answer, "cx.interaction.answered"),
    "status/answered": (events.map_answer, "cx.interaction.answered"),
    "status/completed": (events.map_call_end, "cx.interaction.ended; of a leg: routed, the call goes on"),
    "status/busy": (events.map_call_end, "cx.interaction.ended; of a leg: routed"),
    "status/no-answer": (events.map_call_end, "cx.interaction.ended, abandoned when inbound; of a leg: routed"),
    "status/failed": (events.map_call_end, "cx.interaction.ended; of a leg: routed"),
    "status/canceled": (events.map_call_end, "cx.interaction.ended, abandoned when inbound; of a leg: routed"),
    "amd": (events.map_machine_detection, "cx.interaction.answered with answered_by (answering machine detection)"),
    # <Gather> action, <Record> action, recordingStatusCallback, transcribeCallback
    "gather/digits": (events.map_digits, "cx.call.dtmf"),
    "gather/speech": (events.map_speech, "cx.call.transcript"),
    "record": (events.map_record_action, "cx.call.recording"),
    "recording/in-progress": (events.map_recording_status, "cx.call.recording"),
    "recording/completed": (events.map_recording_status, "cx.call.recording"),
    "recording/absent": (events.map_recording_status, "cx.call.recording with failure"),
    "recording/failed": (events.map_recording_status, "cx.call.recording with failure"),
    "transcription/completed": (events.map_transcription, "cx.call.transcript"),
    # <Start><Transcription> statusCallbackUrl
    "transcription-content": (
        events.map_transcription_content,
        "cx.call.transcript, one line each; partial results are ignored",
    ),
    # <Dial> action, <Enqueue> action and waitUrl, <Queue> url, <Refer> action and referUrl
    "dial": (events.map_dial_action, "cx.interaction.routed: how the attempt went"),
    "queue/waiting": (events.map_queue_wait, "cx.interaction.queued"),
    "queue/connecting": (events.map_queue_connect, "cx.interaction.routed"),
    "queue/hangup": (events.map_queue_hangup, "cx.interaction.abandoned"),
    "queue/left": (events.map_queue_exit, "cx.interaction.routed with the QueueResult as reason"),
    "refer": (events.map_refer, "cx.interaction.transferred"),
    # <Conference> statusCallback; the conference is a `thread` reference that its calls share
    "participant-join": (events.map_participant_join, "cx.interaction.routed"),
    "participant-hold": (events.map_participant_hold, "cx.interaction.held"),
    "participant-unhold": (events.map_participant_unhold, "cx.interaction.resumed"),
    "participant-leave": (events.map_participant_leave, "cx.interaction.ended if the participant's call is over"),
    # <Connect><ConversationRelay> action
    "relay/handoff": (events.map_relay_handoff, "cx.bot.handoff_asked"),
    # <Connect><VirtualAgent> action (docs/voice/twiml/connect/virtualagent)
    "virtual-agent/handoff": (events.map_virtual_agent_handoff, "cx.bot.handoff_asked"),
}

IGNORED: Mapping[str, str] = {
    "pay": "<Pay> results are card data; none of it is kept",
    "stream": "<Stream> reports on the transport of audio, not on the conversation",
    "siprec": "<Siprec> reports on the transport of audio, not on the conversation",
    "relay/ended": "the relay session ended without asking for a hand-off; the call's own status follows",
    "virtual-agent/ended": "the virtual agent is done without asking for a hand-off; the call's own status follows",
    "gather/partial": "the final result of <Gather> follows",
    "transcription/in-progress": "the text follows",
    "transcription/failed": "there is no text; the recording has an event of its own",
    "transcription-started": "the words have events of their own",
    "transcription-stopped": "the words have events of their own",
    "transcription-error": "there are no words; the call goes on",
    "conference-start": "a room's own life; its calls' joining and leaving tell it",
    "conference-end": "a room's own life; its calls' joining and leaving tell it",
    "conference-record-start": "the recording has a callback of its own",
    "conference-record-end": "the recording has a callback of its own",
    "participant-mute": "not part of the customer's story",
    "participant-unmute": "not part of the customer's story",
    "participant-modify": "not part of the customer's story",
    "participant-coaching": "a supervisor speaks with the agent alone; not part of the customer's story",
    "participant-speech-start": "not part of the customer's story",
    "participant-speech-stop": "not part of the customer's story",
    "announcement-end": "not part of the customer's story",
    "announcement-fail": "not part of the customer's story",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in twilio_products.KINDS.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a request: to one event, to one ignored kind, or to one that is kept for a later mapping.

    Raise ``Refused``: ``malformed`` (unreadable), ``no-call-sid`` (no call is named), ``unknown-kind`` (a status or
    event that Twilio had not documented when this was written).
    """
    fields = request.once(read_fields)
    if isinstance(fields, list):
        return Mapped(unmapped=tuple(twilio_products.kept_of_stream(fields, request)))
    if connection.settings.get("mask_digits"):
        fields = fields.masked("Digits")
        kind = kind_of(fields)
    else:
        kind = request.once(_kind)
    _check_unambiguous(fields)
    if kind in twilio_products.KINDS:
        return Mapped(unmapped=(twilio_products.kept(kind, fields, request),))
    if kind in IGNORED:
        return _ignored(kind)
    callback = CallbackRequest(fields, connection, request)
    if not callback.sid:
        raise Refused("no-call-sid", f"of which call? There is no CallSid among its fields: {fields.names()}")
    if kind not in KINDS:
        raise Refused("unknown-kind", f"nothing tells what this means: kind {kind!r}, fields {fields.names()}")
    outcome = KINDS[kind][0](callback)
    return Mapped(ignored=(outcome,)) if isinstance(outcome, Ignored) else Mapped(drafts=(outcome,))


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the request's kind as ``DOCUMENTED`` names it; nothing for an array of events of other products."""
    fields = request.once(read_fields)
    return () if isinstance(fields, list) else (kind_of(fields),)


def _kind(request: Request) -> str:
    """For ``Request.once``: the kind of a request that has fields."""
    fields = request.once(read_fields)
    assert isinstance(fields, Fields)
    return kind_of(fields)


_ONCE = frozenset({
    "CallSid", "ParentCallSid", "ConferenceSid", "Direction", "CallStatus", "From", "Caller", "To", "Called",
})  # fmt: skip


def _check_unambiguous(fields: Fields) -> None:
    """Raise ``Refused("ambiguous")`` where a field that says which call this is, or whose, has two values.

    Twilio sends each once. A softphone's application may add parameters of any name (docs/voice/sdks/javascript,
    "device.connect(connectOptions)"), and which of the two is Twilio's can't be told.
    """
    if not fields.ambiguous:
        return
    for name in sorted(_ONCE & fields.ambiguous):
        raise Refused("ambiguous", f"{name} comes with more than one value, and nothing shows which one is Twilio's")


def expects_twiml(request: Request) -> bool:
    """Return whether Twilio asks what to do, and then takes nothing but TwiML, or only reports."""
    try:
        fields = request.once(read_fields)
    except Refused:
        return True
    if isinstance(fields, list):
        return False
    kind = request.once(_kind)
    if kind in twilio_products.KINDS:
        return kind == twilio_products.MESSAGE
    if kind == "amd":  # told by a callback of its own, or with the request for what to do next
        return bool(fields["CallStatus"])
    return kind in _ASKING or kind.startswith(("voice/", "queue/", "relay/", "virtual-agent/")) or not kind


_ASKING = frozenset({"gather/digits", "gather/speech", "record", "dial", "refer", "pay"})


def _ignored(kind: str) -> Mapped:
    return Mapped(ignored=(Ignored(kind, IGNORED[kind]),))
