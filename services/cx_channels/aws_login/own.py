"""Find the hub's own identity at AWS where AWS's tools look for it, in their order.

docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html: a key in variables, a service account's token
(EKS), the address that a container is told (ECS, EKS Pod Identity), the metadata of an EC2 instance (version 2 alone).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cx_channels.aws_login.sts import Sts
from cx_channels.aws_login.temporary import Temporary, temporary
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.json_values import obj, text
from cx_channels.pollers.asking import Answered, open_asker
from cx_events.errors import Refused, TryLater

SECONDS = 5.0
_MOST = 64 << 10
_MOST_TOKEN = 64 << 10
_CONTAINER = "http://169.254.170.2"
_METADATA = "http://169.254.169.254"
_FOR_CONTAINERS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"})
"""Hosts that may be told without TLS (docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html)."""
_ROLE = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
_NONE = (
    "the hub has no identity of its own at AWS: neither AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE nor"
    " AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI is set, and"
)


class OwnIdentity:
    """``given``: the process's environment. Nothing else says where the identity is."""

    def __init__(self, given: Mapping[str, str], sts: Sts) -> None:
        self._given = given
        self._sts = sts

    @property
    def region(self) -> str:
        return self._of("AWS_REGION") or self._of("AWS_DEFAULT_REGION") or "us-east-1"

    async def key(self) -> Temporary:
        """Return the present key. Raise ``Refused`` where there is none, ``TryLater`` where none came."""
        if id := self._of("AWS_ACCESS_KEY_ID"):
            return Temporary(AwsKey(id, self._of("AWS_SECRET_ACCESS_KEY"), self._of("AWS_SESSION_TOKEN")))
        if file := self._of("AWS_WEB_IDENTITY_TOKEN_FILE"):
            return await self._of_service_account(file)
        if path := self._of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            return await self._of_container(_CONTAINER + path)
        if url := self._of("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return await self._of_container(url)
        if self._of("AWS_EC2_METADATA_DISABLED").lower() == "true":
            raise Refused("login-refused", f"{_NONE} AWS_EC2_METADATA_DISABLED is true")
        return await self._of_instance(self._of("AWS_EC2_METADATA_SERVICE_ENDPOINT").rstrip("/") or _METADATA)

    def _of(self, name: str) -> str:
        return self._given.get(name, "").strip()

    async def _of_service_account(self, file: str) -> Temporary:
        role = self._of("AWS_ROLE_ARN")
        if not role:
            raise Refused("login-refused", "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is missing")
        token = await _read(file, "AWS_WEB_IDENTITY_TOKEN_FILE")
        session = self._of("AWS_ROLE_SESSION_NAME") or "throughline"
        return await self._sts.assume_with_token(token, self.region, role, session)

    async def _of_container(self, url: str) -> Temporary:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _may_be_plain(parts.hostname or "")):
            raise Refused(
                "login-refused", "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https:// nor a container's own address"
            )
        token = self._of("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if file := self._of("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = await _read(file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        headers = {"authorization": token} if token else {}
        async with open_asker(seconds=SECONDS, most=_MOST) as asker:
            return _key_in(await asker.ask("GET", url, headers=headers), "the container's address")

    async def _of_instance(self, url: str) -> Temporary:
        """Return the key of the instance's role (docs.aws.amazon.com/AWSEC2/latest/UserGuide,
        instance-metadata-security-credentials)."""
        place = f"{url}/latest/meta-data/iam/security-credentials/"
        async with open_asker(seconds=SECONDS, most=_MOST) as asker:
            try:
                headers = {"x-aws-ec2-metadata-token-ttl-seconds": "300"}
                began = await asker.ask("PUT", f"{url}/latest/api/token", headers=headers)
            except TryLater as later:
                raise TryLater("no-answer", f"{_NONE} no metadata of EC2 answer: {later.detail}", 60) from None
            told = {"x-aws-ec2-metadata-token": _text_in(began, "the metadata's token")}
            named = await asker.ask("GET", place, headers=told)
            if named.status == 404:
                raise Refused("login-refused", f"{_NONE} this instance has no role")
            role = _text_in(named, "the instance's role")
            if _ROLE.fullmatch(role) is None:
                raise TryLater("vendor", "the metadata of EC2 name no role", 10)
            return _key_in(await asker.ask("GET", place + role, headers=told), "the metadata of EC2")


async def _read(file: str, name: str) -> str:
    """Return a file's text, which is read for each key anew: whoever writes it writes a new one in time."""
    try:
        content = await asyncio.to_thread(_begin_of, file)
    except OSError as error:
        raise TryLater("token", f"the file of {name} can't be read: {error.strerror}", 10) from None
    written = content.decode("ascii", "replace").strip()
    if not written or len(content) > _MOST_TOKEN or not written.isprintable():
        raise TryLater("token", f"the file of {name} has no token", 10)
    return written


def _begin_of(file: str) -> bytes:
    with Path(file).open("rb") as opened:
        return opened.read(_MOST_TOKEN + 1)


def _may_be_plain(host: str) -> bool:
    if host in _FOR_CONTAINERS:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _text_in(answered: Answered, what: str) -> str:
    if answered.status != 200:
        raise _failed(answered, what)
    return answered.content.decode("ascii", "replace").strip()


def _key_in(answered: Answered, what: str) -> Temporary:
    if answered.status != 200:
        raise _failed(answered, what)
    given = obj(answered.value)
    return temporary(
        text(given.get("AccessKeyId")), text(given.get("SecretAccessKey")), text(given.get("Token")),
        text(given.get("Expiration")),
    )  # fmt: skip


def _failed(answered: Answered, what: str) -> Exception:
    told = f"{what} answers {answered.status}"
    if answered.status in (400, 401, 403, 404):
        return Refused("login-refused", told)
    return TryLater("vendor", told, 10)
