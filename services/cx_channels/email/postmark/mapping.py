"""Map Postmark's webhooks: the tables of kinds, and a small function for each.

The kind of a request is its ``RecordType``, for a bounce ``Bounce/TYPE``. Shapes: postmarkapp.com/developer/webhooks
(inbound, delivery, bounce, spam-complaint, open-tracking, click, subscription-change), types of bounces:
postmarkapp.com/developer/api/bounce-api, "Bounce types".

Webhooks about sent mail know it by Postmark's ``MessageID``. Recipients see the same id as Message-ID,
``<ID@mtasv.net>``, and answer to it: so the events name both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cx_channels.email.postmark.inbound import SAYING, map_inbound, read_inbound, settings_of
from cx_channels.email.postmark.values import WebhookPayload, moment, read, text
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.mail.delivery.reasons import code_of, diagnostic
from cx_channels.kit.mail.kinds import kinds_of_mail
from cx_channels.kit.mail.mapping import KINDS as KINDS_OF_MAIL
from cx_channels.kit.mail.mapping import MAX_NOTICE
from cx_channels.kit.mail.message.automatic import AUTO_REPLY, BOUNCE, REPORT
from cx_channels.kit.mail.message.body import body_of, content_of
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.charsets import cut
from cx_channels.kit.mail.mime.parse import parse
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored, Mapped, Request
from cx_events.envelope import (
    Consent,
    Data,
    Direction,
    Draft,
    Failure,
    Identifier,
    Message,
    Participant,
    Reference,
)
from cx_events.errors import Refused
from cx_events.identifiers import normalise

Outcome = Draft | Ignored

SENT_FROM = "mtasv.net"
"""The domain of the Message-IDs that Postmark gives (observed; with ``X-PM-KeepID`` a sender keeps its own)."""

_MAX_SUBJECT = 1_000
_MAX_NAME = 256
_MAX_URL = 2_048
_MAX_EXPLANATION = 1_000
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request.

    Raise ``Refused``: ``malformed`` for a body that is no webhook of Postmark's or lacks what its kind needs,
    ``unknown-kind``, ``inbound-failed`` for a mail to us that Postmark gave up on, ``bad-settings``.
    """
    payload = read(request, connection)
    kind = kind_of(payload)
    if kind == "Inbound":
        return map_inbound(payload)
    if kind.startswith("Bounce/"):
        handle = BOUNCES.get(kind.partition("/")[2], (map_failure, ""))[0]
    elif kind in KINDS:
        handle = KINDS[kind][0]
    else:
        raise Refused("unknown-kind", f"nothing tells what this means: RecordType {kind[:64]!r}")
    outcome = handle(payload)
    if isinstance(outcome, Ignored):
        return Mapped(ignored=(outcome,))
    return Mapped(drafts=(outcome,))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of one request, as ``DOCUMENTED`` names them; of a mail those of what it turns out to be."""
    payload = read(request, connection)
    kind = kind_of(payload)
    if kind != "Inbound":
        return (kind,)
    mapping, drafts = read_inbound(payload)
    return tuple(f"Inbound, {each}" for each in kinds_of_mail(mapping, drafts, settings_of(payload).own))


# Older webhooks have no RecordType; each of these fields belongs to one kind alone.
_TELLING = (
    ("BouncedAt", "Bounce"),
    ("DeliveredAt", "Delivery"),
    ("OriginalLink", "Click"),
    ("FirstOpen", "Open"),
    ("SuppressSending", "SubscriptionChange"),
)


def kind_of(payload: WebhookPayload) -> str:
    """Return the kind as the tables name it, or as it was sent; "" where nothing tells."""
    kind = payload["RecordType"]
    if not kind:
        kind = next((kind for field, kind in _TELLING if field in payload.fields), "")
    if not kind and any(field in payload.fields for field in ("FromFull", "From", *SAYING)):
        kind = "Inbound"
    if kind == "Bounce":
        return f"Bounce/{payload['Type'] or 'Unknown'}"
    return kind


# --- mail that arrived, was opened, was clicked ----------------------------------------------------------------------


def map_delivery(payload: WebhookPayload) -> Outcome:
    """Map a delivery: the recipient's server took the mail. Sent once for each recipient."""
    return _draft(payload, "delivered", f"delivered/{_hidden(_recipient(payload))}", "DeliveredAt", "outbound")


