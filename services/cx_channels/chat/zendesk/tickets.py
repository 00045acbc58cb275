"""Map Support's webhooks: ``{type: "zen:event-type:...", id, account_id, subject, time, detail, event}``.

developer.zendesk.com/api-reference/webhooks/event-types/ticket-events and .../messaging-events. A ticket is known as
``ticket/ID``; a line of a messaging ticket stands in its conversation, by the message's own id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cx_channels.chat.zendesk.content import message_of
from cx_channels.chat.zendesk.notice import Notice
from cx_channels.chat.zendesk.people import Person, account_user
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import iso_time
from cx_channels.provider import Ignored
from cx_events.envelope import AgentOrQueue, Data, Message
from cx_events.json_types import Json

Mapper = Callable[[Notice], Outcome]

SAME_STATE = "ticket.status_changed/other"
_SUBJECT = re.compile(r"zen:ticket:([0-9]{1,20})")
_DONE = frozenset({"solved", "closed"})
_NOBODY = ("", "0")
_MESSENGER = "native_messaging"


def ticket_of(notice: Notice) -> str:
    """Return the ticket's number: that of ``subject``, which is the ticket's own, else that of ``detail``."""
    named = _SUBJECT.fullmatch(text(notice.value.get("subject")))
    return named[1] if named is not None else text(obj(notice.value.get("detail")).get("id"))


def _root(notice: Notice) -> str:
    ticket = ticket_of(notice)
    return f"ticket/{id_part(ticket)}" if ticket else ""


def _requester(notice: Notice) -> tuple[Person, ...]:
    id = text(obj(notice.value.get("detail")).get("requester_id"))
    return () if id in _NOBODY else (account_user(id, notice.scope, by_messenger=_by_messenger(notice)),)


def _by_messenger(notice: Notice) -> bool:
    """Return whether the messenger brought it: its users are known by themselves."""
    via = obj(obj(notice.payload.get("comment")).get("via")) or obj(obj(notice.value.get("detail")).get("via"))
    return notice.kind.startswith("messaging_ticket.") or text(via.get("channel")) == _MESSENGER


def _author(notice: Notice, author: Json) -> tuple[Person, ...]:
    """Return who wrote a comment, and the customer: staff, else an end user, who is the customer."""
    id, name = text(author.get("id")), text(author.get("name"))
    if author.get("is_staff") is True:
        return (Person("agent", "" if id in _NOBODY else id, name), *_requester(notice))
    if id in _NOBODY:
        return (Person("system"), *_requester(notice))
    return (account_user(id, notice.scope, name, by_messenger=_by_messenger(notice)),)


def map_comment(notice: Notice) -> Outcome:
    """Map a comment: public it is a message, private a note of colleagues."""
    comment, root = obj(notice.payload.get("comment")), _root(notice)
    id = text(comment.get("id"))
    if not id or not root:
        return notice.lost("no comment, or no ticket")
    people = _author(notice, obj(comment.get("author")))
    time, own = iso_time(text(comment.get("created_at"))), f"{root}/comment/{id_part(id)}"
    if comment.get("is_public") is False:
        note = text(comment.get("body")) or "(a file)"
        return notice.draft(
            "cx.conversation.note.v1", own, root, people, Data(direction="internal", note=note), time=time
        )
    inbound = people[0].role == "customer"
    message = message_of({"type": "text", "text": comment.get("body"), "attachments": comment.get("attachments")}, id)
    return notice.draft(
        "cx.message.received.v1" if inbound else "cx.message.sent.v1",
        own,
        root,
        people,
        Data(message=message),
        time=time,
    )


def map_withdrawn_comment(notice: Notice) -> Outcome:
    """Map a comment that was blackened, or is no longer the customer's to read."""
    comment, root = obj(notice.payload.get("comment")) or notice.payload, _root(notice)
    id = first(comment.get("id"), notice.payload.get("comment_id"))
    if not id or not root:
        return notice.lost("no comment, or no ticket")
    step = notice.kind.partition(".")[2]
    return notice.draft(
        "cx.message.deleted.v1",
        f"{root}/comment/{id_part(id)}/{step}",
        root,
        _requester(notice),
        Data(message=Message(id=id), reason=step),
        directed=False,
    )


def map_created(notice: Notice) -> Outcome:
    """Map a new ticket. Its first comment is told by itself."""
    root, detail = _root(notice), obj(notice.value.get("detail"))
    if not root:
        return notice.lost("no ticket")
    time, channel = iso_time(text(detail.get("created_at"))), text(obj(detail.get("via")).get("channel"))
    conversation = text(notice.value.get("conversation_id"))
    return notice.draft(
        "cx.interaction.started.v1",
        f"{root}/started",
        root,
        _requester(notice),
        Data(reason=channel),
        time=time,
        references=(conversation,),
    )


