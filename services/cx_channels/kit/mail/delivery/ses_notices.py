"""Read what Amazon SES says of a sent mail where it comes by mail: an address may subscribe to a topic of Amazon SNS.

The text of such a mail is SES's JSON with a footer, or, of a subscription by "email-json", SNS's JSON around it
(docs.aws.amazon.com/ses/latest/dg/notification-contents.html, .../sns/latest/dg/sns-message-and-json-formats.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.mail.delivery.reasons import code_of, diagnostic
from cx_channels.kit.mail.delivery.reports import Complaint, Outcome
from cx_channels.kit.mail.mime.headers import Headers
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json

FIELD = "x-amz-sns-message-id"

_MAX_RECIPIENTS = 50
_MAX_EXPLANATION = 1_000
_BROKEN = "!\n "
"""What sendmail puts into lines of more than 990 characters."""


@dataclass(frozen=True, slots=True)
class SesNotice:
    """The outcome of a mail for each recipient, or who complained. ``original``: the fields of the mail."""

    outcomes: tuple[Outcome, ...]
    complaints: tuple[Complaint, ...]
    original: Headers


def ses_notice(headers: Headers, body: str) -> SesNotice | None:
    """Return what a mail of SNS says of a sent mail; None for any other mail, and for what SES says besides."""
    if FIELD not in headers:
        return None
    value = _json_in(body.replace(_BROKEN, ""))
    value = _json_in(text(value.get("Message"))) if "Message" in value else value
    kind = first(value.get("notificationType"), value.get("eventType"))
    original = _original(obj(value.get("mail")))
    complaints = _complaints(obj(value.get("complaint")), original) if kind == "Complaint" else ()
    outcomes = tuple(_outcomes(kind, value))[:_MAX_RECIPIENTS]
    return SesNotice(outcomes, complaints, original) if outcomes or complaints else None


def _json_in(said: str) -> Json:
    try:
        return obj(strict_json.decode(said[said.find("{") : said.rfind("}") + 1].encode("utf-8", "replace")))
    except Refused:
        return {}


def _original(mail: Json) -> Headers:
    fields = [(first(each.get("name")).lower(), first(each.get("value"))) for each in objects(mail.get("headers"))]
    fields.append(("message-id", text(obj(mail.get("commonHeaders")).get("messageId"))))
    return Headers([(name, value.encode("utf-8", "replace")) for name, value in fields if name and value])


def _outcomes(kind: str, value: Json) -> list[Outcome]:
    if kind == "Delivery":
        told = obj(value.get("delivery"))
        return [Outcome(each, "delivered") for each in texts(told.get("recipients"))]
    if kind == "Bounce":
        listed = objects(obj(value.get("bounce")).get("bouncedRecipients"))
        return [Outcome(text(each.get("emailAddress")), "failed", *_why(each)) for each in listed]
    if kind == "DeliveryDelay":
        listed = objects(obj(value.get("deliveryDelay")).get("delayedRecipients"))
        return [Outcome(text(each.get("emailAddress")), "delayed", *_why(each)) for each in listed]
    return []


def _why(recipient: Json) -> tuple[str, str]:
    said = diagnostic(text(recipient.get("diagnosticCode")))
    return code_of(text(recipient.get("status")), said), said[:_MAX_EXPLANATION]


def _complaints(told: Json, original: Headers) -> tuple[Complaint, ...]:
    kind = first(told.get("complaintFeedbackType"), "abuse").lower()
    named = [text(each.get("emailAddress")) for each in objects(told.get("complainedRecipients"))]
    return tuple(Complaint(each, kind, original.raw("message-id")) for each in named[:_MAX_RECIPIENTS])
