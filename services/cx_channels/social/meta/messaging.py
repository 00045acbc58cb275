"""Private messages: what each kind of item of ``messaging`` and ``standby`` becomes.

Shapes: developers.facebook.com/docs/messenger-platform/reference/webhook-events and, for Instagram,
developers.facebook.com/docs/messenger-platform/instagram/features/webhook. All that a person and a page write to each
other is one interaction, ``CONNECTION/PAGE:PERSON``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Raw

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import Json, first, number, obj, objects, text, texts
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.outcomes import no_adapter
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.social.meta.account_linking import linked_identifier, signing_secrets
from cx_channels.social.meta.people import Peers, participants_of, peers_of
from cx_channels.social.meta.unmapped_kinds import KINDS as WAITING
from cx_events.envelope import (
    Attachment,
    Consent,
    Data,
    Draft,
    Handoff,
    Identifier,
    Message,
    Participant,
    Reference,
    Survey,
)
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED, PROVED

Outcome = Draft | Ignored | Unmapped

_MEDIA = {
    "image": "image/*",
    "video": "video/*",
    "audio": "audio/*",
    "file": "application/octet-stream",
    "reel": "video/*",
    "ig_reel": "video/*",
}
_SCALES = {"nps": (0, 10), "csat": (1, 7), "ces": (1, 7)}


@dataclass(frozen=True)
class MessagingEvent:
    """One item between two known ends. ``body``: the object under the kind's own name."""

    item: WebhookItem
    connection: Connection
    peers: Peers
    body: Json

    @property
    def time(self) -> Micros | None:
        return unix_time(self.item.value.get("timestamp")) or self.item.time

    @property
    def thread(self) -> str:
        return id_part(self.peers.thread)

    def own_id(self, kind: str) -> str:
        """For what has no id of its own: the same for the same content of the same moment."""
        at = text(self.item.value.get("timestamp")) or "0"
        return f"{self.thread}/{kind}/{id_part(at)}/{self.item.digest[:16]}"


# --- messages --------------------------------------------------------------------------------------------------------


def received(event: MessagingEvent) -> Iterator[Outcome]:
    yield _message(event, "cx.message.received.v1", "")


def unsupported(event: MessagingEvent) -> Iterator[Outcome]:
    """The API does not show what was sent (a poll, a view-once photo): that something was, counts."""
    kind = "cx.message.sent.v1" if event.peers.from_account else "cx.message.received.v1"
    yield _message(event, kind, "", reason="unsupported")


def echoed(event: MessagingEvent) -> Iterator[Outcome]:
    """What the page sent, through whatever app: a bot, a desk, Meta's inbox."""
    yield _message(event, "cx.message.sent.v1", "echo")


def deleted(event: MessagingEvent) -> Iterator[Outcome]:
    yield from _about_message(event, "cx.message.deleted.v1", "deleted")


def edited(event: MessagingEvent) -> Iterator[Outcome]:
    words = text(event.body.get("text"))
    yield from _about_message(
        event,
        "cx.message.edited.v1",
        f"edited/{id_part(first(event.body.get('num_edit'), event.time))}",
        words=words,
    )


def reacted(event: MessagingEvent) -> Iterator[Outcome]:
    body = event.body
    taken_back = body.get("action") == "unreact"
    at = first(event.item.value.get("timestamp")) or "0"
    yield from _about_message(
        event,
        "cx.message.reacted.v1",
        f"reaction/{id_part(event.peers.user)}/{'unreact' if taken_back else 'react'}/{id_part(at)}",
        reaction="" if taken_back else first(body.get("emoji"), body.get("reaction"), "other"),
        reason="unreact" if taken_back else "",
    )


def judged(event: MessagingEvent) -> Iterator[Outcome]:
    """A person's verdict on one answer of a bot, by the buttons that Messenger shows below it."""
    verdict = text(event.body.get("feedback"))
    yield from _about_message(event, "cx.message.reacted.v1", "feedback", reaction=verdict or "other")


