"""Map what a topic posts: the table of kinds. Shapes: see ``notice``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from cx_channels.email.amazon_ses import inbound, sent
from cx_channels.email.amazon_ses.media import notification_of
from cx_channels.email.amazon_ses.notice import Notice, read_notice
from cx_channels.kit.aws import sns
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.provider import Connection, Ignored, Mapped, Request
from cx_events.dead_letters import UNKNOWN_KIND

_MAIL = (
    "what the mail turns out to be, as in email/mime: cx.message.received, cx.message.sent, cx.message.failed,"
    " cx.message.delivered, cx.message.read or cx.message.reacted"
)

INBOUND: Mapping[str, tuple[Callable[[Notice], Mapped], str]] = {
    "Received": (inbound.map_content, _MAIL),
    "Received/S3": (inbound.map_fields, "cx.message.received with where the whole mail lies (s3://BUCKET/KEY)"),
    "Received/fields": (inbound.map_fields, "cx.message.received of the fields alone: Lambda, WorkMail and the like"),
}

SENT: Mapping[str, tuple[Callable[[Notice], Iterator[Outcome]], str]] = {
    "Delivery": (sent.map_delivery, "cx.message.delivered for each recipient"),
    "Bounce": (sent.map_bounce, "cx.message.failed for each recipient"),
    "Complaint": (
        sent.map_complaint,
        "cx.message.reacted for each recipient, reaction complaint or not-spam; cx.message.failed of a suppressed one",
    ),
    "Reject": (sent.map_reject, "cx.message.failed for each recipient: SES found a virus"),
    "Rendering Failure": (sent.map_reject, "cx.message.failed for each recipient: a template lacks a value"),
    "DeliveryDelay": (sent.map_delay, "cx.message.received, internal, reason delayed: the mail is not lost yet"),
    "Open": (sent.map_reading, "cx.message.read, of a mail to one person"),
    "Click": (sent.map_reading, "cx.message.read, reason clicked, of a mail to one person"),
    "Subscription": (sent.map_subscription, "cx.consent.changed for each topic of the contact list"),
}

IGNORED: Mapping[str, str] = {
    "Send": "SES took the mail; Delivery or Bounce tells what became of it",
    sent.SEVERAL: "SES does not say who of a mail's several recipients opened it",
    "Received/Bounce": "the rule refused the mail: its sender was told, and nobody of ours has it",
    "Received/Stop": "the rule dropped the mail",
    "Received/setup": "SES tries whether it may write here (AMAZON_SES_SETUP_NOTIFICATION); nobody's mail",
    "validated": "SES tries whether the topic is there; nobody's mail",
    sns.CONFIRMATION: "a topic is about to post here; the hub has confirmed it",
    sns.UNSUBSCRIBED: "a topic posts here no more",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in INBOUND.items()},
    **{kind: becomes for kind, (_, becomes) in SENT.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request. Raise ``Refused``: ``malformed`` for what can't be read, ``bad-settings``."""
    if told := notification_of(request):
        return inbound.map_fetched(read_notice(replace(request, body=told), connection), request.body)
    notice = read_notice(request, connection)
    if notice.kind in IGNORED:
        return Mapped(ignored=(Ignored(notice.kind, IGNORED[notice.kind]),))
    if notice.kind in INBOUND:
        return INBOUND[notice.kind][0](notice)
    if notice.kind not in SENT:
        return Mapped(unmapped=(notice.lost(f"{UNKNOWN_KIND}: {notice.kind[:64]!r}"),))
    if not notice.message_id:
        return Mapped(unmapped=(notice.lost("malformed: it names no mail"),))
    return sort_outcomes(bounded(SENT[notice.kind][0](notice), notice.message_id, notice.raw))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a request's notification, if ``DOCUMENTED`` names it."""
    kind = read_notice(request, connection).kind
    return (kind,) if kind in DOCUMENTED else ()
