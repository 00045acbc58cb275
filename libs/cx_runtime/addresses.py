"""Find the address that a request comes from, as limits count it.

A proxy tells in ``X-Forwarded-For`` whom it speaks for, but so can anybody. So the header is believed only of peers
that are configured (``CX_TRUSTED_PROXIES``), and of it only what such peers added: read from its end, the first address
that is no trusted proxy's. Of IPv6 the first 64 bits count, since whoever has one address there has them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]

NOBODY = "unknown"
_MOST_FORWARDED = 50
"""Addresses of one header that are read."""


class Addresses:
    """``trusted``: networks of proxies, like ``10.0.0.0/8`` or ``192.0.2.7``. ``ValueError`` for what is none."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted: Networks = tuple(ip_network(each) for each in trusted)

    def __bool__(self) -> bool:
        """Return whether any proxy is trusted."""
        return bool(self._trusted)

    def trusts(self, peer: str) -> bool:
        """Return whether a peer's address is a trusted proxy's."""
        return bool(self._trusted) and is_in(peer, self._trusted)

    def of(self, peer: str, headers: Mapping[str, str]) -> str:
        """Return the address of the caller, behind any trusted proxies. ``headers``: by names in lower case."""
        if self.trusts(peer):
            for named in reversed(headers.get("x-forwarded-for", "").split(",")[-_MOST_FORWARDED:]):
                peer = named.strip()
                if not self.trusts(peer):
                    break
        return group_of(peer)


@lru_cache(maxsize=4096)
def group_of(peer: str) -> str:
    """Return the addresses that one caller is assumed to have: an IPv4 address or a /64 of IPv6; ``NOBODY`` for what is
    no address."""
    try:
        found = ip_address(peer)
    except ValueError:
        return NOBODY
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


@lru_cache(maxsize=4096)
def is_in(peer: str, networks: Networks) -> bool:
    """Return whether an address is of one of some networks; False for what is no address."""
    try:
        found = ip_address(peer)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
