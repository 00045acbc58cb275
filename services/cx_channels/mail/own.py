"""Which addresses are the business's own, by the connection's settings, and what a plus address carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cx_events.errors import Refused

MIN_TOKEN = 8


@dataclass(frozen=True, slots=True)
class Own:
    """``addresses`` and ``domains`` in lower case. Mail to them is for this connection, mail from them was sent."""

    addresses: frozenset[str]
    domains: frozenset[str]

    def has(self, address: str) -> bool:
        """Also for ``local+token@domain``."""
        _, at, domain = address.strip().lower().rpartition("@")
        return self.lists(address) or bool(at and domain in self.domains)

    def lists(self, address: str) -> bool:
        """Whether it is one of ``addresses``, a plus part left aside."""
        whole = address.strip().lower()
        local, _, domain = whole.rpartition("@")
        return whole in self.addresses or f"{local.partition('+')[0]}@{domain}" in self.addresses

    def token(self, address: str) -> str:
        """The continuity token in an own address, as it is written; "" if there is none."""
        local, _, _ = address.rpartition("@")
        _, plus, token = local.partition("+")
        return token if plus and len(token) >= MIN_TOKEN and self.has(address) else ""


def own_of(settings: Mapping[str, Any]) -> Own:
    """``settings.addresses``, ``settings.agents`` and ``settings.domains``, each a list of strings.

    Raises ``Refused("bad-settings")`` where one is something else.
    """
    words = {name: _words(settings, name) for name in ("addresses", "agents", "domains")}
    return Own(
        frozenset(word.strip().lower() for name in ("addresses", "agents") for word in words[name]),
        frozenset(word.strip().lower().removeprefix("@") for word in words["domains"]),
    )


def _words(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name, [])
    if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise Refused("bad-settings", f"the connection's setting {name!r} is not a list of strings", status=500)
    return list(value)
