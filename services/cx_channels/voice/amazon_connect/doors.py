"""Tell who may post: whoever carries the connection's key (``kit.aws.doors``), and its topics, by their signature
(``kit.aws.sns``)."""

from __future__ import annotations

from cx_channels.kit.aws import doors, reading, sns
from cx_channels.kit.settings import text_setting, texts_of
from cx_channels.provider import Answer, Connection, Mapped, Request, Signature

_OF_SNS = "x-amz-sns-message-type"


def _has_key(request: Request) -> bool:
    return bool(request.headers.get(doors.API_KEY.lower()) or request.headers.get(doors.ACCESS_KEY.lower()))


def signature_of(connection: Connection) -> Signature:
    """Return what the signature of a connection's requests covers: that of its topics, where it has any."""
    return sns.SIGNATURE if texts_of(connection.settings, "topics") else doors.SIGNATURE


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` unless the request carries the connection's key, or one of its topics signed it; and
    ``KeyUnknown`` as ``sns.verify`` does."""
    if _has_key(request) or not texts_of(connection.settings, "topics"):
        doors.verify(request, connection)
    else:
        sns.verify(request, connection)


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as a topic posts it, where the connection has any, else with the key."""
    if texts_of(connection.settings, "topics"):
        return sns.sign(request, connection, secret)
    return doors.sign(request, connection, secret)


def answer(mapped: Mapped, request: Request) -> Answer:
    """Return what the door expects; SNS wants 200."""
    return Answer() if request.headers.get(_OF_SNS) and not _has_key(request) else doors.answer(mapped, request)


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    text_setting(connection, "same_call", "")
    found = reading.warnings_of(connection)
    found += tuple(
        f"settings.topics: {topic[:200]!r} is no ARN of an SNS topic" for topic in sns.unreadable_topics(connection)
    )
    if not (any(connection.secrets) or texts_of(connection.settings, "topics") or reading.asks(connection)):
        found += ("neither secrets nor topics, queues or streams: no request passes, and nothing is read",)
    return found
