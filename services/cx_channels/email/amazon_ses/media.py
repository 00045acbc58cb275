"""Ask S3 for a whole mail that SES put there, and let it be mapped with the notification that told of it.

docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html. A mail that SES has encrypted with a key of the
client's (``x-amz-key`` in the object's metadata) can't be read here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from cx_channels.kit.aws.objects import SETTINGS, lacks_key, object_request
from cx_channels.provider import FETCHED, MediaSource, Request
from cx_events.envelope import Event

NOTIFICATION = "x-ses-notification"
"""The header in which a fetched mail has the notification, in base64."""


def _mail(event: Event, content: bytes) -> Request | None:
    """Return the request by which a fetched mail is mapped; None where the event does not have its notification."""
    if not event.data.raw:
        return None
    notification = b64encode(bytes(event.data.raw)).decode("ascii")
    return Request(content, FETCHED, headers={"content-type": "message/rfc822", NOTIFICATION: notification})


def notification_of(request: Request) -> bytes:
    """Return the notification that a fetched mail came with; empty for a request of a topic."""
    if request.method != FETCHED or NOTIFICATION not in request.headers:
        return b""
    return b64decode(request.headers[NOTIFICATION])


MEDIA = MediaSource(object_request, SETTINGS, lacks_key("mails"), _mail)
