"""Know the business's own accounts, and who else takes part.

An actor is its URI (ActivityPub, section 3.1), told by the server that it is of: the host is its scope. The profile's
address (``https://HOST/@NAME``) is another URL of the same account, which the API tells beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from cx_channels.kit.ids import is_plain
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection
from cx_events.envelope import Identifier, Participant, Weight
from cx_events.weights import PROVED

KIND = "activitypub"
_USUAL_HOST = re.compile(r"https?://([a-z0-9.-]++(?::[0-9]++)?)(?=[/?#]|\Z)")

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    KIND: {"proved": "the server that the account is of signed it, or our own account's server tells it over TLS"},
}


def host_of(uri: str) -> str:
    """Return the host of a URL in lower case, with its port if any; "" where it is no URL of the web."""
    usual = _USUAL_HOST.match(uri)
    if usual is not None:
        return usual[1]
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in ("https", "http") and "@" not in parts.netloc else ""


def _configured(connection: Connection) -> frozenset[str]:
    return frozenset(each.rstrip("/") for each in texts_of(connection.settings, "accounts"))


def own_hosts(connection: Connection) -> frozenset[str]:
    """For ``Connection.once``: the servers that the configured accounts are of."""
    return frozenset(map(host_of, connection.once(_configured)))


class Account(Struct, gc=False):
    """``ours``: URIs and profile addresses of the business's accounts, without a slash at the end; where there are
    none, whoever is mentioned counts as the business."""

    connection: Connection
    ours: frozenset[str]

    @classmethod
    def of(cls, connection: Connection, *more: str) -> Account:
        """Return the accounts of a connection, and more that are the business's by what came."""
        known = connection.once(_configured)
        new = [uri for each in more if each and (uri := each.rstrip("/")) not in known] if more else []
        return cls(connection, known.union(new) if new else known)

    def is_ours(self, uri: str, other: str = "") -> bool:
        """Return whether any of these URLs is one of our accounts."""
        ours = self.ours
        return bool(uri and uri.rstrip("/") in ours) or bool(other and other.rstrip("/") in ours)

    def wrote(self, uri: str) -> bool:
        """Return whether a status is one of ours, by where it lies: below its author's URI."""
        return bool(uri) and any(uri.startswith(f"{each}/") for each in self.ours)

    def person(self, uri: str, name: str, *, bot: bool = False, host: str = "") -> Participant:
        """Return somebody who is not the business. Names can be changed, and identify nobody.

        ``host``: the URI's, where it is known already.
        """
        if bot:
            return Participant(role="bot", id=uri, name=name)
        host = host or host_of(uri)
        known = [Identifier(kind=KIND, value=uri, scope=host, weight=PROVED)] if host and is_plain(uri) else []
        return Participant(role="customer", name=name, identifiers=known)

    def business(self, uri: str) -> Participant:
        """Return one of our accounts."""
        return Participant(role="business", id=uri)
