"""Map Sunshine Conversations' webhooks, version 2.

github.com/zendesk/sunshine-conversations-api-spec (17.12), "Webhooks". A message is known by Zendesk's own id, which
Support's messaging webhooks and the listing of messages name, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cx_channels.chat.zendesk.content import message_of
from cx_channels.chat.zendesk.kinds import IGNORED, READ_BY_US
from cx_channels.chat.zendesk.notice import Notice
from cx_channels.chat.zendesk.people import Person, app_user, business_author
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import iso_time
from cx_channels.provider import Ignored
from cx_events.envelope import AgentOrQueue, Data, Failure, Handoff, Message
from cx_events.json_types import Json

Mapper = Callable[[Notice], Outcome]


def root_of(notice: Notice) -> str:
    """Return the conversation's id, "" for none."""
    id = text(obj(notice.payload.get("conversation")).get("id"))
    return id_part(id) if id else ""


def _user(notice: Notice) -> tuple[Person, ...]:
    user = obj(notice.payload.get("user"))
    return (app_user(user, notice.scope),) if user else ()


def map_message(notice: Notice) -> Outcome:
    """Map a message, of a user or for the business; one that is marked ``deleted`` takes the earlier one back."""
    message = obj(notice.payload.get("message"))
    id, author = text(message.get("id")), obj(message.get("author"))
    root, source = root_of(notice), obj(message.get("source"))
    if not id or not root:
        return notice.lost("no message, or no conversation")
    if text(author.get("type")) == "user":
        user = obj(author.get("user")) or obj(notice.payload.get("user")) or {"id": author.get("userId")}
        person = app_user({"id": author.get("userId"), **user}, notice.scope, source)
        people: tuple[Person, ...] = (person,)
    else:
        people = (_writer(notice, message, author, text(source.get("type"))), *_user(notice))
    if message.get("deleted") is True:
        return notice.draft(
            "cx.message.deleted.v1", f"message/{id_part(id)}/deleted", root, people, Data(message=Message(id=id))
        )
    quoted = obj(message.get("quotedMessage"))
    answered = text(obj(quoted.get("message")).get("id"))
    return notice.draft(
        "cx.message.received.v1" if people[0].role == "customer" else "cx.message.sent.v1",
        f"message/{id_part(id)}",
        root,
        people,
        Data(message=message_of(obj(message.get("content")), id, answered)),
        time=iso_time(text(message.get("received"))),
    )


def _writer(notice: Notice, message: Json, author: Json, source: str) -> Person:
    """Return who wrote for the business. What tells of the system's own doing ("ticket closed") is nobody's words."""
    subtypes = {each.lower() for each in texts(author.get("subtypes"))}
    if "activity" in subtypes or obj(message.get("activity")):
        return Person("system", "", text(author.get("displayName")))
    return business_author(author, notice.connection, source)


def _about_message(event_type: str, step: str) -> Mapper:
    """Return a mapper of what became of a message of the business."""

    def handle(notice: Notice) -> Outcome:
        id = text(obj(notice.payload.get("message")).get("id"))
        if not id:
            return notice.lost("no message")
        data: dict[str, Any] = {}
        if step == "failed":
            error = obj(notice.payload.get("error"))
            told = first(obj(error.get("underlyingError")).get("message"), error.get("message"))
            data["failure"] = Failure(code=text(error.get("code")) or "failed", message=told)
        return notice.draft(
            event_type,
            f"{notice.id}/{step}",
            root_of(notice),
            _user(notice),
            Data(direction="outbound", message=Message(id=id), **data),
        )

    return handle


def _step(event_type: str, step: str, **fixed: Any) -> Mapper:
    """Return a mapper of a step of the whole conversation."""

    def handle(notice: Notice) -> Outcome:
        root = root_of(notice)
        if not root:
            return notice.lost("no conversation")
        reason = first(
            notice.payload.get("creationReason"), notice.payload.get("reason"),
            obj(notice.payload.get("referral")).get("code"),
        )  # fmt: skip
        return notice.draft(event_type, f"{notice.id}/{step}", root, _user(notice), Data(reason=reason, **fixed))

    return handle


def map_postback(notice: Notice) -> Outcome:
    """Map the press of a button: its words, else its payload."""
    pressed = obj(notice.payload.get("postback"))
    words, root = first(pressed.get("text"), pressed.get("payload"), pressed.get("actionId")), root_of(notice)
    if not root or not words:
        return notice.lost("no conversation, or nothing pressed")
    message = Message(id=notice.id, text=words, content_type="text/plain")
    return notice.draft(
        "cx.message.received.v1", f"{notice.id}/postback", root, _user(notice), Data(message=message, reason="postback")
    )


