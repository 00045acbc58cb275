"""Map Vonage's voice webhooks: the answer webhook, events of legs, and those of NCCO actions.

One request is one notice, told by ``status``, else by its fields. Pages below developer.vonage.com: voice/voice-api/
webhook-reference, voice/voice-api/concepts/legs-conversations, voice/voice-api/ncco-reference. All legs of a call share
a conversation, which is the interaction; each event refers to its own leg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.voice.vonage.callback import Callback, callback_of, read_fields, whole_seconds
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Data, Failure, Recording, TranscriptLine, Transfer
from cx_events.json_types import Json

Mapper = Callable[[Callback], Iterator[Outcome]]


def _map_answer_webhook(callback: Callback) -> Iterator[Outcome]:
    """Map the question what to do with a call: it came in, or was picked up."""
    kind = "cx.interaction.routed.v1" if callback.parties.is_leg else "cx.interaction.started.v1"
    yield callback.draft(kind, "answer", Data(agent=callback.parties.agent))


def _map_begin(callback: Callback) -> Iterator[Outcome]:
    kind = "cx.interaction.routed.v1" if callback.parties.is_leg else "cx.interaction.started.v1"
    yield callback.draft(kind, "started", Data(reason="started", agent=callback.parties.agent))


def _map_ringing(callback: Callback) -> Iterator[Outcome]:
    yield callback.draft("cx.interaction.routed.v1", "ringing", Data(reason="ringing", agent=callback.parties.agent))


def _map_answered(callback: Callback) -> Iterator[Outcome]:
    yield callback.draft("cx.interaction.answered.v1", "answered", Data(agent=callback.parties.agent))


def _map_detection(callback: Callback) -> Iterator[Outcome]:
    """Map whether a person or a machine picked up (``call_uuid`` names the leg); ``beep_start`` follows a greeting."""
    status, more = text(callback.fields.get("status")).lower(), text(callback.fields.get("sub_state"))
    step = f"{status}/{id_part(more)}" if more else status
    yield callback.draft("cx.interaction.answered.v1", step, Data(answered_by=status, reason=more))


def _map_end(callback: Callback) -> Iterator[Outcome]:
    """Map that a leg is over. Of the customer's own leg, that is the end; of another, the result of an attempt."""
    fields = callback.fields
    status, detail = text(fields.get("status")).lower(), text(fields.get("detail"))
    parties = callback.parties
    if parties.is_leg or status == "disconnected":
        kind = "cx.interaction.routed.v1"
    elif status == "cancelled" and parties.direction == "inbound":
        kind = "cx.interaction.abandoned.v1"
    else:
        kind = "cx.interaction.ended.v1"
    failure = None
    if status not in ("completed", "disconnected", "cancelled"):
        failure = Failure(code=first(fields.get("sip_code"), detail, status), message=detail)
    duration = whole_seconds(fields, "duration")
    # A colleague whose leg is over is out of the call: of several that rang, those who did not answer end last.
    agent = None if parties.is_leg else parties.agent
    data = Data(reason=detail or status, agent=agent, duration_ms=duration, failure=failure)
    yield callback.draft(kind, f"{status}/{id_part(detail)}" if detail else status, data)


def _map_input(callback: Callback) -> Iterator[Outcome]:
    """Map keys and words. ``dtmf`` is a text, or an object with ``digits`` and ``timed_out``."""
    fields = callback.fields
    step = f"input/{id_part(text(fields.get('timestamp')) or '-')}/{callback.digest[:16]}"
    keyed = fields.get("dtmf")
    digits = text(keyed) or text(obj(keyed).get("digits"))
    best = next(iter(objects(obj(fields.get("speech")).get("results"))), {})
    words = text(best.get("text"))
    if digits:
        yield callback.draft("cx.call.dtmf.v1", f"{step}/dtmf", Data(digits=digits))
    if words:
        line = TranscriptLine(role="customer", text=words)
        yield callback.draft("cx.call.transcript.v1", f"{step}/speech", Data(transcript=[line]))
    kept = text(obj(fields.get("speech")).get("recording_url"))  # where the action asks for it: saveAudio
    if kept:
        recording = Recording(url=kept, status="completed")
        yield callback.draft("cx.call.recording.v1", f"{step}/recording", Data(recording=recording, reason="speech"))
    if not digits and not words and not kept:
        yield Ignored("input/nothing", IGNORED["input/nothing"])


def _map_recording(callback: Callback) -> Iterator[Outcome]:
    fields = callback.fields
    begin, end = callback.time("start_time"), callback.time("end_time")
    channels = text(fields.get("channels"))
    id = text(fields.get("recording_uuid")) or callback.digest
    recording = Recording(
        id=text(fields.get("recording_uuid")),
        url=text(fields.get("recording_url")),
        duration_ms=(end - begin) // 1000 if begin is not None and end is not None and begin <= end else None,
        channels=int(channels) if channels.isdecimal() and channels.isascii() and len(channels) < 4 else None,
        status="transcribed" if fields.get("transcription_url") else "completed",
    )
    step = f"{'transcribed' if fields.get('transcription_url') else 'recording'}/{id_part(id)}"
    yield callback.draft("cx.call.recording.v1", step, Data(recording=recording), time=end)


