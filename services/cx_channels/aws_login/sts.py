"""Ask AWS's token service (STS) for the keys of a role.

docs.aws.amazon.com/STS/latest/APIReference, API_AssumeRole and API_AssumeRoleWithWebIdentity: a form that is posted,
and XML in answer. Always a region's own host is asked, as AWS recommends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from cx_channels.aws_login.temporary import Temporary, temporary
from cx_channels.kit.aws.signing import AwsKey, signed_headers
from cx_channels.kit.safe_xml import Element, read_xml
from cx_channels.pollers.asking import Answered, open_asker
from cx_events.errors import Refused, TryLater
from cx_events.timestamps import Micros

_VERSION = "2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_MOST_TOLD = 300
_LATER = frozenset({
    "Throttling", "ThrottlingException", "RequestThrottled", "IDPCommunicationError", "ServiceUnavailable",
    "InternalFailure", "RequestExpired",
})  # fmt: skip
"""Errors that are over by themselves."""


class Sts:
    """``endpoint``: in place of AWS's own address, empty without; ``now``: the present time."""

    def __init__(self, now: Callable[[], Micros], endpoint: str = "") -> None:
        self._now = now
        self._endpoint = endpoint

    async def assume(self, key: AwsKey, region: str, role: str, session: str, external_id: str) -> Temporary:
        """Return a key of a role, which ``key`` may assume. Raise ``Refused`` where it may not, ``TryLater``."""
        more = {"ExternalId": external_id} if external_id else {}
        asked = {"RoleArn": role, "RoleSessionName": session, **more}
        return await self._ask("AssumeRole", asked, region, key)

    async def assume_with_token(self, token: str, region: str, role: str, session: str) -> Temporary:
        """Return a key of a role for a token of a service account. Raise as ``assume``."""
        asked = {"RoleArn": role, "RoleSessionName": session, "WebIdentityToken": token}
        return await self._ask("AssumeRoleWithWebIdentity", asked, region, None)

    async def _ask(self, action: str, asked: Mapping[str, str], region: str, key: AwsKey | None) -> Temporary:
        url = self._endpoint or _address(region)
        body = urlencode({"Action": action, "Version": _VERSION, **asked}).encode()
        headers = {"host": urlsplit(url).netloc, "content-type": _FORM}
        if key is not None:
            headers = signed_headers(key, "sts", region, headers, body, self._now())
        async with open_asker() as asker:
            answered = await asker.ask("POST", url + "/", headers=headers, content=body)
        root = _root(answered)
        if answered.status != 200 or root is None:
            raise _error_of(action, asked["RoleArn"], answered, root, self._now() / 1_000_000)
        found = next((each for one in root.children for each in one.all("Credentials")), Element(""))
        return temporary(
            found.words("AccessKeyId"), found.words("SecretAccessKey"), found.words("SessionToken"),
            found.words("Expiration"),
        )  # fmt: skip


def _address(region: str) -> str:
    return f"https://sts.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _root(answered: Answered) -> Element | None:
    try:
        return read_xml(answered.content)
    except Refused:
        return None


def _error_of(action: str, role: str, answered: Answered, root: Element | None, now: float) -> Exception:
    """Return the error that an answer is, with AWS's own words."""
    error = next(iter(root.all("Error")), Element("")) if root is not None else Element("")
    code = error.words("Code")
    told = f"{action} of {role}: {answered.status} {code} {error.words('Message')}".strip()[:_MOST_TOLD]
    if code in _LATER or answered.status >= 500 or answered.status == 429 or root is None:
        return TryLater("vendor", told, answered.pause(now))
    return Refused("access-denied" if code == "AccessDenied" else "login-refused", told)
