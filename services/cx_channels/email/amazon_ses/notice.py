"""Read one message of a topic: SES's notification, as JSON in the text that SNS posts.

docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html, .../notification-contents.html,
.../event-publishing-retrieving-sns-contents.html. The last two are two features that tell the same in different
shapes: the kind stands in ``notificationType``, or in ``eventType``.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cx_channels.kit.aws import sns
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Request, Unmapped
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json

VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
SETUP = "AMAZON_SES_SETUP_NOTIFICATION"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. ``value``: SES's own JSON; ``raw``: the same on one line, without what SNS put around it, which
    differs between topics; ``kind``: as the tables name it; ``topic``: where it came from."""

    connection: Connection
    value: Json
    raw: bytes
    kind: str
    topic: str = ""

    @property
    def mail(self) -> Json:
        return obj(self.value.get("mail"))

    @property
    def message_id(self) -> str:
        """Return SES's own id of the mail, bounded; "" where it names none."""
        given = text(self.mail.get("messageId"))
        return id_part(given) if given else ""

    def lost(self, why: str) -> Unmapped:
        """Return the dead letter of this notification."""
        return Unmapped(self.message_id or sha256_hex(self.raw)[:32], why, self.raw)


def read_notice(request: Request, connection: Connection) -> Notice:
    """Return what a request tells. A bare notification, without SNS around it, is read, too: recordings are.

    Raise ``Refused("malformed")`` for what is no JSON object.
    """
    given = request.once(sns.envelope_of)
    kind, topic = text(given.get("Type")), text(given.get("TopicArn"))
    if kind in (sns.CONFIRMATION, sns.UNSUBSCRIBED):
        told = {name: given[name] for name in given if name not in _SECRETS}
        return Notice(connection, told, _encode(told), kind, topic)
    if kind != sns.NOTIFICATION or not isinstance(given.get("Message"), str):
        return Notice(connection, given, _encode(given), kind_of(given), topic)
    if given["Message"].strip() == VALIDATED:
        return Notice(connection, given, _encode(given), "validated", topic)
    try:
        message = strict_json.mend_surrogates(given["Message"].encode())
        value, written = strict_json.decode_written(message, sns.LIMITS)
    except Refused as refused:
        raise Refused("malformed", f"Message: {refused.detail}") from None
    if not isinstance(value, dict):
        raise Refused("malformed", "Message is no JSON object")
    return Notice(connection, value, written, kind_of(value), topic)


_SECRETS = frozenset({"Token", "SubscribeURL", "Signature"})
"""Of a confirmation: with its token anybody may confirm."""


def kind_of(value: Json) -> str:
    """Return the kind of a notification, as SES names it; of a received mail with what the rule did."""
    kind = first(value.get("notificationType"), value.get("eventType"))
    if kind != "Received":
        return kind
    if text(obj(value.get("mail")).get("messageId")) == SETUP:
        return "Received/setup"
    if isinstance(value.get("content"), str):
        return kind
    action = text(obj(obj(value.get("receipt")).get("action")).get("type"))
    if action in ("S3", "Bounce", "Stop"):
        return f"Received/{action}"
    return "Received/fields"