def pressed(event: MessagingEvent) -> Iterator[Outcome]:
    """A button, a menu's entry, an ice breaker. In ``standby`` its payload is left out."""
    body = event.body
    mid = text(body.get("mid"))
    words = first(body.get("title"), body.get("payload"))
    message = Message(id=mid, text=words, content_type="text/plain" if words else "")
    yield _draft(
        event,
        "cx.message.received.v1",
        id_part(mid) if mid else event.own_id("postback"),
        message=message,
        references=_tokens(body.get("referral")),
    )


def ordered(event: MessagingEvent) -> Iterator[Outcome]:
    """A cart that somebody sends to the page, with a note
    (developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/send_cart)."""
    note = text(event.body.get("note"))
    products = [_product(each) for each in objects(event.body.get("products"))]
    message = Message(
        text=note,
        content_type="text/plain" if note else "",
        attachments=[Attachment(name=name) for name in products if name],
    )
    yield _draft(event, "cx.message.received.v1", event.own_id("order"), message=message, reason="order")


def _product(value: Json) -> str:
    name, quantity = first(value.get("name"), value.get("retailer_id"), value.get("id")), value.get("quantity")
    return f"{text(quantity)} x {name}" if name and quantity not in (None, 1) and text(quantity) else name


def delivered(event: MessagingEvent) -> Iterator[Outcome]:
    yield from _receipts(event, "cx.message.delivered.v1", "delivered", texts(event.body.get("mids")))


def read(event: MessagingEvent) -> Iterator[Outcome]:
    """Messenger says up to when, Instagram which message."""
    mid = text(event.body.get("mid"))
    yield from _receipts(event, "cx.message.read.v1", "read", [mid] if mid else [])


# --- how somebody came, and what they agreed to ----------------------------------------------------------------------


def referred(event: MessagingEvent) -> Iterator[Outcome]:
    """An m.me link, an advertisement, a code: ``ref`` is what the link carried, and continues what made the link."""
    body = event.body
    yield _draft(
        event,
        "cx.interaction.started.v1",
        event.own_id("referral"),
        reason=first(body.get("source"), body.get("type")),
        url=text(body.get("referer_uri")),
        references=_tokens(body),
    )


def opted_in(event: MessagingEvent) -> Iterator[Outcome]:
    body = event.body
    kind = text(body.get("type"))
    if kind in ("notification_messages", "one_time_notif_req"):
        granted = text(body.get("notification_messages_status")).upper() != "STOP_NOTIFICATIONS"
        topic = first(body.get("title"), body.get("payload"))
        purpose = f"{kind}:{topic}" if topic else kind
        consent = Consent(purpose=purpose[:256], granted=granted, channel="social")
        yield _draft(event, "cx.consent.changed.v1", event.own_id("optin"), consent=consent)
        return
    yield _draft(
        event,
        "cx.interaction.started.v1",
        event.own_id("optin"),
        reason="optin",
        references=_tokens(body),
    )


def may_be_called(event: MessagingEvent) -> Iterator[Outcome]:
    """Whether the page may call the person, up to ``expiration_timestamp``
    (developers.facebook.com/documentation/business-messaging/messenger-platform/calling/biz2consumer/call-flow)."""
    response = text(event.body.get("response")).lower()
    if response not in ("approve", "accept", "reject"):
        yield Unmapped(
            event.own_id("call-permission"), f"malformed call_permission_reply: {response[:32]!r}", event.item.raw
        )
        return
    consent = Consent(purpose="calls", granted=response != "reject", channel="voice")
    yield _draft(event, "cx.consent.changed.v1", event.own_id("call-permission"), consent=consent)


def linked(event: MessagingEvent) -> Iterator[Outcome]:
    """Somebody logged in at the business, whose login page sent their browser back to Meta with a code of its choice.

    The code is a parameter of an address in the person's own browser ("redirect users to the location provided by
    redirect_uri and append an authorization_code", developers.facebook.com/docs/messenger-platform/identity/
    account-linking): they can write any other there. So it is a claim unless the business signed it.
    """
    kind = text(event.connection.settings.get("account_linking"))
    code = text(event.body.get("authorization_code"))
    if event.body.get("status") != "linked" or not (kind and code):
        yield Ignored("account_linking", "the setting account_linking does not say what the code stands for")
        return
    known = linked_identifier(kind, code, signing_secrets(event.connection.settings))
    proved = known.weight == PROVED
    yield _draft(
        event,
        "cx.identity.verified.v1" if proved else "cx.identity.asserted.v1",
        event.own_id("linked"),
        also=(known,),
        evidence="account-linking" if proved else "account-linking-unsigned",
    )


