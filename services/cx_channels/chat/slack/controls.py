"""Map what a customer does besides writing: controls of messages and windows, shortcuts and slash commands.

docs.slack.dev/reference/interaction-payloads; docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.slack.content import plain
from cx_channels.chat.slack.kinds import COLLEAGUES
from cx_channels.chat.slack.messages import ignored, is_direct, thread_of
from cx_channels.chat.slack.notice import Notice, draft_of, time_of
from cx_channels.chat.slack.people import Person, person_of
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_events.envelope import Data, Message
from cx_events.json_types import Json

Mapper = Callable[[Notice], Outcome]

_MOST = 50


def _person(notice: Notice, channel: str) -> Person:
    user = obj(notice.envelope.get("user"))
    team = first(user.get("team_id"), obj(notice.envelope.get("team")).get("id"))
    return person_of(notice, text(user.get("id")), team, channel, first(user.get("name"), user.get("username")))


def map_actions(notice: Notice) -> Outcome:
    """Map the press of a button, or a choice: its words are what the person saw."""
    value = notice.envelope
    channel = first(obj(value.get("channel")).get("id"), obj(value.get("container")).get("channel_id"))
    message = obj(value.get("message"))
    actions = objects(value.get("actions"))[:_MOST]
    words = "\n".join(filter(None, map(_chosen, actions)))
    at = first(*(each.get("action_ts") for each in actions), value.get("action_ts"))
    answers = f"{channel}:{text(message.get('ts'))}" if channel and text(message.get("ts")) else ""
    return _received(notice, channel, message, at, words, in_reply_to=answers)


def _chosen(action: Json) -> str:
    option = obj(action.get("selected_option"))
    options = [text(obj(each.get("text")).get("text")) for each in objects(action.get("selected_options"))]
    return first(
        obj(option.get("text")).get("text"),
        ", ".join(filter(None, options)),
        action.get("selected_date"), action.get("selected_time"), action.get("selected_user"),
        action.get("selected_channel"), action.get("selected_conversation"),
        obj(action.get("text")).get("text"), action.get("value"), action.get("action_id"),
    )  # fmt: skip


def map_submission(notice: Notice) -> Outcome:
    """Map a filled in window: an answer a line."""
    view = obj(notice.envelope.get("view"))
    values = obj(obj(view.get("state")).get("values"))
    lines = [_answer(each) for block in values.values() for each in obj(block).values()]
    words = "\n".join(filter(None, lines[:_MOST]))
    at = first(view.get("hash"), view.get("id"))
    return _received(notice, "", {}, at, words, own=f"view/{id_part(text(view.get('id')))}/{id_part(at)}")


def _answer(value: Any) -> str:
    found = obj(value)
    said = text(found.get("value")) or _chosen(found)
    return said or ", ".join(texts(found.get("selected_users")))


def map_shortcut(notice: Notice) -> Outcome:
    """Map a shortcut, on a message or anywhere."""
    value = notice.envelope
    channel, message = text(obj(value.get("channel")).get("id")), obj(value.get("message"))
    return _received(notice, channel, message, text(value.get("action_ts")), text(value.get("callback_id")))


def _received(
    notice: Notice, channel: str, message: Json, at: str, words: str, *, own: str = "", in_reply_to: str = ""
) -> Outcome:
    person = _person(notice, channel)
    if not person.id or not (at or own):
        return notice.lost("it names nobody, or no moment")
    if not person.is_customer:
        return ignored(COLLEAGUES)
    id = own or f"{notice.kind}/{id_part(person.id)}/{id_part(at)}"
    root = thread_of(channel, message or {"ts": at}, direct=is_direct(channel, {})) if channel else ""
    return _draft(
        notice, id, root, person, time=time_of(at) if not own else None, words=words, in_reply_to=in_reply_to
    )  # fmt: skip


def map_command(notice: Notice) -> Outcome:
    """Map a slash command. Nothing tells when; the trigger is another one for each."""
    value = notice.envelope
    channel, user = text(value.get("channel_id")), text(value.get("user_id"))
    person = person_of(notice, user, text(value.get("team_id")), channel, text(value.get("user_name")))
    if not user:
        return notice.lost("it names nobody")
    if not person.is_customer:
        return ignored(COLLEAGUES)
    trigger = first(value.get("trigger_id")) or sha256_hex(notice.raw)
    words = " ".join(filter(None, (text(value.get("command")), plain(text(value.get("text"))))))
    root = id_part(channel if is_direct(channel, {}) else f"{channel}:command:{user}") if channel else ""
    return _draft(notice, f"command/{id_part(user)}/{id_part(trigger)}", root, person, time=None, words=words)


def _draft(
    notice: Notice, id: str, root: str, person: Person, *, time: int | None, words: str, in_reply_to: str = ""
) -> Outcome:
    message = Message(id=id, text=words, content_type="text/plain" if words else "", in_reply_to=in_reply_to)
    people = [person.participant(notice)]
    data = Data(direction="inbound", participants=people, message=message, reason=notice.kind)
    return draft_of(notice, "cx.message.received.v1", id, data, root=root, time=time)


def kinds() -> Iterator[tuple[str, tuple[Mapper, str]]]:
    """Yield the kinds of controls."""
    pressed = "cx.message.received of a customer: "
    yield "block_actions", (map_actions, f"{pressed}the text of the control")
    yield "interactive_message", (map_actions, f"{pressed}the text of an older control")
    yield "view_submission", (map_submission, f"{pressed}the answers of a window, a line each")
    yield "shortcut", (map_shortcut, f"{pressed}the name of the shortcut")
    yield "message_action", (map_shortcut, f"{pressed}the name of the shortcut on a message")
    yield "command", (map_command, f"{pressed}a slash command")


KINDS: Mapping[str, tuple[Mapper, str]] = dict(kinds())
