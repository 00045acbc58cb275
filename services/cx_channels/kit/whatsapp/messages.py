"""Map what people and the business's telephone write: messages, and what is done to messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.whatsapp.content import TYPES, Content, content_of
from cx_channels.kit.whatsapp.notice import Notice, draft_of
from cx_channels.kit.whatsapp.people import Person, person_of, shared_number
from cx_events.envelope import Attachment, Consent, Data, Direction, Message, Participant
from cx_events.json_types import Json

Mapper = Callable[[Notice], Outcome]

_AGENT = Participant(role="agent")
"""Whoever writes in the app on the business's telephone; Meta does not say who."""
_ACCEPTED = frozenset({"accept", "approve"})


def _writer(notice: Notice) -> tuple[Person, Direction]:
    """Return the customer of a message and its direction. An echo's ends come in either order
    (.../webhooks/reference/smb_message_echoes shows both), so the business is the end that is its number."""
    item = notice.item
    if notice.section != "message_echoes":
        person = notice.person(
            text(item.get("from")), text(item.get("from_user_id")), text(item.get("from_parent_user_id"))
        )
        return person, "inbound"
    ours = _digits(notice.shown)
    turned = bool(ours) and ours == _digits(text(item.get("to"))) and ours != _digits(text(item.get("from")))
    side = "from" if turned else "to"
    user_id = first(item.get(f"{side}_user_id"), item.get("to_user_id"))
    parent_id = first(item.get(f"{side}_parent_user_id"), item.get("to_parent_user_id"))
    return notice.person(text(item.get(side)), user_id, parent_id), "outbound"


def _digits(written: str) -> str:
    return "".join(each for each in written if each in "0123456789")


def map_message(notice: Notice) -> Outcome:
    """Map a message of any type that has content."""
    content = content_of(notice.item)
    if content is None:
        return notice.unknown()
    return _about_person(notice, "", content)


def map_edit(notice: Notice) -> Outcome:
    """Map an edit: the new words and the message that had the old ones (.../messages/edit)."""
    edit = obj(notice.item.get("edit"))
    original = text(edit.get("original_message_id"))
    content = content_of(obj(edit.get("message")))
    if not original or content is None:
        return notice.lost("no original message, or no new content")
    return _about_person(notice, "edited", content, target=original, event_type="cx.message.edited.v1")


def map_revoke(notice: Notice) -> Outcome:
    """Map the deletion of a message for everybody (.../messages/revoke)."""
    original = text(obj(notice.item.get("revoke")).get("original_message_id"))
    if not original:
        return notice.lost("no original message")
    return _about_person(notice, "deleted", Content(), target=original, event_type="cx.message.deleted.v1")


def map_reaction(notice: Notice) -> Outcome:
    """Map a reaction; without an emoji, or with an empty one, it was taken back (.../messages/reaction)."""
    reaction = obj(notice.item.get("reaction"))
    target, emoji = text(reaction.get("message_id")), text(reaction.get("emoji"))
    if not target:
        return notice.lost("a reaction to nothing")
    content = Content(reason="" if emoji else "unreact")
    return _about_person(
        notice, "reaction", content, target=target, event_type="cx.message.reacted.v1", reaction=emoji
    )  # fmt: skip


def _about_person(
    notice: Notice, what: str, content: Content, *, target: str = "", event_type: str = "", reaction: str = ""
) -> Outcome:
    """Yield the event of a message, or of what was done to ``target``."""
    person, direction = _writer(notice)
    if not person.key or not notice.id:
        return notice.lost("it names no person, or has no id")
    item = notice.item
    context, referral = obj(item.get("context")), obj(item.get("referral"))
    passed_on = "forwarded" if context and _is_forwarded(context) else ""
    message = Message(
        id=target or notice.id,
        text=content.words,
        content_type="text/plain" if content.words else "",
        in_reply_to="" if target else text(context.get("id")),
        attachments=[*content.files, *_asked_about(context)] if context else list(content.files),
    )
    said = "cx.message.received.v1" if direction == "inbound" else "cx.message.sent.v1"
    return draft_of(
        notice,
        event_type or said,
        notice.own_id(notice.id, what) if what else notice.own_id(notice.id),
        person,
        direction,
        Data(
            message=message,
            reason=content.reason or text(referral.get("source_type")) or passed_on,
            url=text(referral.get("source_url")),
            reaction=reaction,
        ),
        writer=(_AGENT,),
        more=shared_number(item) if direction == "inbound" and item.get("type") == "contacts" else (),
    )


def _is_forwarded(context: Json) -> bool:
    """Return whether the words are somebody else's, passed on (.../webhooks/reference/messages/text, "context")."""
    return context.get("forwarded") is True or context.get("frequently_forwarded") is True


def _asked_about(context: Json) -> tuple[Attachment, ...]:
    """Return the product of the business's catalog that a message asks about, by its number there
    (.../webhooks/reference/messages/text, "context.referred_product")."""
    product = text(obj(context.get("referred_product")).get("product_retailer_id"))
    return (Attachment(name=f"product {product}"),) if product else ()