def told_about_themselves(event: MessagingEvent) -> Iterator[Outcome]:
    """A form that was filled in within Messenger: typed, and so claimed."""
    found: dict[str, str] = {}
    for screen in objects(event.body.get("screens")):
        for response in objects(screen.get("responses")):
            found[text(response.get("key")).lower()] = text(response.get("value")).strip()
    also = [
        Identifier(kind="email", value=value, weight=CLAIMED)
        for key, value in found.items()
        if "email" in key and value
    ]
    also += [
        Identifier(kind="phone", value=value, weight=CLAIMED)
        for key, value in found.items()
        if "phone" in key and value
    ]
    name = first(found.get("full_name"), found.get("name"))
    name = name or " ".join(filter(None, (found.get("first_name"), found.get("last_name"))))
    yield _draft(
        event,
        "cx.identity.asserted.v1",
        event.own_id("customer-information"),
        also=tuple(also),
        name=name,
        evidence="messenger-form",
    )


def answered_survey(event: MessagingEvent) -> Iterator[Outcome]:
    found = False
    for screen in objects(event.body.get("feedback_screens")):
        for name, question in obj(screen.get("questions")).items():
            answer = obj(question)
            metric = text(answer.get("type")).lower()
            score = number(answer.get("payload"))
            least, most = _SCALES.get(metric, (1, 0))
            if score is not None and least <= score <= most:
                found = True
                comment = text(obj(answer.get("follow_up")).get("payload"))
                survey = Survey(metric=metric, score=score, comment=comment)  # type: ignore[arg-type]
                id = f"{event.own_id('feedback')}/{id_part(name)}"
                yield _draft(event, "cx.survey.answered.v1", id, survey=survey)
    if not found:
        yield Unmapped(
            event.own_id("feedback"),
            "malformed messaging_feedback: no question has a score of its scale",
            event.item.raw,
        )


# --- who has the thread ----------------------------------------------------------------------------------------------


def asked_for(event: MessagingEvent) -> Iterator[Outcome]:
    yield _handoff(event, "cx.handoff.requested.v1", "request", event.body.get("requested_owner_app_id"))


def passed_on(event: MessagingEvent) -> Iterator[Outcome]:
    """Told to the app that is to go on: it has the thread, nobody has taken it up yet."""
    yield _handoff(event, "cx.handoff.requested.v1", "pass", event.body.get("new_owner_app_id"))


def taken(event: MessagingEvent) -> Iterator[Outcome]:
    """Told to the app that lost the thread; who took it is not named."""
    yield _handoff(event, "cx.handoff.accepted.v1", "take", event.body.get("new_owner_app_id"))


def _handoff(event: MessagingEvent, event_type: str, how: str, to: Any) -> Draft:
    metadata = text(event.body.get("metadata"))
    before = text(event.body.get("previous_owner_app_id"))
    packet = {name: value for name, value in (("metadata", metadata), ("previous_owner_app_id", before)) if value}
    return _draft(
        event,
        event_type,
        event.own_id(f"{how}-thread-control"),
        handoff=Handoff(to=text(to), packet=packet),
        reason=f"{how}_thread_control",
    )


# --- the tables ------------------------------------------------------------------------------------------------------