def _map_transfer(callback: Callback) -> Iterator[Outcome]:
    """Map that a leg moves into another conversation: what follows it there refers to both."""
    to = text(callback.fields.get("conversation_uuid_to"))
    step = f"transfer/{id_part(to)}/{id_part(text(callback.fields.get('timestamp')) or callback.digest)}"
    transfer = Data(transfer=Transfer(kind="conversation"))
    yield callback.draft("cx.interaction.transferred.v1", step, transfer, also=(to,))


def _map_notify(callback: Callback) -> Iterator[Outcome]:
    step = f"notify/{id_part(text(callback.fields.get('timestamp')) or callback.digest)}"
    yield callback.draft("cx.call.ivr_step.v1", step, Data(step="notify"))


_OVER = "cx.interaction.ended; of a leg to a colleague cx.interaction.routed"
KINDS: Mapping[str, tuple[Mapper, str]] = {
    "answer-webhook": (_map_answer_webhook, "cx.interaction.started; of a leg to a colleague cx.interaction.routed"),
    "started": (_map_begin, "cx.interaction.started; of a leg to a colleague cx.interaction.routed"),
    "ringing": (_map_ringing, "cx.interaction.routed"),
    "answered": (_map_answered, "cx.interaction.answered"),
    "human": (_map_detection, "cx.interaction.answered with answered_by"),
    "machine": (_map_detection, "cx.interaction.answered with answered_by"),
    "completed": (_map_end, _OVER),
    "busy": (_map_end, f"{_OVER}, with the failure"),
    "rejected": (_map_end, f"{_OVER}, with the failure"),
    "unanswered": (_map_end, f"{_OVER}, with the failure"),
    "timeout": (_map_end, f"{_OVER}, with the failure"),
    "failed": (_map_end, f"{_OVER}, with the failure"),
    "cancelled": (_map_end, "cx.interaction.abandoned of a call that came in; else cx.interaction.ended"),
    "disconnected": (_map_end, "cx.interaction.routed: a WebSocket is gone, the call goes on"),
    "input": (_map_input, "cx.call.dtmf, cx.call.transcript, cx.call.recording of what was said"),
    "record": (_map_recording, "cx.call.recording"),
    "transcribed": (_map_recording, "cx.call.recording: its transcript can be fetched"),
    "transfer": (_map_transfer, "cx.interaction.transferred"),
    "notify": (_map_notify, "cx.call.ivr_step"),
}

IGNORED: Mapping[str, str] = {
    "input/nothing": "nothing was keyed or said in time",
    "payment": "card data; nothing of it is kept",
    "error": "a mistake in an NCCO or at a webhook; nothing of the customer",
    "fallback": "asked because another answer of the application failed",
    "rtc": "the same steps as told by the Voice API's events, from the Conversation API",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}

_SPELLINGS = {"canceled": "cancelled", "complete": "completed", "timed_out": "timeout"}
_RTC = ("leg:", "audio:", "member:", "rtc:", "app:", "conversation:", "call:", "sip:", "event:", "ephemeral", "custom:")


def kind_of(fields: Mapping[str, object]) -> str:
    """Return the kind of a request as ``DOCUMENTED`` names it, else the status as it is; "" where nothing tells."""
    if "original_request" in fields:
        return "fallback"
    status = text(fields.get("status")).lower()
    if status:
        return _SPELLINGS.get(status, status)
    type = text(fields.get("type")).lower()
    if type.startswith(_RTC) and "body" in fields:
        return "rtc"
    for names, kind in _BY_FIELDS:
        if any(fields.get(name) is not None for name in names):
            return kind
    return "transfer" if type == "transfer" else "answer-webhook" if _asks(fields) else ""


_BY_FIELDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("conversation_uuid_to",), "transfer"),
    (("transcription_url",), "transcribed"),
    (("recording_url", "recording_uuid"), "record"),
    (("dtmf", "speech"), "input"),
    (("payment", "payment_data"), "payment"),
    (("payload",), "notify"),
    (("reason",), "error"),
)


def _asks(fields: Mapping[str, object]) -> bool:
    return bool(first(fields.get("uuid"))) and bool(
        first(fields.get("from"), fields.get("from_user"), fields.get("to"), fields.get("to_user"))
    )


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request. Raise ``Refused("malformed")`` for what can't be read."""
    return sort_outcomes(_outcomes(*request.once(read_fields), connection))


def _outcomes(fields: Json, raw: bytes, connection: Connection) -> Iterator[Outcome]:
    kind = kind_of(fields)
    if kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
        return
    callback = callback_of(fields, raw, connection)
    if kind not in KINDS:
        yield Unmapped(callback.digest, f"{UNKNOWN_KIND}: {kind[:64] or _named(callback)}", callback.raw)
    elif not callback.leg and not callback.conversation:
        yield Unmapped(callback.digest, f"malformed {kind}: neither uuid nor conversation_uuid", callback.raw)
    else:
        yield from KINDS[kind][0](callback)


def _named(callback: Callback) -> str:
    return f"neither status nor type; fields {', '.join(list(callback.fields)[:12])[:200] or 'none'}"


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the request's kind."""
    return (kind_of(request.once(read_fields)[0]),)