def map_open(payload: WebhookPayload) -> Outcome:
    """Map an opening. Sent every time, unless the webhook is set to the first time alone; it has no id of its own."""
    own = payload.digest("Recipient", "ReceivedAt", "UserAgent")
    return _draft(payload, "read", f"opened/{own}", "ReceivedAt", "inbound")


def map_click(payload: WebhookPayload) -> Outcome:
    """Map a click: whoever follows a link has read the mail, also where pictures are off and no opening is reported."""
    own = payload.digest("Recipient", "ReceivedAt", "OriginalLink", "ClickLocation", "UserAgent")
    draft = _draft(payload, "read", f"clicked/{own}", "ReceivedAt", "inbound")
    link = payload["OriginalLink"]
    draft.data.reason, draft.data.url = "clicked", link if _WEB.fullmatch(link) and len(link) <= _MAX_URL else ""
    return draft


# --- mail that did not arrive, and what machines answered ------------------------------------------------------------


def map_failure(payload: WebhookPayload) -> Outcome:
    """Map a failure. ``failure.code``: the status in the server's words (RFC 3463), else its SMTP reply, else the type
    of bounce."""
    draft = _bounce(payload, "failed", "outbound", BOUNCE)
    draft.data.failure = _failure(payload)
    return draft


def map_delay(payload: WebhookPayload) -> Outcome:
    """Map a delay, which is no failure yet: a message of its own, not another state of the mail that it is about."""
    draft = _bounce(payload, "received", "internal", REPORT)
    _as_own_message(draft)
    draft.data.reason, draft.data.failure = "delayed", _failure(payload)
    return draft


def map_auto_reply(payload: WebhookPayload) -> Outcome:
    """Map an automatic reply. Its text is known where the webhook includes the content."""
    draft = _bounce(payload, "received", "inbound", AUTO_REPLY)
    _as_own_message(draft)
    content = text(payload.fields.get("Content"))
    body = body_of(content_of(parse(content.encode("utf-8", "replace")).root)) if content else None
    if body is not None and draft.data.message is not None:
        if body.text:
            draft.data.message.text, draft.data.message.signature_at = body.text, body.signature_at
        draft.data.message.html, draft.data.message.quoted = body.html, body.quoted
    return draft


def map_complaint(payload: WebhookPayload) -> Outcome:
    """Map a spam complaint, reported by the recipient's provider."""
    draft = _bounce(payload, "reacted", "inbound", REPORT)
    draft.data.reaction = "complaint"
    return draft


def map_unsubscribe(payload: WebhookPayload) -> Outcome:
    """Map an answer that asks for no more mail."""
    return _consent(payload, False, "BouncedAt")


def map_subscribe(payload: WebhookPayload) -> Outcome:
    """Map an answer that asks to be put on the list."""
    return _consent(payload, True, "BouncedAt")


def ignore_relay_test(_notice: WebhookPayload) -> Outcome:
    """Ignore a test for an open relay."""
    return Ignored("Bounce/OpenRelayTest", "somebody tests whether Postmark's servers pass on anything; nobody's mail")


def refuse_inbound_error(_notice: WebhookPayload) -> Outcome:
    """Refuse a customer's mail to us that Postmark keeps: a person has to look, so it goes to the dead letters."""
    raise Refused("inbound-failed", "a mail to us could not be handed over; it can be retried on Postmark's page")


def _bounce(payload: WebhookPayload, what: str, direction: Direction, automatic: str) -> Draft:
    """Draft an event of a bounce or complaint, with Postmark's id of that."""
    own = id_part(payload["ID"]) if payload["ID"] else payload.digest("Email", "Type", "BouncedAt")
    draft = _draft(payload, what, f"bounce/{own}/{what}", "BouncedAt", direction)
    assert draft.data.message is not None
    draft.data.message.automatic = automatic
    draft.data.message.text = cut(_said(payload), MAX_NOTICE)
    draft.data.message.content_type = "text/plain"
    draft.data.message.subject = payload["Subject"][:_MAX_SUBJECT]
    draft.data.message.in_reply_to = _as_sent(payload.message_id)
    draft.data.reason = payload["Type"][:_MAX_NAME]
    return draft


