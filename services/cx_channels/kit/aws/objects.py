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

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.login import KEY_OF_BUCKETS, LOGIN_SETTINGS, aws_login, is_hubs_identity
from cx_channels.kit.aws.signing import AwsKey, query_of, signed_headers
from cx_channels.kit.listed import Asked
from cx_channels.kit.settings import text_setting, wrong_setting
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, SignedBy
from cx_events.timestamps import Micros

OF_A_BUCKET = KEY_OF_BUCKETS | {"media_region"} | LOGIN_SETTINGS
SETTINGS = frozenset({MEDIA_SETTING}) | OF_A_BUCKET

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_EMPTY = sha256(b"").hexdigest()
_REFERENCE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it is asked. ``endpoint``: takes the place of AWS's own address, empty without."""

    name: str
    region: str
    endpoint: str = ""

    def get(self, object_key: str, query: Mapping[str, str], key: AwsKey, now: Micros, first: int = 0) -> Asked:
        """Return the request for an object, signed at a time; for the bucket itself where ``object_key`` is empty.

        ``first``: so many bytes of it alone, 0 for all.
        """
        origin, path = self._place(object_key)
        given = {"host": urlsplit(origin).netloc, "x-amz-content-sha256": _EMPTY}
        asked = query_of(query)
        signed = signed_headers(key, "s3", self.region, given, b"", now, method="GET", path=path, query=asked)
        if first:
            signed["range"] = f"bytes=0-{first - 1}"
        return Asked(f"{origin}{path}{'?' if asked else ''}{asked}", signed)

    def url_of(self, object_key: str) -> str:
        return "".join(self._place(object_key))

    def _place(self, object_key: str) -> tuple[str, str]:
        path = "/" + quote(object_key.encode("utf-8", "surrogatepass"), safe="/-._~")
        host = f"s3.{self.region}.amazonaws.com{'.cn' if self.region.startswith('cn-') else ''}"
        if self.endpoint or "." in self.name:  # the certificate of *.s3.REGION.amazonaws.com names one label alone
            return self.endpoint or f"https://{host}", f"/{self.name}{path}"
        return f"https://{self.name}.{host}", path


def bucket_login(connection: Connection, endpoint: str = "") -> AwsLogin:
    """Return how a connection logs in for its buckets. Raise ``Fatal`` for settings that can't be meant."""
    region = text_setting(connection, "media_region")
    if _REGION.fullmatch(region) is None:
        raise wrong_setting(connection, "media_region", "a region of Amazon's, such as eu-west-1")
    if is_hubs_identity(connection, KEY_OF_BUCKETS):
        return aws_login(connection, region, None, endpoint)
    key = AwsKey(text_setting(connection, "media_key_id"), text_setting(connection, "media_secret"))
    return aws_login(connection, region, key, endpoint)


def object_request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    """Return the request for an object, signed at a time; None for what is no address of one."""
    match = _REFERENCE.fullmatch(url)
    if match is None:
        return None
    login = bucket_login(connection)
    bucket, object_key = Bucket(match[1], login.region), match[2]
    signed = SignedBy(login, lambda key: bucket.get(object_key, {}, key, now).headers)
    return MediaRequest(bucket.url_of(object_key), signed=signed)


def lacks_key(what: str) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection what is missing to ask S3. ``what``: the objects that are meant, in plural."""

    def lacks(connection: Connection) -> tuple[str, ...]:
        needed = KEY_OF_BUCKETS | {"media_region"}
        if is_hubs_identity(connection, KEY_OF_BUCKETS):
            needed = frozenset({"media_region"})
        found = [
            f"settings.media is true, and settings.{name} is missing: {what} in S3 can't be fetched"
            for name in sorted(needed)
            if not text_setting(connection, name, "")
        ]
        region = text_setting(connection, "media_region", "")
        if region and _REGION.fullmatch(region) is None:
            found.append("settings.media_region is no region of Amazon's, such as eu-west-1")
        if not found:
            bucket_login(connection)
        return tuple(found)

    return lacks
