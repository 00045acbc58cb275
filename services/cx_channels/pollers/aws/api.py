"""Ask a service of AWS by its JSON protocol: a POST, the operation in ``X-Amz-Target``, signed
(smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import signed_headers
from cx_channels.kit.json_values import first, obj, text
from cx_channels.pollers.asking import Answered, Asker
from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_TOLD = 300


class Service(NamedTuple):
    """``target``: the begin of ``X-Amz-Target``; ``version``: of the JSON protocol."""

    name: str
    target: str
    version: str


SQS = Service("sqs", "AmazonSQS", "1.0")
KINESIS = Service("kinesis", "Kinesis_20131202", "1.1")

THROTTLED = frozenset({
    "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "LimitExceededException", "KMSThrottlingException",
    "KmsThrottled", "RequestLimitExceeded", "SlowDown",
})  # fmt: skip
_LOGIN = frozenset({
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "ExpiredToken", "ExpiredTokenException", "RequestExpired",
    "RequestTimeTooSkewed", "InvalidSecurity", "NotAuthorized", "OptInRequired",
})  # fmt: skip
_FORBIDDEN = frozenset({
    "AccessDenied", "AccessDeniedException", "KMSAccessDeniedException", "KmsAccessDenied", "KMSDisabledException",
    "KmsDisabled", "KMSNotFoundException", "KmsNotFound", "KMSOptInRequired", "KmsOptInRequired",
})  # fmt: skip
_NOT_THERE = frozenset({
    "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException", "InvalidAddress",
})  # fmt: skip


class AwsFailed(TryLater):
    """A request failed in a way that its caller may know a remedy for. ``kind``: AWS's name of the error."""

    def __init__(self, kind: str, detail: str, retry_after: int = 1) -> None:
        super().__init__("throttled" if kind in THROTTLED else "vendor", detail, retry_after)
        self.kind = kind

    @property
    def is_throttled(self) -> bool:
        """Return whether AWS asks for fewer requests."""
        return self.kind in THROTTLED


class AwsApi:
    """One service in one region, that of the ``login``. ``url``: of its host; ``now``: the present time."""

    def __init__(
        self, asker: Asker, service: Service, url: str, login: AwsLogin, keys: AwsKeys, now: Callable[[], Micros]
    ) -> None:
        self._asker = asker
        self._service = service
        self._url = url
        self._login = login
        self._keys = keys
        self._now = now

    async def call(self, operation: str, asked: Json) -> Json:
        """Return the answer of an operation.

        Raise ``Refused`` where there is no key, it may not ask so, or what it asks of is not there; ``AwsFailed`` for
        all other errors that AWS names; ``TryLater`` where no answer came.
        """
        body = msgspec.json.encode(asked)
        headers = {
            "host": urlsplit(self._url).netloc,
            "content-type": f"application/x-amz-json-{self._service.version}",
            "x-amz-target": f"{self._service.target}.{operation}",
        }
        key = await self._keys.key(self._login)
        signed = signed_headers(key, self._service.name, self._login.region, headers, body, self._now())
        answered = await self._asker.ask("POST", self._url + "/", headers=signed, content=body)
        if answered.status == 200 and isinstance(answered.value, dict):
            return answered.value
        raise _error_of(operation, answered, self._now() / 1_000_000)


def _error_of(operation: str, answered: Answered, now: float) -> Exception:
    """Return the error that an answer is. The kind stands in ``__type``, after the name of a namespace."""
    given = obj(answered.value)
    named = first(text(given.get("__type")), text(given.get("code")), answered.headers.get("x-amzn-errortype"))
    kind = named.rpartition("#")[2].partition(":")[0]
    told = f"{operation}: {answered.status} {kind} {first(given.get('message'), given.get('Message'))}".strip()
    told = told[:_MOST_TOLD]
    if kind in _LOGIN:
        return Refused("login-refused", told)
    if kind in _FORBIDDEN:
        return Refused("access-denied", told)
    if kind in _NOT_THERE:
        return Refused("not-there", told)
    if answered.status in (401, 403):
        return Refused("login-refused", told)
    return AwsFailed(kind or str(answered.status), told, answered.pause(now))