def _said(payload: WebhookPayload) -> str:
    """Return the text of a bounce."""
    return text(payload.fields.get("Description")).strip() or text(payload.fields.get("Details")).strip()


def _as_own_message(draft: Draft) -> None:
    if draft.data.message is not None:
        draft.data.message.id = draft.id.rpartition("/")[0]


def _failure(payload: WebhookPayload) -> Failure:
    """Return the failure in the other server's words; without them Postmark's type and its words for that type."""
    details = payload["Details"]
    words = diagnostic(details or payload["Description"])[:_MAX_EXPLANATION]
    return Failure(code=code_of("", details) or payload["Type"][:_MAX_NAME], message=words)


# --- consent ---------------------------------------------------------------------------------------------------------


def map_subscription_change(payload: WebhookPayload) -> Outcome:
    """Map a change of a stream's suppression list.

    An address that a person put on the list means no consent. Its removal means consent only where the recipient did
    it: nobody consents when a business clears its own list.
    """
    suppressed = payload.fields.get("SuppressSending")
    if not isinstance(suppressed, bool):
        raise Refused("malformed", "a SubscriptionChange must say SuppressSending, true or false")
    if suppressed and payload["SuppressionReason"] == "HardBounce":
        return Ignored(
            "SubscriptionChange/HardBounce", "an address that is not there decides nothing; a Bounce tells it"
        )
    if not suppressed and payload["Origin"] in ("Customer", "Admin"):
        return Ignored(
            "SubscriptionChange/reactivated", "the business lifted the block itself; nobody consented by that"
        )
    draft = _consent(payload, not suppressed, "ChangedAt")
    if isinstance(draft, Draft):
        draft.data.reason = payload.first("SuppressionReason", "Origin")[:_MAX_NAME]
    return draft


def _consent(payload: WebhookPayload, granted: bool, time: str) -> Outcome:
    """Draft a recipient's decision. Where the webhook names nobody, it is that of the recipient of the mail that it is
    about."""
    recipient, about = _recipient(payload), payload.message_id
    if not recipient and not about:
        raise Refused("malformed", "the webhook names neither a recipient nor a mail: nobody's consent can change")
    named = ("Recipient", "Email", "MessageStream", "ChangedAt", "BouncedAt", "SuppressSending", "ID")
    own = payload.digest(*named) if recipient else payload.digest("MessageID", *named)
    return Draft(
        type="cx.consent.changed.v1",
        id=f"consent/{own}",
        time=moment(payload.fields.get(time)),
        data=Data(
            channel="email",
            interaction="" if recipient else f"{payload.connection.id}/{_as_sent(about)}",
            direction="inbound" if payload["Origin"] in ("", "Recipient") else "internal",
            participants=[_customer(recipient)],
            references=_references(about),
            reason=payload["Type"][:_MAX_NAME],
            consent=Consent(purpose=_purpose(payload), channel="email", granted=granted),
            raw=payload.raw(),
        ),
    )


def _purpose(payload: WebhookPayload) -> str:
    """Return the tenant's name for the purpose of a message stream, else the stream's own name."""
    streams = payload.connection.settings.get("streams", {})
    if not isinstance(streams, Mapping) or not all(isinstance(each, str) for each in streams.values()):
        raise Refused(
            "bad-settings", "the connection's setting 'streams' is not a map of stream to purpose", status=500
        )
    stream = payload["MessageStream"] or "outbound"  # the stream that every server has
    return str(streams.get(stream, stream))[:_MAX_NAME]


# --- the tables ------------------------------------------------------------------------------------------------------

Handler = Callable[[WebhookPayload], Outcome]

# RecordType: what makes the event, and what it becomes.
KINDS: Mapping[str, tuple[Handler, str]] = {
    "Delivery": (map_delivery, "cx.message.delivered.v1"),
    "Open": (map_open, "cx.message.read.v1"),
    "Click": (map_click, "cx.message.read.v1, reason clicked, with the link"),
    "SpamComplaint": (map_complaint, "cx.message.reacted.v1, reaction complaint"),
    "SubscriptionChange": (
        map_subscription_change,
        "cx.consent.changed.v1; ignored for a hard bounce and where the business lifts the block",
    ),
}

