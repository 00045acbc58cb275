"""Map webhooks of version 1 (Smooch): ``{trigger, app, messages or postbacks, appUser, timestamp}``.

docs.smooch.io/rest/v1, "Webhooks". They have no id of an event; a user has one conversation, so the user's id is that
of the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cx_channels.chat.zendesk.content import message_of
from cx_channels.chat.zendesk.notice import Notice
from cx_channels.chat.zendesk.people import Person, app_user, business_author
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import fractional_seconds
from cx_events.envelope import Data, Failure, Message

PREFIX = "v1/"

KINDS: Mapping[str, str] = {
    "v1/message:appUser": "cx.message.received",
    "v1/message:appMaker": "cx.message.sent",
    "v1/postback": "cx.message.received: the text of a button",
    "v1/conversation:read": "cx.message.read",
    "v1/conversation:start": "cx.interaction.started",
    "v1/conversation:referral": "cx.interaction.started, reason the code of the referral",
    "v1/message:delivery:user": "cx.message.delivered",
    "v1/message:delivery:failure": "cx.message.failed",
    "v1/merge:appUser": "cx.identity.asserted: both ids are one user's",
}

_STEPS = {
    "v1/conversation:read": ("cx.message.read.v1", "read"),
    "v1/conversation:start": ("cx.interaction.started.v1", "started"),
    "v1/conversation:referral": ("cx.interaction.started.v1", "referral"),
    "v1/message:delivery:user": ("cx.message.delivered.v1", "delivered"),
    "v1/message:delivery:failure": ("cx.message.failed.v1", "failed"),
}


def outcomes_of(notice: Notice) -> Iterator[Outcome]:
    """Yield what a request becomes. ``notice``: of the whole request."""
    user = app_user(obj(notice.payload.get("appUser")), notice.scope)
    root = id_part(user.id) if user.id else ""
    if notice.kind == "v1/merge:appUser":
        yield _merge(notice)
    elif not root:
        yield notice.lost("no appUser")
    elif notice.kind.startswith("v1/message:app"):
        yield from _messages(notice, root, user)
    elif notice.kind == "v1/postback":
        yield from _postbacks(notice, root, user)
    else:
        yield _step(notice, root, user)


def _messages(notice: Notice, root: str, user: Person) -> Iterator[Outcome]:
    messages = objects(notice.payload.get("messages"))
    if not messages:
        yield notice.lost("no message")
    for message in messages[:100]:
        id = text(message.get("_id"))
        if not id:
            yield notice.lost("a message without an id")
            continue
        inbound = text(message.get("role")) == "appUser"
        author = business_author(message, notice.connection, text(obj(message.get("source")).get("type")))
        yield notice.draft(
            "cx.message.received.v1" if inbound else "cx.message.sent.v1",
            f"message/{id_part(id)}",
            root,
            (user,) if inbound else (author, user),
            Data(message=message_of(message, id)),
            time=fractional_seconds(message.get("received")),
        )


def _postbacks(notice: Notice, root: str, user: Person) -> Iterator[Outcome]:
    pressed = objects(notice.payload.get("postbacks"))
    if not pressed:
        yield notice.lost("nothing pressed")
    for place, each in enumerate(pressed[:100]):
        action, about = obj(each.get("action")), text(obj(each.get("message")).get("_id"))
        words = first(action.get("text"), action.get("payload"))
        id = f"{notice.id}/postback/{place}"
        message = Message(id=id, text=words, content_type="text/plain" if words else "", in_reply_to=about)
        yield notice.draft("cx.message.received.v1", id, root, (user,), Data(message=message, reason="postback"))


def _step(notice: Notice, root: str, user: Person) -> Outcome:
    event_type, step = _STEPS[notice.kind]
    data: dict[str, Any] = {}
    if step in ("read", "delivered", "failed"):
        data["direction"] = "outbound"
    if step in ("delivered", "failed"):
        data["message"] = Message(id=text(obj(notice.payload.get("message")).get("_id")))
    if step == "failed":
        error = obj(notice.payload.get("error"))
        data["failure"] = Failure(code=text(error.get("code")) or "failed", message=text(error.get("message")))
    code = text(obj(notice.payload.get("referral")).get("code"))
    return notice.draft(event_type, f"{notice.id}/{step}", root, (user,), Data(reason=code, **data))


def _merge(notice: Notice) -> Outcome:
    surviving, discarded = obj(notice.payload.get("surviving")), objects(notice.payload.get("discarded"))
    one = app_user(surviving, notice.scope)
    others = [app_user(each, notice.scope) for each in discarded[:20]]
    links = [(one.identifiers[0], each.identifiers[0]) for each in others if each.identifiers and one.identifiers]
    if not links:
        return notice.lost("which users?")
    return notice.draft("cx.identity.asserted.v1", f"{notice.id}/merged", "", (one,), Data(links=links), directed=False)
