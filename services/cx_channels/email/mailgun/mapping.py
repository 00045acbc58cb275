"""Map Mailgun's requests: mails that routes bring, and what webhooks tell of mails that were sent.

Kinds: documentation.mailgun.com/docs/mailgun/user-manual/events/event-types, shapes: .../webhooks/webhook-payloads. An
event is about one recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cx_channels.email.mailgun.fields import is_json, read_form, read_webhook
from cx_channels.email.mailgun.inbound import map_inbound, read_inbound
from cx_channels.email.mailgun.legacy import as_webhook, kept
from cx_channels.email.mailgun.signature import token_of
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.mail.kinds import kinds_of_mail
from cx_channels.kit.mail.mapping import KINDS as KINDS_OF_MAIL
from cx_channels.kit.mail.purposes import ALL, purposes_of
from cx_channels.kit.mail.sent_mail import SentMail, message_id_of
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import fractional_seconds
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Fatal, Refused
from cx_events.json_types import Json

Handler = Callable[[Json, SentMail], Outcome]

SUPPRESSED = 600
"""From this code on Mailgun did not even try: the address bounced, complained or left before."""

ROUTE_FAILED = "routed/failed"

_encode = msgspec.json.Encoder().encode


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request.

    Raise ``Refused``: ``malformed`` for a body that is none of Mailgun's, ``bad-settings``.
    """
    if not is_json(request) and request.once(read_form).is_mail:
        return map_inbound(request, connection)
    event, raw = _event_of(request)
    return sort_outcomes([_outcome(request, event, raw, connection)])


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a request, as ``DOCUMENTED`` names it; of a mail those of what it turns out to be."""
    if is_json(request) or not request.once(read_form).is_mail:
        return (kind_of(_event_of(request)[0]),)
    reading, drafts = read_inbound(request, connection)
    own = mail_settings(connection.settings, by_vendor=True).own
    return tuple(f"mail, {each}" for each in kinds_of_mail(reading, drafts, own))


def warnings(connection: Connection) -> tuple[str, ...]:
    """Raise ``Fatal`` for settings that can't be meant."""
    connection.once(purposes_of)
    for name in ("dkim_check", "subaccounts"):
        if not isinstance(connection.settings.get(name, False), bool):
            raise Fatal(f"the connection {connection.id}: {name} is neither true nor false")
    return ()


def _event_of(request: Request) -> tuple[Json, bytes]:
    """Return ``event-data``, and what is kept of the notice."""
    if is_json(request):
        event = obj(request.once(read_webhook).get("event-data"))
        if not event:
            raise Refused("malformed", "the JSON body has no event-data")
        return event, _encode(event)
    form = request.once(read_form)
    if "event" not in form.by_name:
        raise Refused("malformed", "the form is neither a mail nor a webhook: it has no event and nothing written")
    return as_webhook(form), _encode(kept(form))


def kind_of(event: Json) -> str:
    """Return an event's kind as the tables name it."""
    kind, flags = text(event.get("event")).lower(), obj(event.get("flags"))
    if flags.get("is-test-mode") is True:
        return "test-mode"
    if flags.get("is-routed") is True:
        lost = kind == "failed" and text(event.get("severity")).lower() != "temporary"
        return ROUTE_FAILED if lost else "routed"
    if kind == "failed":
        return f"failed/{'temporary' if text(event.get('severity')).lower() == 'temporary' else 'permanent'}"
    if kind in ("opened", "clicked") and text(obj(event.get("client-info")).get("bot")):
        return f"{kind}/machine"
    return kind