Mapper = Callable[[MessagingEvent], Iterator[Outcome]]

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message": (received, "cx.message.received"),
    "message/is_echo": (echoed, "cx.message.sent"),
    "message/is_deleted": (deleted, "cx.message.deleted"),
    "message/is_unsupported": (unsupported, "cx.message.received with reason unsupported"),
    "message_edit": (edited, "cx.message.edited"),
    "reaction": (reacted, "cx.message.reacted; without a reaction when it is taken back"),
    "response_feedback": (judged, "cx.message.reacted"),
    "postback": (pressed, "cx.message.received with the button's title"),
    "order": (ordered, "cx.message.received with reason order: a cart with its note"),
    "delivery": (delivered, "cx.message.delivered, for each message or up to the watermark"),
    "read": (read, "cx.message.read"),
    "referral": (referred, "cx.interaction.started with the ref as a token"),
    "optin": (opted_in, "cx.consent.changed for notifications, else cx.interaction.started"),
    "call_permission_reply": (may_be_called, "cx.consent.changed (calls)"),
    "account_linking": (
        linked,
        "cx.identity.verified where the code is signed, else cx.identity.asserted; ignored without the setting "
        "account_linking",
    ),
    "messaging_customer_information": (told_about_themselves, "cx.identity.asserted"),
    "messaging_feedback": (answered_survey, "cx.survey.answered, for each question"),
    "request_thread_control": (asked_for, "cx.handoff.requested"),
    "pass_thread_control": (passed_on, "cx.handoff.requested"),
    "take_thread_control": (taken, "cx.handoff.accepted"),
}

IGNORED: Mapping[str, str] = {
    "app_roles": "which app is primary is a matter of configuration",
    "policy_enforcement": "Meta's measures against the page name no customer",
    "policy-enforcement": "Meta's measures against the page name no customer",
    "game_play": "rounds of an instant game are no contact with the business",
    "message_request": "the person's first message follows by itself",
    "is_self": "the account writes to itself",
    "no-content": "nothing but who, to whom and when",
}

_HEAD = frozenset({"sender", "recipient", "timestamp", "prior_message", "hop_context", "message_context", "is_standby"})


def kind_of(value: Json) -> str:
    """The kind of an item, as the tables name it; a name of its own where neither has it."""
    message = value.get("message")
    if value.get("is_self") is True or obj(message).get("is_self") is True:
        return "is_self"
    if isinstance(message, dict):
        for flag in ("is_deleted", "is_unsupported", "is_echo"):
            if message.get(flag) is True:
                return f"message/{flag}"
        return "message"
    for kind in (*KINDS, *IGNORED, *WAITING):
        if kind in value and kind not in _HEAD:
            return kind
    return next((name for name in value if name not in _HEAD), "no-content")


def map_messaging(item: WebhookItem, connection: Connection) -> Iterator[Outcome]:
    """The events of one item; ``Unmapped`` where its kind is unknown, or where no person is named."""
    kind = kind_of(item.value)
    if kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
        return
    if kind in WAITING:
        yield no_adapter(kind, WAITING[kind], item.digest, item.raw)
        return
    mid = first(*(obj(each).get("mid") for each in item.value.values()))
    lost_id = mid or item.digest
    if kind not in KINDS:
        yield Unmapped(lost_id, f"unknown-kind: {kind[:64]!r} in {item.section}", item.raw)
        return
    body = item.value.get(kind.partition("/")[0])
    if not isinstance(body, dict):
        yield Unmapped(lost_id, f"malformed {kind}: not an object", item.raw)
        return
    peers = peers_of(item)
    if peers is None:
        yield Unmapped(lost_id, f"malformed {kind}: no person or no account is named", item.raw)
        return
    yield from KINDS[kind][0](MessagingEvent(item, connection, peers, body))


# --- pieces ----------------------------------------------------------------------------------------------------------


def _message(event: MessagingEvent, event_type: str, suffix: str, *, reason: str = "") -> Draft:
    body = event.body
    mid = text(body.get("mid"))
    words = text(body.get("text"))
    reply = obj(body.get("reply_to"))
    story = obj(reply.get("story"))
    attachments = [_attachment(each) for each in objects(body.get("attachments"))]
    if story:
        attachments.append(Attachment(name="story", url=text(story.get("url"))))
    if body.get("sticker_id") is not None and not attachments:
        attachments.append(Attachment(name="sticker", content_type="image/*"))
    return _draft(
        event,
        event_type,
        (f"{id_part(mid)}/{suffix}" if suffix else id_part(mid)) if mid else event.own_id(suffix or "message"),
        message=Message(
            id=mid,
            text=words,
            content_type="text/plain" if words else "",
            in_reply_to=text(reply.get("mid")),
            attachments=attachments,
        ),
        references=_tokens(body.get("referral")),
        reason=reason,
    )