def map_status(notice: Notice) -> Outcome:
    """Map a status that settles a ticket, or takes it up again."""
    now, before = _status(notice.payload.get("current")), _status(notice.payload.get("previous"))
    root = _root(notice)
    if not root or not now:
        return notice.lost("no ticket, or no status")
    if now in _DONE and before not in _DONE:
        event_type = "cx.conversation.resolved.v1"
    elif before in _DONE and now not in _DONE:
        event_type = "cx.conversation.reopened.v1"
    else:
        return Ignored(SAME_STATE, "the ticket is neither settled nor taken up again by it")
    return notice.draft(
        event_type, f"{notice.id}/status", root, _requester(notice), Data(direction="internal", reason=now)
    )


def _status(value: object) -> str:
    return text(value).lower() if isinstance(value, str) else text(obj(value).get("status")).lower()


def map_agent(notice: Notice) -> Outcome:
    """Map who is to deal with a ticket; nobody, and it waits."""
    root, to = _root(notice), text(notice.payload.get("current"))
    if not root:
        return notice.lost("no ticket")
    if to in _NOBODY:
        return notice.draft(
            "cx.interaction.queued.v1", f"{notice.id}/assigned", root, _requester(notice), Data(direction="internal")
        )
    agent = Person("agent", to)
    draft = notice.draft(
        "cx.interaction.routed.v1",
        f"{notice.id}/assigned",
        root,
        (*_requester(notice), agent),
        Data(direction="internal"),
    )
    draft.data.agent = agent.agent
    return draft


def map_group(notice: Notice) -> Outcome:
    """Map the group that is to deal with a ticket."""
    root, to = _root(notice), text(notice.payload.get("current"))
    if not root:
        return notice.lost("no ticket")
    queue = None if to in _NOBODY else AgentOrQueue(id=to)
    return notice.draft(
        "cx.interaction.queued.v1",
        f"{notice.id}/group",
        root,
        _requester(notice),
        Data(direction="internal", queue=queue),
    )


def map_ticket_end(notice: Notice) -> Outcome:
    """Map a ticket that was merged into another, or deleted: it ends, and refers to the other."""
    root = _root(notice)
    if not root:
        return notice.lost("no ticket")
    other = text(notice.payload.get("target_ticket_id"))
    return notice.draft(
        "cx.interaction.ended.v1",
        f"{notice.id}/ended",
        root,
        _requester(notice),
        Data(direction="internal", reason=notice.kind.partition(".")[2]),
        references=(f"ticket/{other}",) if other else (),
    )


def map_chat_line(notice: Notice) -> Outcome:
    """Map a line of a messaging ticket, by the id that Sunshine Conversations gives it."""
    line, actor = obj(notice.payload.get("message")), obj(notice.payload.get("actor"))
    id, conversation = text(line.get("id")), text(notice.payload.get("conversation_id"))
    if not id or not conversation:
        return notice.lost("no message, or no conversation")
    kind, name, who = text(actor.get("type")).lower(), text(actor.get("name")), text(actor.get("id"))
    if kind == "end_user":
        people: tuple[Person, ...] = (account_user(who, notice.scope, name, by_messenger=True),)
    else:
        people = (Person("agent" if kind == "agent" else "bot", who, name), *_requester(notice))
    message = message_of({"type": "text", "text": line.get("body")}, id)
    ticket = ticket_of(notice)
    return notice.draft(
        "cx.message.received.v1" if kind == "end_user" else "cx.message.sent.v1",
        f"message/{id_part(id)}",
        id_part(conversation),
        people,
        Data(message=message),
        references=(f"ticket/{ticket}",) if ticket else (),
    )


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "ticket.created": (map_created, "cx.interaction.started"),
    "ticket.comment_added": (
        map_comment,
        "cx.message.received of an end user, cx.message.sent of staff, cx.conversation.note where it is private",
    ),
    "ticket.comment_redacted": (map_withdrawn_comment, "cx.message.deleted"),
    "ticket.comment_made_private": (map_withdrawn_comment, "cx.message.deleted"),
    "ticket.status_changed": (map_status, "cx.conversation.resolved or cx.conversation.reopened"),
    "ticket.agent_assignment_changed": (map_agent, "cx.interaction.routed, cx.interaction.queued for nobody"),
    "ticket.group_assignment_changed": (map_group, "cx.interaction.queued"),
    "ticket.merged": (map_ticket_end, "cx.interaction.ended, with a reference to the other ticket"),
    "ticket.soft_deleted": (map_ticket_end, "cx.interaction.ended"),
    "ticket.permanently_deleted": (map_ticket_end, "cx.interaction.ended"),
    "messaging_ticket.message_added": (map_chat_line, "cx.message.received of an end user, cx.message.sent of others"),
}
