"""Decide which addresses may be reached: public ones, and networks that the operator allows.

Refused are all that the registries of special-purpose addresses (IANA, RFC 6890 and its updates) do not call globally
reachable: private, loopback, link-local (where clouds serve credentials), carrier-grade NAT, documentation, multicast,
reserved. An IPv6 address that carries an IPv4 address (mapped, compatible, translated, NAT64) is judged by that one.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]

_REFUSED_V4: tuple[IPv4Network, ...] = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 serves credentials at Alibaba Cloud
            "127.0.0.0/8",
            "168.63.129.16/32",  # public by its number, the host's own service within Azure
            "169.254.0.0/16",  # 169.254.169.254 serves credentials in most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # 192.0.0.192 serves credentials at Oracle Cloud
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_REFUSED_V6: tuple[IPv6Network, ...] = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
_CARRY_V4: tuple[IPv6Network, ...] = tuple(
    map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
"""IPv4-compatible, mapped, translated (RFC 4291, RFC 2765) and NAT64's (RFC 6052): the last 32 bits are an IPv4
address, and a gateway may forward to it."""


class Reach:
    """``allowed``: networks that may be reached though they are not public, as the operator lists them."""

    def __init__(self, allowed: Networks = ()) -> None:
        self._allowed = allowed

    @classmethod
    def parse(cls, text: str) -> Reach:
        """Read networks or addresses by commas: ``10.0.0.0/8, 127.0.0.1``. Raises ValueError for what is none."""
        return cls(tuple(ip_network(each.strip()) for each in text.split(",") if each.strip()))

    def allows(self, address: str) -> bool:
        """Return whether the operator lists a network of this address."""
        found = _plain(address)
        return found is not None and any(found in network for network in self._allowed)

    def reaches(self, address: str) -> bool:
        """Return whether an address is public or allowed; False for what is no address."""
        found = _plain(address)
        if found is None:
            return False
        if any(found in network for network in self._allowed):
            return True
        if isinstance(found, IPv4Address):
            return not any(found in network for network in _REFUSED_V4)
        return found in _PUBLIC_V6 and not any(found in network for network in _REFUSED_V6)


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    """Return an address, or the IPv4 address that an IPv6 one carries."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    carries = isinstance(found, IPv6Address) and int(found) > 1 and any(found in each for each in _CARRY_V4)
    return IPv4Address(int(found) & 0xFFFF_FFFF) if carries else found
