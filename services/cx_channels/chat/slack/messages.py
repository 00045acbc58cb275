"""Map what is written in channels and direct messages, and what is done to it.

docs.slack.dev/reference/events/message, reaction_added, app_mention, assistant_thread_started. A message is known by
its channel and its ``ts``, in every workspace that shares the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.chat.slack.content import message_of, same_content
from cx_channels.chat.slack.kinds import COLLEAGUES, IGNORED
from cx_channels.chat.slack.notice import Notice, draft_of, time_of
from cx_channels.chat.slack.people import Person, author_of, concerns_customers, person_of
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored
from cx_events.envelope import Data, Message
from cx_events.json_types import Json
from cx_events.timestamps import Micros

Mapper = Callable[[Notice], Outcome]


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])


def is_direct(channel: str, event: Json) -> bool:
    """Return whether a channel is a direct message, which is one thread."""
    return channel.startswith("D") or event.get("channel_type") == "im"


def thread_of(channel: str, message: Json, *, direct: bool) -> str:
    """Return what tells an interaction: the direct message's channel, else the thread in its channel."""
    ts = first(message.get("thread_ts"), message.get("ts"))
    if direct:
        return id_part(channel)
    return id_part(f"{channel}:{ts}") if channel and ts else ""


def map_message(notice: Notice) -> Outcome:
    """Map a message, of whatever subtype that has words."""
    event = notice.event
    channel, ts = text(event.get("channel")), text(event.get("ts"))
    name = ts or text(notice.envelope.get("event_id"))
    person = author_of(notice, event, channel)
    if not channel or not name or not (person.id or person.name):
        return notice.lost("it names no channel, no message or no writer")
    if not concerns_customers(notice, person, channel):
        return ignored(COLLEAGUES)
    parent = text(event.get("thread_ts"))
    reply_to = f"{channel}:{parent}" if parent and parent != ts else ""
    return _draft(
        notice, "cx.message.received.v1" if person.is_customer else "cx.message.sent.v1",
        f"{id_part(channel)}/{id_part(name)}", channel, event, person,
        Data(message=message_of(event, f"{channel}:{name}", reply_to)), time_of(ts) if ts else notice.time,
    )  # fmt: skip


def map_change(notice: Notice) -> Outcome:
    """Map a new version of a message: new words, or a tombstone where replies remain below what was deleted.

    A preview of a link and a count of replies come as new versions, too: ``previous_message`` tells, else ``edited``.
    """
    event = notice.event
    message, before = obj(event.get("message")), obj(event.get("previous_message"))
    if message.get("subtype") == "tombstone":
        return _deletion(notice, before or message, text(message.get("ts")))
    edited = obj(message.get("edited"))
    if same_content(message, before) if before else not edited:
        return ignored("message_changed/unfurl")
    at = first(edited.get("ts"), event.get("event_ts"), event.get("ts"))
    return _about(notice, message, text(message.get("ts")), "cx.message.edited.v1", f"edited/{id_part(at)}", at)


def map_deletion(notice: Notice) -> Outcome:
    """Map the deletion of a message."""
    event = notice.event
    before = obj(event.get("previous_message"))
    return _deletion(notice, before, first(event.get("deleted_ts"), before.get("ts")))


def _deletion(notice: Notice, message: Json, ts: str) -> Outcome:
    at = first(notice.event.get("event_ts"), notice.event.get("ts"))
    return _about(notice, message, ts, "cx.message.deleted.v1", "deleted", at)


def _about(notice: Notice, message: Json, ts: str, event_type: str, what: str, at: str) -> Outcome:
    """Return the event of what was done to a message, by whoever wrote it."""
    channel = text(notice.event.get("channel"))
    person = author_of(notice, message, channel)
    if not channel or not ts:
        return notice.lost("it names no channel, or no message")
    if not concerns_customers(notice, person, channel):
        return ignored(COLLEAGUES)
    id = f"{channel}:{ts}"
    content = Message(id=id) if event_type == "cx.message.deleted.v1" else message_of(message, id)
    return _draft(
        notice, event_type, f"{id_part(channel)}/{id_part(ts)}/{what}", channel, {**message, "ts": ts}, person,
        Data(message=content), time_of(at),
    )  # fmt: skip