def _attachment(value: Json) -> Attachment:
    """A location becomes a ``geo:`` URI (RFC 5870). What is no file (a story, a template, a shared post) is named."""
    kind = text(value.get("type"))
    payload = obj(value.get("payload"))
    place = obj(payload.get("coordinates"))
    latitude, longitude = number(place.get("lat")), number(place.get("long"))
    url = first(payload.get("url"), payload.get("link"), value.get("url"), value.get("URL"))
    if latitude is not None and longitude is not None:
        url = f"geo:{latitude},{longitude}"
    shapes = (payload, obj(payload.get("generic")), obj(payload.get("product")))
    card = next((card for shape in shapes for card in objects(shape.get("elements"))), {})
    title = first(payload.get("title"), payload.get("name"), value.get("title"), card.get("title"), payload.get("text"))
    named = "sticker" if payload.get("sticker_id") is not None else "" if kind in _MEDIA else kind
    return Attachment(name=title or named, content_type=_MEDIA.get(kind, ""), url=url)


def _about_message(
    event: MessagingEvent, event_type: str, suffix: str, *, words: str = "", reaction: str = "", reason: str = ""
) -> Iterator[Outcome]:
    mid = text(event.body.get("mid"))
    if not mid:
        yield Unmapped(event.own_id("message"), f"malformed {suffix.partition('/')[0]}: no mid", event.item.raw)
        return
    message = Message(id=mid, text=words, content_type="text/plain" if words else "")
    yield _draft(
        event, event_type, f"{id_part(mid)}/{suffix}", message=message, reaction=reaction, reason=reason
    )  # fmt: skip


def _receipts(event: MessagingEvent, event_type: str, what: str, mids: list[str]) -> Iterator[Outcome]:
    """A receipt is about what the business sent, and is the other side's doing."""
    watermark = unix_time(event.body.get("watermark"))
    time = event.time or watermark
    if mids:
        for mid in dict.fromkeys(mids):
            yield _draft(
                event, event_type, f"{id_part(mid)}/{what}", time=time, receipt=True, message=Message(id=mid)
            )  # fmt: skip
    elif watermark is not None:
        # Without a message it means all up to its own moment, which is the watermark's, not that of the receipt.
        id = f"{event.thread}/{what}/{id_part(text(event.body.get('watermark')))}"
        yield _draft(event, event_type, id, time=watermark, receipt=True)
    else:
        yield Unmapped(event.own_id(what), f"malformed {what}: neither messages nor a watermark", event.item.raw)


def _tokens(referral: Any) -> list[Reference]:
    """A ref is the business's own word, written into a link: it continues whatever made that link."""
    ref = text(obj(referral).get("ref"))
    return [Reference(kind="token", value=ref)] if ref else []


def _draft(
    event: MessagingEvent,
    event_type: str,
    id: str,
    *,
    time: Micros | None = None,
    receipt: bool = False,
    also: tuple[Identifier, ...] = (),
    name: str = "",
    **data: Any,
) -> Draft:
    """``also``: more identifiers of the person; ``receipt``: about a message that went out."""
    item, connection = event.item, event.connection
    direction, participants = participants_of(item, event.peers, connection.settings)
    if also or name:
        participants = [_with(each, also, name) for each in participants]
    return Draft(
        type=event_type,
        id=id,
        time=event.time if time is None else time,
        data=Data(
            channel="social",
            interaction=f"{connection.id}/{event.thread}",
            direction="outbound" if receipt else direction,
            participants=participants,
            raw=Raw(item.raw),
            **data,
        ),
    )


def _with(participant: Participant, also: tuple[Identifier, ...], name: str) -> Participant:
    if participant.role != "customer":
        return participant
    return Participant(role="customer", name=name, identifiers=[*participant.identifiers, *also])
