"""Ask S3 for an object that an event names as ``s3://BUCKET/KEY``, signed by a key of the connection's own.

docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. The key needs ``s3:GetObject`` on the bucket, and
``kms:Decrypt`` where objects are encrypted by a key of KMS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote

from cx_channels.kit.aws.signing import AwsKey, signed_headers
from cx_channels.kit.settings import text_setting
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest
from cx_events.timestamps import Micros

_OWN = frozenset({"media_key_id", "media_secret", "media_region"})
SETTINGS = frozenset({MEDIA_SETTING}) | _OWN

_EMPTY = sha256(b"").hexdigest()
_REFERENCE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")


def object_request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    """Return the request for an object, signed at a time; None for what is no address of one."""
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


def lacks_key(what: str) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection what is missing to ask S3. ``what``: the objects that are meant, in plural."""

    def lacks(connection: Connection) -> tuple[str, ...]:
        found = [
            f"settings.media is true, and settings.{name} is missing: {what} in S3 can't be fetched"
            for name in sorted(_OWN)
            if not text_setting(connection, name, "")
        ]
        region = text_setting(connection, "media_region", "")
        if region and _REGION.fullmatch(region) is None:
            found.append("settings.media_region is no region of Amazon's, such as eu-west-1")
        return tuple(found)

    return lacks