def map_reaction(notice: Notice) -> Outcome:
    """Map a reaction to a message, or its withdrawal. It does not tell the thread, nor the user's workspace."""
    event = notice.event
    item = obj(event.get("item"))
    if text(item.get("type")) not in ("message", ""):
        return ignored("reaction/other")
    channel, ts, user = text(item.get("channel")), text(item.get("ts")), text(event.get("user"))
    emoji, added = text(event.get("reaction")), notice.kind == "reaction_added"
    if not channel or not ts or not user:
        return notice.lost("it names no message, or nobody")
    person = person_of(notice, user, text(event.get("user_team")), channel)
    if not concerns_customers(notice, person, channel):
        return ignored(COLLEAGUES)
    at = text(event.get("event_ts"))
    what = f"reaction/{id_part(user)}/{id_part(emoji)}/{'added' if added else 'removed'}/{id_part(at or '0')}"
    data = Data(
        direction=person.direction if person.id else None,
        participants=[person.participant(notice)] if person.id else [],
        agent=person.agent,
        message=Message(id=f"{channel}:{ts}"),
        reaction=emoji if added else "",
        reason="" if added else "unreact",
    )
    id, root = f"{id_part(channel)}/{id_part(ts)}/{what}", id_part(channel) if is_direct(channel, event) else ""
    return draft_of(notice, "cx.message.reacted.v1", id, data, root=root, time=time_of(at))


def map_assistant(notice: Notice) -> Outcome:
    """Map that somebody opened a thread with the app's assistant."""
    thread = obj(notice.event.get("assistant_thread"))
    channel, ts, user = text(thread.get("channel_id")), text(thread.get("thread_ts")), text(thread.get("user_id"))
    if not channel or not user:
        return notice.lost("it names no channel, or nobody")
    person = person_of(notice, user, text(obj(thread.get("context")).get("team_id")), channel)
    if not concerns_customers(notice, person, channel):
        return ignored(COLLEAGUES)
    at = first(ts, notice.event.get("event_ts"))
    return _draft(
        notice, "cx.interaction.started.v1", f"{id_part(channel)}/{id_part(at)}/assistant", channel,
        {"ts": ts}, person, Data(reason="assistant"), time_of(at),
    )  # fmt: skip


def _draft(
    notice: Notice, event_type: str, id: str, channel: str, threaded: Json, person: Person, data: Data,
    time: Micros | None,
) -> Outcome:  # fmt: skip
    """``threaded``: what has the ``ts`` and the ``thread_ts`` of the thread. ``data``: what only this event has."""
    if person.id or person.name:
        data.direction = person.direction
        data.participants = [person.participant(notice)]
        if person.role == "agent":
            data.agent = person.agent
    root = thread_of(channel, threaded, direct=is_direct(channel, notice.event))
    return draft_of(notice, event_type, id, data, root=root, time=time)


_WRITTEN = "cx.message.received of a customer, cx.message.sent of others"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message": (map_message, _WRITTEN),
    "message/bot_message": (map_message, "cx.message.sent by a bot"),
    "message/file_share": (map_message, f"{_WRITTEN}, with files"),
    "message/me_message": (map_message, _WRITTEN),
    "message/thread_broadcast": (map_message, f"{_WRITTEN}: a reply that the channel sees, too"),
    "message/message_changed": (map_change, "cx.message.edited; cx.message.deleted where a tombstone remains"),
    "message/message_deleted": (map_deletion, "cx.message.deleted"),
    "app_mention": (map_message, f"{_WRITTEN}, by the id of the message that it is"),
    "reaction_added": (map_reaction, "cx.message.reacted"),
    "reaction_removed": (map_reaction, "cx.message.reacted without a reaction"),
    "assistant_thread_started": (map_assistant, "cx.interaction.started"),
}
"""Events by type, and messages by subtype."""
