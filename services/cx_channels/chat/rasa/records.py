"""Map records that tell what was said, understood and learned, and who goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from cx_channels.chat.rasa.kinds import ignored
from cx_channels.chat.rasa.record import Record
from cx_channels.kit.bot_trails import is_card, slots_of, words_of_rich
from cx_channels.kit.json_values import first, number, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.settings import texts_of
from cx_events.envelope import Attachment, Bot, Data, Message

Mapper = Callable[[Record], Iterable[Outcome]]

_COMMANDS = ("/session_start", "/restart", "/back")
_FALLBACK = "nlu_fallback"
_OWN_SLOTS = frozenset({"requested_slot", "session_started_metadata", "flow_hashes", "dialogue_stack"})
_HANDOFFS = ("action_handoff", "action_human_handoff")


def takes_words(record: Record) -> bool:
    """Return whether the customer's words are taken: a guest in another channel's contact leaves them to that."""
    setting = record.connection.settings.get("messages")
    return setting == "take" or (setting is None and not record.passed)


def map_user(record: Record) -> Iterator[Outcome]:
    """Map what somebody wrote, and what the assistant understood. ``/greet{...}`` is a button's, not typed."""
    words = text(record.event.get("text"))
    if words.startswith(_COMMANDS):
        yield ignored("user/command")
        return
    if is_card(words):
        yield ignored("user/card")
        return
    if words.startswith("/"):
        yield ignored("user/trigger")
    elif words and takes_words(record):
        id = text(record.event.get("message_id")) or record.id
        message = Message(id=id, text=words, content_type="text/plain")
        yield record.draft("cx.message.received.v1", Data(message=message))
    elif words:
        yield ignored("user/words")
    yield from _intent(record)


def _intent(record: Record) -> Iterator[Outcome]:
    intent = obj(obj(record.event.get("parse_data")).get("intent"))
    name, sure = text(intent.get("name")), number(intent.get("confidence"))
    if name:
        bot = Bot(
            intent="fallback" if name == _FALLBACK else name,
            confidence=sure if sure is not None and 0 <= sure <= 1 else None,
        )
        yield record.draft("cx.bot.intent.v1", Data(bot=bot), "intent")
    elif not text(record.event.get("text")):
        yield ignored("user/nothing")


def map_bot(record: Record) -> Iterable[Outcome]:
    """Map what the assistant said."""
    data = obj(record.event.get("data"))
    words = text(record.event.get("text")) or words_of_rich(data.get("custom")) or _shown(data.get("attachment"))
    shown = [text(data.get("image")), *_addresses(data.get("attachment"))]
    files = [Attachment(url=url) for url in dict.fromkeys(filter(None, shown))]
    if not words and not files:
        return (ignored("bot/nothing"),)
    message = Message(attachments=files) if files else None
    return (record.draft("cx.bot.turn.v1", Data(bot=Bot(text=words), message=message), role="bot"),)


def _shown(attachment: object) -> str:
    """Return the words of a template: ``{"type": "template", "payload": {"elements": [{"title", "subtitle"}]}}``."""
    return words_of_rich(obj(attachment).get("payload")) if obj(attachment).get("type") == "template" else ""


def _addresses(attachment: object) -> Iterator[str]:
    """Yield the address of an attachment: ``{"type", "payload": {"src" or "url"}}``, or the address itself."""
    if isinstance(attachment, str):
        yield attachment
    payload = obj(obj(attachment).get("payload"))
    yield first(payload.get("src"), payload.get("url"))


def map_slot(record: Record) -> Iterator[Outcome]:
    """Map a value that was learned; null forgets it."""
    name = text(record.event.get("name"))
    if not name:
        yield record.lost("it names no slot")
    elif name in _OWN_SLOTS or name.startswith("dialogue_stack"):
        yield ignored("slot/own")
    elif found := slots_of({name: record.event.get("value")}):
        yield record.draft("cx.bot.slot.v1", Data(bot=Bot(slots=found)))
    else:
        yield ignored("slot/empty")


def map_agent(record: Record) -> Iterable[Outcome]:
    """Map what a person wrote by way of Rasa."""
    words = text(record.event.get("text"))
    if not words:
        return (record.lost("it has no words"),)
    message = Message(id=record.id, text=words, content_type="text/plain")
    return (record.draft("cx.message.sent.v1", Data(message=message), role="agent"),)


def map_action(record: Record) -> Iterator[Outcome]:
    """Map an action that asks for a person, by the setting ``handoff_actions``; the others are the bot's insides."""
    asking = texts_of(record.connection.settings, "handoff_actions") or _HANDOFFS
    if text(record.event.get("name")) in asking:
        yield record.draft("cx.bot.handoff_asked.v1", Data(reason=text(record.event.get("name"))))
    else:
        yield ignored("action")


def map_pause(record: Record) -> Iterable[Outcome]:
    """Map that the assistant fell silent, so that a person goes on."""
    return (record.draft("cx.bot.handoff_asked.v1", Data(reason="paused")),)


def map_start(record: Record) -> Iterator[Outcome]:
    """Map the begin of a session."""
    if record.passed:
        yield ignored("session_started/guest")
    else:
        yield record.draft("cx.interaction.started.v1", Data(reason="bot"))


def map_end(record: Record) -> Iterable[Outcome]:
    """Map the end of a session, after which nothing can be added."""
    if record.passed:
        return (ignored("session_ended/guest"),)
    ended = record.draft("cx.interaction.ended.v1", Data(reason="bot"))
    ended.data.direction = None
    return (ended,)


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "user": (map_user, "cx.message.received, cx.bot.intent"),
    "bot": (map_bot, "cx.bot.turn"),
    "slot": (map_slot, "cx.bot.slot"),
    "agent": (map_agent, "cx.message.sent by an agent"),
    "action/handoff": (map_action, "cx.bot.handoff_asked"),
    "pause": (map_pause, "cx.bot.handoff_asked"),
    "session_started": (map_start, "cx.interaction.started"),
    "session_ended": (map_end, "cx.interaction.ended"),
}
"""By what a record's ``event`` says; actions by the setting."""