def map_call_permission(notice: Notice) -> Outcome:
    """Map whether the business may call (.../whatsapp/calling/user-call-permissions)."""
    reply = obj(obj(notice.item.get("interactive")).get("call_permission_reply"))
    person, _ = _writer(notice)
    response = text(reply.get("response")).lower()
    if not person.key or not notice.id or response not in _ACCEPTED | {"reject"}:
        return notice.lost("it names no person, or no answer")
    consent = Consent(purpose="calls", granted=response in _ACCEPTED, channel="voice")
    id = notice.own_id(notice.id, "call-permission")
    return draft_of(notice, "cx.consent.changed.v1", id, person, "inbound", Data(consent=consent))


def map_changed_person(notice: Notice) -> Outcome:
    """Map a new number or a new BSUID of a person (.../webhooks/reference/messages/system): both name one person.

    ``customer`` and ``new_wa_id`` are what older versions call the old and the new number.
    """
    system = obj(notice.item.get("system"))
    old = person_of(
        first(system.get("customer"), notice.item.get("from")),
        first(system.get("previous_user_id"), notice.item.get("from_user_id")),
        text(system.get("previous_parent_user_id")),
        None,
    )
    new = person_of(
        first(system.get("wa_id"), system.get("new_wa_id")),
        text(system.get("user_id")),
        text(system.get("parent_user_id")),
        None,
    )
    if not old.key or not new.key or not notice.id:
        return notice.lost("it does not name the old and the new")
    draft = draft_of(
        notice,
        "cx.identity.asserted.v1",
        notice.own_id(notice.id, "changed"),
        old,
        "inbound",
        Data(evidence=f"whatsapp-{text(system.get('type'))}"),
    )
    known = draft.data.participants[0].identifiers
    known += [each for each in new.identifiers(notice.scope) if each not in known]
    return draft


def map_welcome(notice: Notice) -> Outcome:
    """Map the opening of a chat by somebody who has not written yet."""
    person, _ = _writer(notice)
    if not person.key or not notice.id:
        return notice.lost("it names no person, or has no id")
    return draft_of(
        notice,
        "cx.interaction.started.v1",
        notice.own_id(notice.id, "welcome"),
        person,
        "inbound",
        Data(reason="request_welcome"),
    )


def map_preference(notice: Notice) -> Outcome:
    """Map whether somebody wants marketing (.../webhooks/reference/user_preferences)."""
    item = notice.item
    person = notice.person(text(item.get("wa_id")), text(item.get("user_id")), text(item.get("parent_user_id")))
    value = text(item.get("value")).lower()
    if not person.key or value not in ("stop", "resume", "signup"):
        return notice.lost("it names no person, or no wish")
    purpose = "marketing" if text(item.get("category")) in ("", "marketing_messages") else text(item.get("category"))
    consent = Consent(purpose=purpose[:256], granted=value != "stop", channel="social")
    id = notice.own_id("preference", person.key, value, text(item.get("timestamp")) or "0")
    return draft_of(notice, "cx.consent.changed.v1", id, person, "inbound", Data(consent=consent))


_CHANGED = "cx.identity.asserted: the old and the new are one person"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    **{f"messages/{kind}": (map_message, becomes) for kind, (_, becomes) in TYPES.items() if kind != "interactive"},
    **{
        f"messages/interactive/{kind}": (map_message, f"cx.message.received with {what}")
        for kind, what in {
            "button_reply": "the title of the button",
            "list_reply": "the title of the row",
            "nfm_reply": "the answers of a form (Flow), a line each",
        }.items()
    },
    "messages/interactive": (map_message, "cx.message.received: an answer of a kind that is not told, or not known"),
    "messages/interactive/call_permission_reply": (map_call_permission, "cx.consent.changed (calls)"),
    "messages/reaction": (map_reaction, "cx.message.reacted; without a reaction when it is taken back"),
    "messages/edit": (map_edit, "cx.message.edited"),
    "messages/revoke": (map_revoke, "cx.message.deleted"),
    "messages/system/user_changed_number": (map_changed_person, _CHANGED),
    "messages/system/customer_changed_number": (map_changed_person, _CHANGED),
    "messages/system/user_changed_user_id": (map_changed_person, _CHANGED),
    "messages/request_welcome": (map_welcome, "cx.interaction.started"),
    "message_echoes": (map_message, "cx.message.sent by the agent at the business's telephone"),
    "message_echoes/edit": (map_edit, "cx.message.edited"),
    "message_echoes/revoke": (map_revoke, "cx.message.deleted"),
    "message_echoes/reaction": (map_reaction, "cx.message.reacted"),
    "user_preferences": (map_preference, "cx.consent.changed (marketing)"),
}
"""Items of ``messages``, ``message_echoes`` and ``user_preferences``."""

_APART = frozenset({"edit", "revoke", "reaction"})


def kind_of(section: str, item: Mapping[str, object]) -> str:
    """Return the kind of an item of one of these lists."""
    kind = text(item.get("type"))
    if section == "user_preferences":
        return section
    if section == "message_echoes":
        return f"{section}/{kind}" if kind in _APART else section
    if kind == "system":
        return f"{section}/system/{text(obj(item.get('system')).get('type'))}"
    if kind == "identity":
        return f"{section}/system/customer_identity_changed"
    if kind == "interactive":
        named = f"{section}/interactive/{text(obj(item.get('interactive')).get('type'))}"
        return named if named in KINDS else f"{section}/interactive"
    return f"{section}/{kind}"
