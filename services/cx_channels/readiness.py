"""Find what is missing from a connection's setup: shown at a start, by ``cx config check`` and by ``/readyz``."""

from __future__ import annotations

from typing import NamedTuple

from cx_channels.provider import MEDIA_SETTING, Connection, Provider
from cx_runtime.tenant_secrets import connection_secrets, password_of

NO_PUBLIC_URL = "no-public-url"
NO_SECRETS = "no-secrets"
INCOMPLETE = "incomplete-settings"
TOO_SHORT = "weak-secret"

LEAST_OF_A_SECRET = 8
"""Characters, as of a key. No vendor gives out shorter ones, so somebody has chosen it, and it can be guessed."""


class SetupProblem(NamedTuple):
    """Something that is missing. ``works``: the connection still accepts what comes, though less is made of it."""

    connection: str
    reason: str
    detail: str
    works: bool


def setup_problems(connection: Connection, provider: Provider, public_url: str) -> tuple[SetupProblem, ...]:
    """Return what a connection lacks. ``public_url``: ``CX_PUBLIC_URL``, empty where it is not set."""
    found = [SetupProblem(connection.id, INCOMPLETE, why, True) for why in provider.warnings(connection)]
    found += [
        SetupProblem(
            connection.id, TOO_SHORT, f"{place} has less than {LEAST_OF_A_SECRET} characters: guessed soon", True
        )
        for place, secret in connection_secrets(connection.secrets, connection.settings)
        if 0 < len(password_of(secret)) < LEAST_OF_A_SECRET
    ]
    found += [SetupProblem(connection.id, INCOMPLETE, why, True) for why in _media_problems(connection, provider)]
    found += [
        SetupProblem(connection.id, INCOMPLETE, f"there is no settings.{name} ({what}): no request passes", False)
        for name, what in provider.required.items()
        if not connection.settings.get(name)
    ]
    if provider.signature is not None and provider.keys is None and not _has_secrets(connection, provider):
        others = "".join(f" or settings.{name}" for name in sorted(provider.secret_settings))
        why = f"there are no secrets{others}: no request of {provider.name} passes the check of its signature"
        found.insert(0, SetupProblem(connection.id, NO_SECRETS, why, False))
    if provider.transport == "poller" and not any(connection.secrets):
        why = f"there are no secrets: {provider.name} logs in by one, a password or a token"
        found.insert(0, SetupProblem(connection.id, NO_SECRETS, why, False))
    if provider.signs_url and not public_url:
        why = (
            f"{provider.name} signs the URL that it calls, and CX_PUBLIC_URL does not say what that is: the connection"
            f" {connection.id} answers 503"
        )
        found.insert(0, SetupProblem(connection.id, NO_PUBLIC_URL, why, False))
    return tuple(found)


def _media_problems(connection: Connection, provider: Provider) -> tuple[str, ...]:
    """Return what a connection lacks for its files to be fetched; nothing where they are not to be."""
    wanted = connection.settings.get(MEDIA_SETTING)
    if wanted is not None and not isinstance(wanted, bool):  # 1 is True by ==, and would fetch nothing
        return ("settings.media is true or false: whether files that come are fetched from the vendor and stored",)
    return provider.media.lacks(connection) if wanted and provider.media is not None else ()


def _has_secrets(connection: Connection, provider: Provider) -> bool:
    return any(connection.secrets) or any(connection.settings.get(name) for name in provider.secret_settings)
