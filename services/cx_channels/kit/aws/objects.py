"""Ask S3 for an object that an event names as ``s3://BUCKET/KEY``, signed by a key of the connection's own.

docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. The key needs ``s3:GetObject`` on the bucket, and
``kms:Decrypt`` where objects are encrypted by a key of KMS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlsplit

from cx_channels.kit.aws.signing import AwsKey, query_of, signed_headers
from cx_channels.kit.listed import Asked
from cx_channels.kit.settings import text_setting
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest
from cx_events.timestamps import Micros

OWN = frozenset({"media_key_id", "media_secret", "media_region"})
SETTINGS = frozenset({MEDIA_SETTING}) | OWN
REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")

_EMPTY = sha256(b"").hexdigest()
_REFERENCE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it is asked. ``endpoint``: takes the place of AWS's own address, empty without."""

    name: str
    region: str
    key: AwsKey
    endpoint: str = ""

    def get(self, object_key: str, now: Micros, query: Mapping[str, str], first: int = 0) -> Asked:
        """Return the request for an object, signed at a time; for the bucket itself where ``object_key`` is empty.

        ``first``: so many bytes of it alone, 0 for all.
        """
        host = urlsplit(self.endpoint).netloc or _host_of(self.region)
        path = "/" + quote(object_key.encode("utf-8", "surrogatepass"), safe="/-._~")
        if self.endpoint or "." in self.name:  # the certificate of *.s3.REGION.amazonaws.com names one label alone
            path = f"/{self.name}{path}"
        else:
            host = f"{self.name}.{host}"
        asked = query_of(query)
        given = {"host": host, "x-amz-content-sha256": _EMPTY}
        signed = signed_headers(self.key, "s3", self.region, given, b"", now, method="GET", path=path, query=asked)
        if first:
            signed["range"] = f"bytes=0-{first - 1}"
        origin = self.endpoint or f"https://{host}"
        return Asked(f"{origin}{path}{'?' if asked else ''}{asked}", signed)


def place_in_s3(url: str) -> tuple[str, str] | None:
    """Return the bucket and the key of ``s3://BUCKET/KEY``; None for what is no address of an object."""
    match = _REFERENCE.fullmatch(url)
    return (match[1], match[2]) if match is not None else None


def object_request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    """Return the request for an object, signed at a time; None for what is no address of one."""
    place = place_in_s3(url)
    if place is None:
        return None
    name, object_key = place
    key = AwsKey(text_setting(connection, "media_key_id", ""), text_setting(connection, "media_secret", ""))
    asked = Bucket(name, text_setting(connection, "media_region", ""), key).get(object_key, now, {})
    return MediaRequest(asked.url, asked.headers)


def lacks_key(what: str) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection what is missing to ask S3. ``what``: the objects that are meant, in plural."""

    def lacks(connection: Connection) -> tuple[str, ...]:
        found = [
            f"settings.media is true, and settings.{name} is missing: {what} in S3 can't be fetched"
            for name in sorted(OWN)
            if not text_setting(connection, name, "")
        ]
        region = text_setting(connection, "media_region", "")
        if region and REGION.fullmatch(region) is None:
            found.append("settings.media_region is no region of Amazon's, such as eu-west-1")
        return tuple(found)

    return lacks


def _host_of(region: str) -> str:
    return f"s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
