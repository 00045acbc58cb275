"""Map records that tell what was said, understood and learned, and who goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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


def map_user(record: Record) -> Iterable[Outcome]:
    """Map what somebody wrote, and what the assistant understood. ``/greet{...}`` is a button's, not typed."""
    words = record.words
    if words.startswith(_COMMANDS):
        return (ignored("user/command"),)
    if is_card(words):
        return (ignored("user/card"),)
    found: list[Outcome] = []
    if words.startswith("/"):
        found.append(ignored("user/trigger"))
    elif words and takes_words(record):
        message = Message(id=text(record.event.get("message_id")) or record.id, text=words, content_type="text/plain")
        found.append(record.draft("cx.message.received.v1", Data(message=message)))
    elif words:
        found.append(ignored("user/words"))
    intent = obj(obj(record.event.get("parse_data")).get("intent"))
    if name := text(intent.get("name")):
        bot = Bot(intent="fallback" if name == _FALLBACK else name, confidence=_share(intent.get("confidence")))
        found.append(record.draft("cx.bot.intent.v1", Data(bot=bot), "intent"))
    elif not words:
        found.append(ignored("user/nothing"))
    return found


def _share(given: object) -> float | None:
    """Return a number from 0 to 1; None for anything else."""
    sure = number(given)
    return sure if sure is not None and 0 <= sure <= 1 else None


def map_bot(record: Record) -> Iterable[Outcome]:
    """Map what the assistant said."""
    data = obj(record.event.get("data"))
    attachment = data.get("attachment")
    words = record.words or words_of_rich(data.get("custom")) or _shown(attachment)
    shown = [text(data.get("image")), *_addresses(attachment)]
    files = [Attachment(url=url) for url in dict.fromkeys(filter(None, shown))]
    if not words and not files:
        return (ignored("bot/nothing"),)
    message = Message(attachments=files) if files else None
    return (record.draft("cx.bot.turn.v1", Data(bot=Bot(text=words), message=message), role="bot"),)


def _shown(attachment: object) -> str:
    """Return the words of a template: ``{"type": "template", "payload": {"elements": [{"title", "subtitle"}]}}``."""
    return words_of_rich(obj(attachment).get("payload")) if obj(attachment).get("type") == "template" else ""


def _addresses(attachment: object) -> tuple[str, ...]:
    """Return the address of an attachment: ``{"type", "payload": {"src" or "url"}}``, or the address itself."""
    if isinstance(attachment, str):
        return (attachment,)
    payload = obj(obj(attachment).get("payload"))
    return (first(payload.get("src"), payload.get("url")),)


def map_slot(record: Record) -> Iterable[Outcome]:
    """Map a value that was learned; null forgets it."""
    name = record.name
    if not name:
        return (record.lost("it names no slot"),)
    if name in _OWN_SLOTS or name.startswith("dialogue_stack"):
        return (ignored("slot/own"),)
    if found := slots_of({name: record.event.get("value")}):
        return (record.draft("cx.bot.slot.v1", Data(bot=Bot(slots=found))),)
    return (ignored("slot/empty"),)


def map_agent(record: Record) -> Iterable[Outcome]:
    """Map what a person wrote by way of Rasa."""
    if not record.words:
        return (record.lost("it has no words"),)
    message = Message(id=record.id, text=record.words, content_type="text/plain")
    return (record.draft("cx.message.sent.v1", Data(message=message), role="agent"),)


def map_action(record: Record) -> Iterable[Outcome]:
    """Map an action that asks for a person, by the setting ``handoff_actions``; the others are the bot's insides."""
    asking = texts_of(record.connection.settings, "handoff_actions") or _HANDOFFS
    if record.name in asking:
        return (record.draft("cx.bot.handoff_asked.v1", Data(reason=record.name)),)
    return (ignored("action"),)


def map_pause(record: Record) -> Iterable[Outcome]:
    """Map that the assistant fell silent, so that a person goes on."""
    return (record.draft("cx.bot.handoff_asked.v1", Data(reason="paused")),)


def map_start(record: Record) -> Iterable[Outcome]:
    """Map the begin of a session."""
    if record.passed:
        return (ignored("session_started/guest"),)
    return (record.draft("cx.interaction.started.v1", Data(reason="bot")),)


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
