"""Map a webhook request of Dialogflow CX (google.cloud.dialogflowcx_v3, ``WebhookRequest``).

A turn may call several webhooks with one ``detectIntentResponseId``: what two of them say alike is one event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.dialogflow.kinds import ignored
from cx_channels.chat.dialogflow.turn import Turn, channel_of, confidence_of, encode, ended, turn_of
from cx_channels.kit.bot_trails import is_card, words_of_rich
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection
from cx_events.envelope import Bot, Data, Message, TranscriptLine, Transfer
from cx_events.json_types import Json

FALLBACKS = frozenset({"Default Negative Intent"})
WELCOME = "Default Welcome Intent"


def map_cx(connection: Connection, value: Json) -> Iterator[Outcome]:
    """Yield what a request tells: what was said, understood and learned, and what the agent has ready to say."""
    about = obj(value.get("sessionInfo"))
    session, values = text(about.get("session")), obj(about.get("parameters"))
    turn = turn_of(connection, text(value.get("detectIntentResponseId")), session, values, obj(value.get("payload")))
    if not turn.id or not turn.root:
        yield turn.lost("it has no detectIntentResponseId, or no session", value)
        return
    found = list(bounded(_told(turn, value), lambda: id_part(turn.id), lambda: encode(value)))
    yield from found or [ignored("nothing")]


def _told(turn: Turn, value: Json) -> Iterator[Outcome]:
    if text(obj(value.get("intentInfo")).get("displayName")) == WELCOME:
        begin = turn.draft("cx.interaction.started.v1", "started", {"intent": WELCOME}, Data(reason="bot"))
        yield ignored("begin-as-guest") if turn.passed else begin
    yield from _query(turn, value)
    yield from _understood(turn, value)
    said = objects(value.get("messages"))
    handed = any("liveAgentHandoff" in each for each in said)
    for each in said:
        if not (handed and "endInteraction" in each):
            yield from _message(turn, each)


def _query(turn: Turn, value: Json) -> Iterator[Outcome]:
    """Yield what the customer said or pressed: one of five."""
    words, heard, keys = text(value.get("text")), text(value.get("transcript")), text(value.get("dtmfDigits"))
    event = text(value.get("triggerEvent"))
    if any(map(is_card, (words, heard, keys))):
        yield ignored("card")
    elif keys:
        yield turn.draft("cx.call.dtmf.v1", "keys", {"dtmfDigits": keys}, Data(digits=keys))
    elif heard and channel_of(turn.connection) == "voice":
        line = TranscriptLine(role="customer", text=heard)
        yield turn.draft("cx.call.transcript.v1", "heard", {"transcript": heard}, Data(transcript=[line]))
    elif (words or heard) and turn.connection.settings.get("messages") == "take":
        message = Message(id=turn.id, text=words or heard, content_type="text/plain")
        yield turn.draft("cx.message.received.v1", "words", {"text": words or heard}, Data(message=message))
    elif words or heard:
        yield ignored("words")
    elif event:
        yield ignored("event/no-input" if event.startswith("sys.no-input") else "event")
    elif text(value.get("triggerIntent")):
        yield ignored("intent-trigger")


def _understood(turn: Turn, value: Json) -> Iterator[Outcome]:
    info, page = obj(value.get("intentInfo")), obj(value.get("pageInfo"))
    name = text(info.get("displayName"))
    missed = name in FALLBACKS or text(value.get("triggerEvent")).startswith("sys.no-match")
    if name or missed:
        kept = {part: info[part] for part in ("displayName", "lastMatchedIntent", "confidence") if part in info}
        sure = confidence_of(info.get("confidence"))
        bot = Bot(intent="fallback" if missed else name, confidence=sure)
        step = "fallback" if missed else "intent"
        yield turn.draft("cx.bot.intent.v1", step, {"intentInfo": kept}, Data(bot=bot))
    slots = turn.slots(turn.values)
    if slots is not None:
        yield slots
    at = first(page.get("displayName"), page.get("currentPage"))
    if at and channel_of(turn.connection) == "voice":
        step = f"step/{sha256_hex(at.encode('utf-8', 'replace'))[:16]}"
        yield turn.draft("cx.call.ivr_step.v1", step, {"page": at}, Data(step=at))
    sentiment = turn.sentiment(obj(value.get("sentimentAnalysisResult")), "v3")
    if sentiment is not None:
        yield sentiment


# --- what the agent says ---------------------------------------------------------------------------------------------


def _text(turn: Turn, message: Json) -> Iterator[Outcome]:
    spoken, shown = obj(message.get("outputAudioText")), obj(message.get("text"))
    words = "\n".join(texts(shown.get("text"))) or text(spoken.get("text"))
    if words:
        yield turn.said(words, {"message": message})


def _payload(turn: Turn, message: Json) -> Iterator[Outcome]:
    words = words_of_rich(message.get("payload"))
    yield turn.said(words, {"message": message}) if words else ignored("message/payload")


def _handoff(turn: Turn, message: Json) -> Iterator[Outcome]:
    yield turn.draft("cx.bot.handoff_asked.v1", "handoff", {"message": message}, Data())


def _end(turn: Turn, message: Json) -> Iterator[Outcome]:
    yield ended(turn, {"message": message}, ignored("end-as-guest"))


def _transfer(turn: Turn, message: Json) -> Iterator[Outcome]:
    to = text(obj(message.get("telephonyTransferCall")).get("phoneNumber"))
    yield turn.draft(
        "cx.interaction.transferred.v1", "transferred", {"message": message}, Data(transfer=Transfer(to=to))
    )


def _left_out(kind: str) -> Callable[[Turn, Json], Iterator[Outcome]]:
    def leave(_turn: Turn, _message: Json) -> Iterator[Outcome]:
        yield ignored(kind)

    return leave


_MESSAGES: Mapping[str, tuple[Callable[[Turn, Json], Iterator[Outcome]], str]] = {
    "text": (_text, "cx.bot.turn"),
    "outputAudioText": (_text, "cx.bot.turn"),
    "payload": (_payload, "cx.bot.turn, where it has words"),
    "liveAgentHandoff": (_handoff, "cx.bot.handoff_asked"),
    "endInteraction": (_end, "cx.interaction.ended"),
    "telephonyTransferCall": (_transfer, "cx.interaction.transferred"),
    "playAudio": (_left_out("message/play-audio"), ""),
    "mixedAudio": (_left_out("message/mixed-audio"), ""),
    "knowledgeInfoCard": (_left_out("message/knowledge-card"), ""),
    "toolCall": (_left_out("message/tool-call"), ""),
    "conversationSuccess": (_left_out("message/success"), ""),
}


def _message(turn: Turn, message: Json) -> Iterator[Outcome]:
    kind = next((name for name in _MESSAGES if name in message), "")
    if kind:
        yield from _MESSAGES[kind][0](turn, message)
    else:
        yield turn.lost("a message of a kind that is not known", {"messages": [message]})


KINDS: Mapping[str, str] = {
    "cx/welcome": "cx.interaction.started",
    "cx/words": "cx.message.received, where the setting messages is take",
    "cx/transcript": "cx.call.transcript in calls",
    "cx/keys": "cx.call.dtmf",
    "cx/intent": "cx.bot.intent",
    "cx/no-match": "cx.bot.intent of the name fallback",
    "cx/parameters": "cx.bot.slot",
    "cx/page": "cx.call.ivr_step in calls",
    "cx/sentiment": "cx.insight.found",
    **{f"cx/message/{name}": becomes for name, (_, becomes) in _MESSAGES.items() if becomes},
}


def cx_kinds(value: Json) -> Iterator[str]:
    """Yield the kinds of what a request tells."""
    info: Any = obj(value.get("intentInfo"))
    if info.get("displayName") == WELCOME:
        yield "cx/welcome"
    for field, kind in (
        ("text", "words"), ("transcript", "transcript"), ("dtmfDigits", "keys"), ("pageInfo", "page"),
        ("sentimentAnalysisResult", "sentiment"),
    ):  # fmt: skip
        if value.get(field):
            yield f"cx/{kind}"
    if info.get("displayName"):
        yield "cx/intent"
    if text(value.get("triggerEvent")).startswith("sys.no-match"):
        yield "cx/no-match"
    if obj(value.get("sessionInfo")).get("parameters"):
        yield "cx/parameters"
    for message in objects(value.get("messages")):
        yield from (f"cx/message/{name}" for name in message if name in _MESSAGES)