_FAILED = (map_failure, "cx.message.failed.v1")
_DELAYED = (map_delay, "cx.message.received.v1, internal, reason delayed: the mail is not lost yet")
_ANSWERED = (map_auto_reply, "cx.message.received.v1, message.automatic auto-reply")

# Type of a Bounce. A type that is not here is a failure like any other.
BOUNCES: Mapping[str, tuple[Handler, str]] = {
    "HardBounce": _FAILED,
    "SoftBounce": _FAILED,
    "BadEmailAddress": _FAILED,
    "Blocked": _FAILED,
    "SpamNotification": _FAILED,
    "VirusNotification": _FAILED,
    "DMARCPolicy": _FAILED,
    "ManuallyDeactivated": _FAILED,
    "Unconfirmed": _FAILED,
    "SMTPApiError": _FAILED,
    "TemplateRenderingFailed": _FAILED,
    "Unknown": _FAILED,
    "Transient": _DELAYED,  # "the server could not temporarily deliver your message"
    "DnsError": _DELAYED,  # "a temporary DNS error"
    "AutoResponder": _ANSWERED,
    "AddressChange": _ANSWERED,
    "ChallengeVerification": _ANSWERED,  # a machine that wants to know whether a person wrote
    "Unsubscribe": (map_unsubscribe, "cx.consent.changed.v1, not granted"),
    "Subscribe": (map_subscribe, "cx.consent.changed.v1, granted"),
    "SpamComplaint": (map_complaint, "cx.message.reacted.v1, reaction complaint"),
    "OpenRelayTest": (ignore_relay_test, "ignored: nobody's mail"),
    "InboundError": (refuse_inbound_error, "a dead letter, inbound-failed: a person has to retry it at Postmark"),
}

DOCUMENTED: Mapping[str, str] = {
    **{f"Inbound, {kind}": becomes for kind, becomes in KINDS_OF_MAIL.items()},
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{f"Bounce/{kind}": becomes for kind, (_, becomes) in BOUNCES.items()},
}


# --- pieces ----------------------------------------------------------------------------------------------------------


def _draft(payload: WebhookPayload, what: str, suffix: str, time: str, direction: Direction) -> Draft:
    """Draft an event about a sent mail, in the thread that the mail begins where it answers none."""
    about = payload.message_id
    if not about:
        raise Refused("malformed", f"which mail? A notice of {kind_of(payload)[:64]} must have a MessageID")
    return make_draft(
        payload.connection,
        "email",
        f"cx.message.{what}.v1",
        f"{about}/{suffix}",
        raw=payload.raw(),
        root=_as_sent(about),
        time=moment(payload.fields.get(time)),
        direction=direction,
        participants=_participants(payload),
        references=_references(about),
        message=Message(id=about),
    )


def _as_sent(message_id: str) -> str:
    """The Message-ID that the recipient saw."""
    return message_id if "@" in message_id or not message_id else f"{message_id}@{SENT_FROM}"


def _references(message_id: str) -> list[Reference]:
    ids = dict.fromkeys(each for each in (_as_sent(message_id), message_id) if each)
    return [Reference(kind="message", value=each) for each in ids]


def _recipient(payload: WebhookPayload) -> str:
    """Bounces call it ``Email``, all else ``Recipient``."""
    return payload.first("Recipient", "Email")


def _participants(payload: WebhookPayload) -> list[Participant]:
    """Return the recipient of the mail and, for a bounce, our address that sent it."""
    recipient = _customer(_recipient(payload))
    shown = payload["From"]
    named = parse_mailboxes(shown)
    sender = named[0].address if named else shown
    if not sender or _same(sender, recipient):
        return [recipient]
    return [recipient, Participant(role="business", identifiers=[Identifier(kind="email", value=sender)])]


def _customer(address: str) -> Participant:
    return Participant(role="customer", identifiers=[Identifier(kind="email", value=address)] if address else [])


def _same(address: str, participant: Participant) -> bool:
    value = normalise(Identifier(kind="email", value=address)).value
    return any(normalise(each).value == value for each in participant.identifiers)


def _hidden(text: str) -> str:
    """Return a digest that stands for an address in an event's id."""
    return sha256_hex(text.strip().lower().encode("utf-8", "replace"))[:16]
