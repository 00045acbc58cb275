"""Read how a connection logs in at AWS: by a key of its own, or by the hub's own identity, and as which role. Pure.

A provider adds ``LOGIN_SETTINGS`` to its own. ``cx_channels.aws_login`` makes keys of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.settings import flag_setting, text_setting, wrong_setting
from cx_channels.provider import Connection
from cx_events.errors import Fatal

LOGIN_SETTINGS = frozenset({"role_arn", "external_id", "own_identity"})
KEY_OF_READING = frozenset({"access_key_id", "secret_access_key"})
KEY_OF_BUCKETS = frozenset({"media_key_id", "media_secret"})
"""The settings of a connection's own key, to read queues and streams, and buckets."""

_READ = {"queues": KEY_OF_READING, "streams": KEY_OF_READING, "buckets": KEY_OF_BUCKETS, "media": KEY_OF_BUCKETS}
"""The settings of what is read, and of the key for it."""

_ROLE = re.compile(r"arn:(?:aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/[!-~]{1,512}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
_AWS = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,8}amazonaws\.com(?:\.cn)?|127\.0\.0\.1")


def is_hubs_identity(connection: Connection, key: Collection[str]) -> bool:
    """Return whether the hub's own identity logs in, perhaps to assume a role, since none of the settings of a ``key``
    of the connection's own is there."""
    its = connection.settings
    return bool(its.get("role_arn") or its.get("own_identity")) and not its.keys() & set(key)


def read_by_hubs_identity(connection: Connection) -> list[str]:
    """Return the settings of what the hub's own identity reads for a connection: ``queues``, ``media``."""
    its = connection.settings
    return [name for name, key in _READ.items() if its.get(name) and is_hubs_identity(connection, key)]


def aws_login(connection: Connection, region: str, key: AwsKey | None, endpoint: str = "") -> AwsLogin:
    """Return how a connection logs in. ``endpoint``: what is asked in place of AWS's own address.

    Raise ``Fatal`` for settings that can't be meant.
    """
    role, external_id = text_setting(connection, "role_arn", ""), text_setting(connection, "external_id", "")
    if role and _ROLE.fullmatch(role) is None:
        raise wrong_setting(connection, "role_arn", "a role's ARN like arn:aws:iam::123456789012:role/acme-hub")
    if external_id and (not role or _EXTERNAL_ID.fullmatch(external_id) is None):
        raise wrong_setting(connection, "external_id", "what the trust policy of role_arn asks for (sts:ExternalId)")
    is_own = flag_setting(connection, "own_identity")
    if is_own and key is not None:
        raise Fatal(f"{connection.id}: settings.own_identity and a key of its own exclude each other")
    if key is None and not role and not is_own:
        raise Fatal(f"{connection.id}: neither a key nor settings.role_arn nor settings.own_identity logs in at AWS")
    if key is None and endpoint and _AWS.fullmatch(urlsplit(endpoint).hostname or "") is None:
        raise wrong_setting(connection, "endpoint", "an address of AWS, where the hub's own identity logs in")
    return AwsLogin(connection.tenant, connection.id, region, key, role, external_id)
