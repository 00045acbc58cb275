"""Read the code of an account linking: the identifier that it stands for, and whether the business signed it.

A signed code is ``VALUE.HASH``: the hex HMAC-SHA256 of ``KIND:VALUE`` under a secret of the setting
``account_linking_secrets``, as the web chat's ``user_hash``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_channels.kit.json_values import texts
from cx_channels.kit.signing import any_same, sign, signed_identifiers
from cx_events.envelope import Identifier
from cx_events.weights import CLAIMED, PROVED


def linked_identifier(kind: str, code: str, secrets: list[str]) -> Identifier:
    """Return the identifier that a code stands for: proved with a valid hash, else claimed.

    Without ``secrets`` the whole code is the value; with them a valid hash is no part of it.
    """
    value, dot, given = code.rpartition(".")
    if dot and value == value.strip() and value.isprintable():
        valid = [sign(secret, signed_identifiers([(kind, value)])) for secret in secrets]
        if any_same(given.lower(), valid):
            return Identifier(kind=kind, value=value, weight=PROVED)
    return Identifier(kind=kind, value=code, weight=CLAIMED)


def signing_secrets(settings: Mapping[str, Any]) -> list[str]:
    """Return the secrets under which the business signs codes, newest first."""
    given = settings.get("account_linking_secrets", ())
    return texts(list(given) if isinstance(given, list | tuple) else [given])


def warnings_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning where account linking is used without secrets: its codes then prove nothing."""
    if settings.get("account_linking") and not signing_secrets(settings):
        return ("account_linking without account_linking_secrets: codes are claims, since people can alter them",)
    return ()
