"""Ask S3 for a whole mail that SES put there, and let it be mapped with the notification that told of it.

docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html. The key needs ``s3:GetObject`` on the bucket. A mail
that SES has encrypted with a key of the client's (``x-amz-key`` in the object's metadata) can't be read here.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from urllib.parse import quote

from cx_channels.kit.aws.signing import AwsKey, signed_headers
from cx_channels.kit.settings import text_setting
from cx_channels.provider import FETCHED, MEDIA_SETTING, Connection, MediaRequest, MediaSource, Request
from cx_events.envelope import Event
from cx_events.timestamps import Micros

NOTIFICATION = "x-ses-notification"
"""The header in which a fetched mail has the notification, in base64."""

_EMPTY = sha256(b"").hexdigest()
SETTINGS = frozenset({"media_key_id", "media_secret", "media_region"})
_REFERENCE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")


def _request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    match = _REFERENCE.fullmatch(url)
    if match is None:
        return None
    region = text_setting(connection, "media_region", "")
    key = AwsKey(text_setting(connection, "media_key_id", ""), text_setting(connection, "media_secret", ""))
    bucket, path = match[1], "/" + quote(match[2].encode("utf-8", "surrogatepass"), safe="/-._~")
    host = f"s3.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    if "." in bucket:  # the certificate of *.s3.REGION.amazonaws.com names one label alone
        path = f"/{bucket}{path}"
    else:
        host = f"{bucket}.{host}"
    given = {"host": host, "x-amz-content-sha256": _EMPTY}
    signed = signed_headers(key, "s3", region, given, b"", now, method="GET", path=path)
    return MediaRequest(f"https://{host}{path}", signed)


def _lacks(connection: Connection) -> tuple[str, ...]:
    missing = [name for name in sorted(SETTINGS) if not text_setting(connection, name, "")]
    region = text_setting(connection, "media_region", "")
    found = [
        f"settings.media is true, and settings.{name} is missing: mails in S3 can't be fetched" for name in missing
    ]
    if region and _REGION.fullmatch(region) is None:
        found.append("settings.media_region is no region of Amazon's, such as eu-west-1")
    return tuple(found)


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


MEDIA = MediaSource(_request, frozenset({MEDIA_SETTING}) | SETTINGS, _lacks, _mail)
