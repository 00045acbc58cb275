"""Read the mail settings of a connection: own addresses, trusted hosts, and forwarders.

The README of ``email/mime`` explains each setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from cx_events.errors import Refused
from cx_runtime.addresses import Networks, is_in

MIN_TOKEN = 8

SETTING_NAMES = frozenset({"addresses", "agents", "authserv_ids", "domains", "forwarders", "mx", "relays"})


@dataclass(frozen=True, slots=True)
class Own:
    """The connection's own addresses and domains, in lower case. Mail to them is for this connection."""

    addresses: frozenset[str]
    domains: frozenset[str]

    def has(self, address: str) -> bool:
        """Return whether an address is the connection's, also with a plus part: ``local+token@domain``."""
        _, at, domain = address.strip().lower().rpartition("@")
        return self.lists(address) or bool(at and domain in self.domains)

    def lists(self, address: str) -> bool:
        """Return whether an address is one of ``addresses``, apart from a plus part."""
        whole = address.strip().lower()
        local, _, domain = whole.rpartition("@")
        return whole in self.addresses or f"{local.partition('+')[0]}@{domain}" in self.addresses

    def token(self, address: str) -> str:
        """Return the continuity token in an own address, as it is written; "" if there is none."""
        local, _, _ = address.rpartition("@")
        _, plus, token = local.partition("+")
        return token if plus and len(token) >= MIN_TOKEN and self.has(address) else ""


@dataclass(frozen=True, slots=True)
class Trust:
    """The hosts whose statements about a mail count.

    ``hosts``: authserv-ids whose Authentication-Results count, in lower case. ``exchangers``: hosts that pass on mail
    from anybody. ``relays``: hosts that carry only mail of our own people. ``spam_tests``: whether the vendor's
    ``X-Spam-Tests`` counts.
    """

    hosts: frozenset[str] = frozenset()
    exchangers: Networks = ()
    relays: Networks = ()
    spam_tests: bool = False

    def knows(self, address: str) -> bool:
        """Return whether a host is one of ours."""
        return is_in(address, self.exchangers) or is_in(address, self.relays)


@dataclass(frozen=True, slots=True)
class Forwarder:
    """A sender that forwards other people's mail: the person is named in the field ``person``.

    ``sender``: an address or ``@domain``, in lower case.
    """

    sender: str
    person: str

    def sends(self, address: str) -> bool:
        """Return whether an address is this forwarder's."""
        whole = address.strip().lower()
        return whole.endswith(self.sender) if self.sender.startswith("@") else whole == self.sender


@dataclass(frozen=True, slots=True)
class MailSettings:
    own: Own
    trust: Trust
    forwarders: tuple[Forwarder, ...] = ()


def mail_settings(settings: Mapping[str, Any], *, by_vendor: bool = False) -> MailSettings:
    """Return a connection's settings. ``by_vendor``: its mail is brought by a vendor's signed request, not by SMTP.

    Raises ``Refused("bad-settings")`` where one is of another shape, where a network is in both ``mx`` and ``relays``,
    and where ``authserv_ids`` stand without hosts that could have added such a field: then anybody could.
    """
    trust = Trust(
        hosts=frozenset(word.strip().lower() for word in _words(settings, "authserv_ids")),
        exchangers=_networks(settings, "mx"),
        relays=_networks(settings, "relays"),
        spam_tests=_flag(settings, "spam_tests"),
    )
    if any(one.version == other.version and one.overlaps(other) for one in trust.exchangers for other in trust.relays):
        raise _bad("'mx' and 'relays' overlap: what passes on everybody's mail does not carry ours alone")
    if trust.hosts and not (trust.exchangers or trust.relays or by_vendor):
        raise _bad("'authserv_ids' need 'mx', the hosts that add such fields: anybody else's are forged")
    return MailSettings(own_of(settings), trust, tuple(_forwarders(settings)))


def own_of(settings: Mapping[str, Any]) -> Own:
    """Return the addresses of ``settings.addresses``, ``settings.agents`` and ``settings.domains``.

    Each is a list of strings; raise ``Refused("bad-settings")`` for anything else.
    """
    words = {name: _words(settings, name) for name in ("addresses", "agents", "domains")}
    return Own(
        frozenset(word.strip().lower() for name in ("addresses", "agents") for word in words[name]),
        frozenset(word.strip().lower().removeprefix("@") for word in words["domains"]),
    )


def _networks(settings: Mapping[str, Any], name: str) -> Networks:
    try:
        return tuple(ip_network(word.strip()) for word in _words(settings, name))
    except ValueError as error:
        raise _bad(f"{name!r} holds what is no address and no network: {error}") from None


def _forwarders(settings: Mapping[str, Any]) -> Iterable[Forwarder]:
    given = settings.get("forwarders", [])
    if not isinstance(given, list | tuple):
        raise _bad("'forwarders' is not a list of {from, person}")
    for each in given:
        if not isinstance(each, Mapping) or set(each) != {"from", "person"}:
            raise _bad("'forwarders' is not a list of {from, person}")
        sender, person = each["from"], each["person"]
        if not (isinstance(sender, str) and isinstance(person, str) and "@" in sender and person.strip()):
            raise _bad("a forwarder's 'from' is no address or @domain, or its 'person' no name of a field")
        yield Forwarder(sender.strip().lower().removeprefix("*"), person.strip().lower())


def _flag(settings: Mapping[str, Any], name: str) -> bool:
    value = settings.get(name, False)
    if not isinstance(value, bool):
        raise _bad(f"{name!r} is neither true nor false")
    return value


def _words(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name, [])
    if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise _bad(f"{name!r} is not a list of strings")
    return list(value)


def _bad(what: str) -> Refused:
    return Refused("bad-settings", f"the connection's setting {what}", status=500)