def _outcome(request: Request, event: Json, raw: bytes, connection: Connection) -> Outcome:
    kind = kind_of(event)
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    token = token_of(request, connection)
    id = id_part(token) if token else sha256_hex(raw)[:32]
    if kind == ROUTE_FAILED:
        return Unmapped(id, f"inbound-failed: a route could not pass on a mail that came: {_why(event)}", raw)
    if kind not in KINDS:
        return Unmapped(id, f"{UNKNOWN_KIND}: {kind[:64]!r}", raw)
    headers = obj(obj(event.get("message")).get("headers"))
    sent = SentMail(
        connection=connection,
        event=id,
        message_id=message_id_of(first(headers.get("message-id"), headers.get("Message-Id"))),
        vendor_id="",
        recipient=first(event.get("recipient"), headers.get("to")),
        time=fractional_seconds(event.get("timestamp")),
        raw=msgspec.Raw(raw),
    )
    if not sent.is_known and not (kind == "unsubscribed" and sent.recipient):
        return Unmapped(id, f"malformed {kind}: no message-id", raw)
    return KINDS[kind][0](event, sent)


def _why(event: Json) -> str:
    """Return what the other server said, in short."""
    status = obj(event.get("delivery-status"))
    words = (text(status.get("code")), first(status.get("message"), status.get("description")))
    return " ".join(each for each in words if each)[:160] or text(event.get("reason"))[:160]


def _failed(event: Json, sent: SentMail) -> Outcome:
    status = obj(event.get("delivery-status"))
    words = first(status.get("message"), status.get("description"))
    code, reason = text(status.get("code")), text(event.get("reason"))
    if len(code) == 3 and code.isdecimal() and int(code) >= SUPPRESSED:
        return sent.not_sent(code, words or text(status.get("description")), reason)
    return sent.failed(text(status.get("enhanced-code")) or ("" if code == "0" else code), words, reason or "failed")


def _rejected(event: Json, sent: SentMail) -> Outcome:
    reject = obj(event.get("reject"))
    return sent.not_sent("", first(reject.get("reason"), reject.get("description")), "rejected")


def _unsubscribed(event: Json, sent: SentMail) -> Outcome:
    """Map that a recipient left: a mailing list where the event names one, else all mail of the domain."""
    given = event.get("mailing-list")
    name = text(obj(given).get("address")) or text(given) or ALL
    return sent.consent(sent.connection.once(purposes_of).get(name, name), granted=False)


KINDS: Mapping[str, tuple[Handler, str]] = {
    "delivered": (lambda _event, sent: sent.delivered(), "cx.message.delivered.v1"),
    "failed/permanent": (_failed, "cx.message.failed.v1"),
    "rejected": (_rejected, "cx.message.failed.v1: Mailgun did not send it"),
    "opened": (lambda _event, sent: sent.read(), "cx.message.read.v1"),
    "clicked": (
        lambda event, sent: sent.read("clicked", text(event.get("url"))),
        "cx.message.read.v1, reason clicked, with the link",
    ),
    "complained": (lambda _event, sent: sent.complained(), "cx.message.reacted.v1, reaction complaint"),
    "unsubscribed": (_unsubscribed, "cx.consent.changed.v1, not granted"),
}

_ADMINISTRATION = "about lists and addresses of the account, not what a customer does"

IGNORED: Mapping[str, str] = {
    "accepted": "Mailgun took the mail that the business sent; what becomes of it is told by itself",
    "failed/temporary": "the other server asks to try later, and Mailgun does so; delivered or failed tells the end",
    "opened/machine": "a machine opened it, not a person (client-info.bot)",
    "clicked/machine": "a machine followed the link, not a person (client-info.bot)",
    "routed": "a route passes on a mail that came (flags.is-routed): its recipient is no customer",
    "test-mode": "Mailgun sent nothing: the mail was a test (flags.is-test-mode)",
    "stored": "Mailgun keeps a mail for a while; the route brings it",
    "list_member_uploaded": _ADMINISTRATION,
    "list_member_upload_error": _ADMINISTRATION,
    "list_uploaded": _ADMINISTRATION,
    "email_validation": _ADMINISTRATION,
}

DOCUMENTED: Mapping[str, str] = {
    **{f"mail, {kind}": becomes for kind, becomes in KINDS_OF_MAIL.items()},
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    ROUTE_FAILED: "a dead letter, inbound-failed: a customer's mail was not passed on; Mailgun has it for some days",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}
