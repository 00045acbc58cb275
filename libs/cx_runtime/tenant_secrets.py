"""Check the secrets of a configuration: none empty, none cut in two by a colon, none used twice.

Whoever presents a secret is taken for its owner, so one that two tenants share lets each act as the other. An empty one
is most often a variable that is set to nothing, and would let everybody in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

_SECRET_SETTINGS = ("token", "secret", "password")

Kind = Literal["id_key", "key", "connection", "subscription"]


class _Key(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def secret(self) -> str: ...


class _Connection(Protocol):
    @property
    def secrets(self) -> tuple[str, ...]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...


class _Subscription(Protocol):
    @property
    def secrets(self) -> tuple[str, ...]: ...


class _Tenant(Protocol):
    @property
    def id_key(self) -> str: ...
    @property
    def keys(self) -> tuple[_Key, ...]: ...
    @property
    def connections(self) -> Mapping[str, _Connection]: ...
    @property
    def subscriptions(self) -> Mapping[str, _Subscription]: ...


class Placed(NamedTuple):
    """A secret, whose it is, and where it stands: ``tenants.acme.keys[0].secret``."""

    place: str
    tenant: str
    kind: Kind
    secret: str


def secret_mistakes(tenants: Mapping[str, _Tenant]) -> Iterator[str]:
    """Yield, with its place, each secret that is empty, that is ``USER:PASSWORD`` with an empty half, or that stands in
    two places. One whose variable is not set (``${NAME}``) is passed over: that is told already.

    One secret may serve several connections of one tenant: a vendor's app has one for all its accounts. So it may
    several subscriptions, whose receiver is one. A key may not
    be a connection's secret as well, not even within a tenant: it would open the API to the vendor.
    """
    seen: dict[str, Placed] = {}
    for placed in _placed(tenants):
        if "${" in placed.secret:
            continue
        if not placed.secret.strip():
            yield f"{placed.place} is empty"
            continue
        user, colon, password = placed.secret.partition(":")
        if colon and not (user.strip() and password.strip()):
            yield f"{placed.place} has an empty half: USER:PASSWORD needs both"
            continue
        other = seen.setdefault(placed.secret, placed)
        if other is not placed and not _may_share(other, placed):
            yield f"{placed.place} is the same secret as {other.place}; each needs its own"


def _may_share(one: Placed, other: Placed) -> bool:
    return one.kind == other.kind and one.kind in ("connection", "subscription") and one.tenant == other.tenant


def _placed(tenants: Mapping[str, _Tenant]) -> Iterator[Placed]:
    for name, tenant in tenants.items():
        at = f"tenants.{name}"
        yield Placed(f"{at}.id_key", name, "id_key", tenant.id_key)
        for number, key in enumerate(tenant.keys):
            yield Placed(f"{at}.keys[{number}].secret (the key {key.id!r})", name, "key", key.secret)
        for connection, config in tenant.connections.items():
            place = f"{at}.connections.{connection}"
            for where, secret in connection_secrets(config.secrets, config.settings):
                yield Placed(f"{place}.{where}", name, "connection", secret)
        for subscription, its in tenant.subscriptions.items():
            for number, secret in enumerate(its.secrets):
                place = f"{at}.subscriptions.{subscription}.secrets[{number}]"
                yield Placed(place, name, "subscription", secret)


def connection_secrets(secrets: Sequence[str], settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each secret of a connection with its place, as ``secrets[0]`` or ``settings.verify_token``."""
    for number, secret in enumerate(secrets):
        yield f"secrets[{number}]", secret
    for setting, value in settings.items():
        if any(word in setting.lower() for word in _SECRET_SETTINGS):
            for secret in value if isinstance(value, list | tuple) else [value]:
                yield f"settings.{setting}", str(secret or "")


def password_of(secret: str) -> str:
    """Return what must not be guessed of a secret: the password of ``USER:PASSWORD``."""
    user, colon, password = secret.partition(":")
    return password if colon and user else secret