def map_read(notice: Notice) -> Outcome:
    """Map that the user has read the conversation so far; the business's reading tells nothing of a customer."""
    root = root_of(notice)
    if not root:
        return notice.lost("no conversation")
    author = obj(obj(notice.payload.get("activity")).get("author"))
    if text(author.get("type")) == "business":
        return Ignored(READ_BY_US, IGNORED[READ_BY_US])
    people = _user(notice)
    if not people and text(author.get("userId")):
        people = (app_user({"id": author.get("userId"), **obj(author.get("user"))}, notice.scope),)
    return notice.draft("cx.message.read.v1", f"{notice.id}/read", root, people, Data(direction="outbound"))


def _control(event_type: str, step: str, integration: str) -> Mapper:
    """Return a mapper of a switchboard's step: who is to have the conversation, a bot or the agents' workspace."""

    def handle(notice: Notice) -> Outcome:
        root = root_of(notice)
        if not root:
            return notice.lost("no conversation")
        # The conversation names the integrations (spec, "conversationTruncated").
        conversation = obj(notice.payload.get("conversation"))
        to = obj(conversation.get(integration)) or obj(notice.payload.get(integration))
        name = first(to.get("name"), to.get("integrationType"), to.get("id"))
        data: dict[str, Any] = {"reason": first(notice.payload.get("reason"), step)}
        if event_type.startswith("cx.handoff."):
            data["handoff"] = Handoff(queue=AgentOrQueue(id=name, name=text(to.get("name")))) if name else Handoff()
        return notice.draft(event_type, f"{notice.id}/{step}", root, _user(notice), Data(direction="internal", **data))

    return handle


def map_merge(notice: Notice) -> Outcome:
    """Map that Zendesk made one user of two: both ids are the surviving user's."""
    merged = obj(notice.payload.get("mergedUsers"))
    surviving, discarded = obj(merged.get("surviving")), obj(merged.get("discarded"))
    if not text(surviving.get("id")) or not text(discarded.get("id")):
        return notice.lost("which users?")
    one, other = app_user(surviving, notice.scope), app_user(discarded, notice.scope)
    if not one.identifiers or not other.identifiers:
        return notice.lost("an id that is none of Zendesk's")
    return notice.draft(
        "cx.identity.asserted.v1",
        f"{notice.id}/merged",
        "",
        (one,),
        Data(links=[(one.identifiers[0], other.identifiers[0])], reason=text(notice.payload.get("reason"))),
        directed=False,
    )


def map_user(notice: Notice) -> Outcome:
    """Map what is known of a user from now on."""
    people = _user(notice)
    if not people or not people[0].identifiers:
        return notice.lost("no user")
    return notice.draft("cx.identity.asserted.v1", f"{notice.id}/user", "", people, Data(), directed=False)


_ASKED, _TAKEN = "cx.handoff.requested.v1", "cx.handoff.accepted.v1"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "conversation:message": (map_message, "cx.message.received of a user, cx.message.sent of the business"),
    "conversation:message:delivery:user": (
        _about_message("cx.message.delivered.v1", "delivered"), "cx.message.delivered"
    ),
    "conversation:message:delivery:failure": (_about_message("cx.message.failed.v1", "failed"), "cx.message.failed"),
    "conversation:create": (_step("cx.interaction.started.v1", "started"), "cx.interaction.started"),
    "conversation:referral": (
        _step("cx.interaction.started.v1", "referral"), "cx.interaction.started, reason the code of the referral"
    ),
    "conversation:remove": (_step("cx.interaction.ended.v1", "removed"), "cx.interaction.ended"),
    "conversation:postback": (map_postback, "cx.message.received: the text of a button"),
    "conversation:read": (map_read, "cx.message.read"),
    "switchboard:offerControl": (
        _control(_ASKED, "offered", "pendingSwitchboardIntegration"), "cx.handoff.requested"
    ),
    "switchboard:acceptControl": (_control(_TAKEN, "accepted", "activeSwitchboardIntegration"), "cx.handoff.accepted"),
    "switchboard:passControl": (_control(_TAKEN, "passed", "activeSwitchboardIntegration"), "cx.handoff.accepted"),
    "switchboard:releaseControl": (
        _control("cx.interaction.ended.v1", "released", "releasedSwitchboardIntegration"), "cx.interaction.ended"
    ),
    "user:merge": (map_merge, "cx.identity.asserted: both ids are one user's"),
    "user:update": (map_user, "cx.identity.asserted"),
}  # fmt: skip
