"""Read the settings of a connection whose SQS queues and Kinesis streams the hub reads itself. Pure.

A provider that has them adds ``SETTING_NAMES`` and ``SECRET_NAMES`` to its own, and ``asks``, ``warnings_of`` and
``notes_of``; its ``poller`` is ``cx_channels.pollers.aws``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.login import KEY_OF_READING, LOGIN_SETTINGS, aws_login, is_hubs_identity
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.settings import address_setting, number_setting, since_setting, text_setting, wrong_setting
from cx_channels.provider import Connection
from cx_events.errors import Fatal

SETTING_NAMES = LOGIN_SETTINGS | {
    "queues",
    "streams",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "endpoint",
    "since",
    "receives",
}
SECRET_NAMES = frozenset({"secret_access_key", "session_token", "role_arn", "own_identity"})
"""What is a secret, or stands in the place of one."""

RECEIVES = 20
"""So often is a message received before it is a dead letter unread."""

_WHERE = r"([a-z0-9-]{1,40}):([0-9]{6,20})"
_QUEUE = re.compile(rf"arn:(aws|aws-cn|aws-us-gov):sqs:{_WHERE}:([A-Za-z0-9_-]{{1,80}}(?:\.fifo)?)")
_STREAM = re.compile(rf"arn:(aws|aws-cn|aws-us-gov):kinesis:{_WHERE}:stream/([A-Za-z0-9_.-]{{1,128}})")
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A queue or a stream, as its ARN names it."""

    arn: str
    partition: str
    region: str
    account: str
    name: str

    def host(self, service: str) -> str:
        """Return the address of a service in its region (docs.aws.amazon.com/general/latest/gr/rande.html)."""
        return f"https://{service}.{self.region}.amazonaws.com{'.cn' if self.partition == 'aws-cn' else ''}"


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """``login``: in each region. ``endpoint``: takes the place of AWS's own address, empty without. ``since``: where a
    stream is begun, as ``since_setting`` has it. ``receives``: see ``RECEIVES``."""

    queues: tuple[Resource, ...]
    streams: tuple[Resource, ...]
    logins: Mapping[str, AwsLogin]
    endpoint: str
    since: str
    receives: int


def asks(connection: Connection) -> bool:
    """Return whether a connection names queues or streams: then the hub reads them."""
    return bool(connection.settings.get("queues") or connection.settings.get("streams"))


def reading_settings(connection: Connection) -> ReadingSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    queues = tuple(_resources(connection, "queues", _QUEUE, "arn:aws:sqs:REGION:ACCOUNT:NAME"))
    streams = tuple(_resources(connection, "streams", _STREAM, "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"))
    endpoint = address_setting(connection, "endpoint", "") if connection.settings.get("endpoint") else ""
    key = _key(connection)
    regions = {each.region for each in (*queues, *streams)}
    return ReadingSettings(
        queues=queues,
        streams=streams,
        logins={region: aws_login(connection, region, key, endpoint) for region in regions},
        endpoint=endpoint,
        since=since_setting(connection),
        receives=number_setting(connection, "receives", RECEIVES, 1, 1000),
    )


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in the settings of reading. Raise ``Fatal`` for those that can't be meant."""
    if asks(connection):
        reading_settings(connection)
        return ()
    useless = sorted((SETTING_NAMES - LOGIN_SETTINGS) & connection.settings.keys() - {"queues", "streams"})
    return (f"neither queues nor streams: {', '.join(useless)} do nothing",) if useless else ()


def notes_of(connection: Connection) -> tuple[str, ...]:
    """Return what a connection reads."""
    if not asks(connection):
        return ()
    its = reading_settings(connection)
    return tuple(f"it reads {each.arn}" for each in (*its.queues, *its.streams))


def _resources(connection: Connection, name: str, form: re.Pattern[str], example: str) -> Iterator[Resource]:
    given = connection.settings.get(name, ())
    listed = dict.fromkeys(given) if isinstance(given, list | tuple) and all(map(_is_text, given)) else None
    if listed is None:
        raise wrong_setting(connection, name, f"a list of ARNs like {example}")
    for arn in listed:
        match = form.fullmatch(arn)
        if match is None:
            raise wrong_setting(connection, name, f"a list of ARNs like {example}")
        yield Resource(arn, *match.groups())


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _key(connection: Connection) -> AwsKey | None:
    """Return the key of a connection, None where it has none and another identity logs in."""
    if is_hubs_identity(connection, KEY_OF_READING):
        return None
    id = text_setting(connection, "access_key_id")
    if _KEY_ID.fullmatch(id) is None:
        raise wrong_setting(connection, "access_key_id", "the id of an access key (AKIA... or ASIA...)")
    secret, token = connection.settings.get("secret_access_key"), connection.settings.get("session_token", "")
    for name, value in (("secret_access_key", secret), ("session_token", token)):
        if not isinstance(value, str) or not value.isascii() or " " in value or not value.isprintable():
            raise _wrong_secret(connection, name)
    if not secret:
        raise _wrong_secret(connection, "secret_access_key")
    return AwsKey(id, str(secret), str(token))


def _wrong_secret(connection: Connection, name: str) -> Fatal:
    """Return the error of a secret that can't be meant; its value is not told."""
    return Fatal(f"{connection.id}: settings.{name} is missing, or has spaces or other characters that AWS's never has")
