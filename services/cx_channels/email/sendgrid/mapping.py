"""Map SendGrid's webhooks: a form with a mail that came, or a list of what became of mails that were sent.

Kinds of events: www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. One event is about one recipient; a
request brings events of many mails. The names of a sender's own arguments stand beside SendGrid's: only SendGrid's are
read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cx_channels.email.sendgrid.inbound import map_inbound, read_inbound
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import text
from cx_channels.kit.mail.kinds import kinds_of_mail
from cx_channels.kit.mail.mapping import KINDS as KINDS_OF_MAIL
from cx_channels.kit.mail.purposes import ALL, purposes_of
from cx_channels.kit.mail.sent_mail import SentMail, message_id_of
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events import strict_json
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_BYTES = 45 << 20
"""The largest request: a mail of 30 MB, which is SendGrid's limit, with its parts in base64 where it comes raw."""

_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_encode = msgspec.json.Encoder().encode

Handler = Callable[[Json, SentMail], Outcome]


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request.

    Raise ``Refused``: ``malformed`` for a body that is no webhook of SendGrid's, ``bad-settings``.
    """
    if not _is_json(request):
        return map_inbound(request, connection)
    return sort_outcomes(_outcome(each, connection) for each in request.once(_read_events))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's notices, as ``DOCUMENTED`` names them; of a mail those of what it turns out to
    be."""
    if _is_json(request):
        return tuple(dict.fromkeys(kind_of(each) for each in request.once(_read_events) if isinstance(each, dict)))
    reading, drafts = read_inbound(request, connection)
    own = mail_settings(connection.settings, by_vendor=True).own
    return tuple(f"mail, {each}" for each in kinds_of_mail(reading, drafts, own))


def _is_json(request: Request) -> bool:
    return strict_json.is_json(request.content_type) or request.body[:1] in (b"[", b"{")


def _read_events(request: Request) -> list[Any]:
    """For ``Request.once``: the events of a body. ``Refused("malformed")`` for what holds none."""
    try:
        value = strict_json.decode(request.body, _LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    events = value if isinstance(value, list) else [value]
    if not events or not isinstance(value, list | dict):
        raise Refused("malformed", "the JSON body is no list of events")
    return events


def kind_of(event: Json) -> str:
    """Return an event's kind as the tables name it."""
    kind = text(event.get("event")).lower()
    if kind == "bounce" and text(event.get("type")).lower() == "blocked":
        return "bounce/blocked"
    return "open/machine" if kind == "open" and event.get("sg_machine_open") is True else kind


def _outcome(event: Any, connection: Connection) -> Outcome:
    raw = _encode(event)
    if not isinstance(event, dict):
        return Unmapped(sha256_hex(raw)[:32], "malformed: no object where an event should be", raw)
    kind = kind_of(event)
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    given = text(event.get("sg_event_id"))
    id = id_part(given) if given else sha256_hex(raw)[:32]
    if kind not in KINDS:
        return Unmapped(id, f"{UNKNOWN_KIND}: {kind[:64]!r}", raw)
    sent = SentMail(
        connection=connection,
        event=id,
        message_id=message_id_of(text(event.get("smtp-id"))),
        vendor_id=vendor_id(text(event.get("sg_message_id"))),
        recipient=text(event.get("email")),
        time=unix_seconds(event.get("timestamp")),
        raw=msgspec.Raw(raw),
    )
    return KINDS[kind][0](event, sent)


def vendor_id(message: str) -> str:
    """Return the id under which SendGrid took a mail (``X-Message-Id``), of the id of its copy for one recipient.

    ``LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-...``: what is behind it names a server. Some have nothing before that,
    and then name no mail.
    """
    base = message.partition(".filter")[0].partition(".recvd")[0]
    return "" if not base or base.startswith("filter") else id_part(base)


# --- what became of a mail -------------------------------------------------------------------------------------------


def _about_a_mail(make: Callable[[Json, SentMail], Outcome]) -> Handler:
    """Return a handler that needs to know which mail an event is about."""

    def handle(event: Json, sent: SentMail) -> Outcome:
        if sent.is_known:
            return make(event, sent)
        return Unmapped(sent.event, f"malformed {kind_of(event)}: neither sg_message_id nor smtp-id", bytes(sent.raw))

    return handle


def _failed(event: Json, sent: SentMail) -> Outcome:
    reason = text(event.get("bounce_classification")) or text(event.get("type")) or text(event.get("event"))
    return sent.failed(text(event.get("status")), text(event.get("reason")), reason)


def _dropped(event: Json, sent: SentMail) -> Outcome:
    """Map a mail that SendGrid did not send, for the address is on one of its lists, or the mail can't be sent."""
    return sent.not_sent(text(event.get("status")), text(event.get("reason")), "dropped")


def _consent(granted: bool) -> Handler:
    def handle(event: Json, sent: SentMail) -> Outcome:
        if not sent.recipient and not sent.is_known:
            return Unmapped(sent.event, f"malformed {kind_of(event)}: it names nobody, and no mail", bytes(sent.raw))
        return sent.consent(_purpose(event, sent.connection), granted=granted)

    return handle


def _purpose(event: Json, connection: Connection) -> str:
    """Return the tenant's name for what a recipient left: an unsubscribe group, or all mail."""
    group = text(event.get("asm_group_id")) if text(event.get("event")).lower().startswith("group_") else ""
    return connection.once(purposes_of).get(group or ALL, f"group-{group}" if group else ALL)


KINDS: Mapping[str, tuple[Handler, str]] = {
    "delivered": (_about_a_mail(lambda _event, sent: sent.delivered()), "cx.message.delivered.v1"),
    "bounce": (_about_a_mail(_failed), "cx.message.failed.v1"),
    "bounce/blocked": (_about_a_mail(_failed), "cx.message.failed.v1: refused this time, the address may be good"),
    "dropped": (_about_a_mail(_dropped), "cx.message.failed.v1: SendGrid did not send it"),
    "open": (_about_a_mail(lambda _event, sent: sent.read()), "cx.message.read.v1"),
    "click": (
        _about_a_mail(lambda event, sent: sent.read("clicked", text(event.get("url")))),
        "cx.message.read.v1, reason clicked, with the link",
    ),
    "spamreport": (_about_a_mail(lambda _event, sent: sent.complained()), "cx.message.reacted.v1, reaction complaint"),
    "unsubscribe": (_consent(False), "cx.consent.changed.v1, not granted"),
    "group_unsubscribe": (_consent(False), "cx.consent.changed.v1, not granted, for the group"),
    "group_resubscribe": (_consent(True), "cx.consent.changed.v1, granted, for the group"),
}

IGNORED: Mapping[str, str] = {
    "processed": "SendGrid took the mail that the business sent; what becomes of it is told by itself",
    "deferred": "the other server asks to try later, and SendGrid does so; delivered or bounce tells the end",
    "open/machine": "a mail program loaded the pictures, not a person (sg_machine_open)",
    "account_status_change": "about the account, no mail and no customer",
}

DOCUMENTED: Mapping[str, str] = {
    **{f"mail, {kind}": becomes for kind, becomes in KINDS_OF_MAIL.items()},
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}
