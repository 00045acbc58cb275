"""Read the address of a Kafka cluster, and how to connect to it:

    kafka://HOST:PORT[,HOST:PORT]                                     in clear, without credentials
    kafka://HOST:PORT?tls=on                                          TLS with the system's authorities
    kafka://HOST:PORT?ca=/etc/ca.pem&cert=/etc/hub.pem&key=/etc/hub.key   own authority, client certificate
    kafka://USER:PASSWORD@HOST:PORT                                   SASL over TLS
    kafka://USER:PASSWORD@HOST:PORT?mechanism=PLAIN&tls=off           SASL in clear

``mechanism``: ``SCRAM-SHA-512`` (the default), ``SCRAM-SHA-256`` or ``PLAIN``
(https://kafka.apache.org/documentation/#security_sasl). User and password are percent-encoded where they must be.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from cx_events.errors import Fatal

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")

_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_OPTIONS = ("tls", "ca", "cert", "key", "mechanism")


@dataclass(frozen=True, slots=True)
class Access:
    """The settings of connections to brokers; by default in clear and without credentials."""

    tls: ssl.SSLContext | None = None
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def settings(self) -> dict[str, Any]:
        """Return the arguments for any client of aiokafka."""
        if not self.mechanism:
            return {} if self.tls is None else {"security_protocol": "SSL", "ssl_context": self.tls}
        return {
            "security_protocol": "SASL_PLAINTEXT" if self.tls is None else "SASL_SSL",
            "ssl_context": self.tls,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }


IN_CLEAR = Access()


def read_address(rest: str) -> tuple[str, Access] | None:
    """Return the servers and the access of an address without its ``kafka://``; None where it names no servers.

    Raises ``Fatal`` for an option that is unknown or can't be used; the text never holds the password.
    """
    place, _, query = rest.partition("?")
    name, at, servers = place.rpartition("@")
    if not all(_SERVER.fullmatch(server) for server in servers.split(",")):
        return None
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option in options:
        if option not in _OPTIONS:
            raise Fatal(f"the log's address has an unknown option {option!r}; known are {', '.join(_OPTIONS)}")
    if not at:
        if "mechanism" in options:
            raise Fatal("the log's address names a mechanism; put USER:PASSWORD@ before the servers")
        return servers, Access(_tls_of(options, default=False))
    user, colon, password = name.partition(":")
    if not user or not colon:
        raise Fatal("the log's address: expected USER:PASSWORD before the @, percent-encoded")
    mechanism = options.get("mechanism", MECHANISMS[0])
    if mechanism not in MECHANISMS:
        raise Fatal(f"the log's address: mechanism {mechanism!r} is not one of {', '.join(MECHANISMS)}")
    return servers, Access(_tls_of(options, default=True), mechanism, unquote(user), unquote(password))


def _tls_of(options: dict[str, str], *, default: bool) -> ssl.SSLContext | None:
    """Return the TLS settings of the options; None for none. ``default``: whether to use TLS where no option says."""
    files = [name for name in ("ca", "cert", "key") if name in options]
    tls = options.get("tls", "on" if files or default else "off")
    if tls not in ("on", "off"):
        raise Fatal(f"the log's address: tls={tls}, expected on or off")
    if tls == "off":
        if files:
            raise Fatal(f"the log's address: {files[0]} needs TLS; leave out tls=off")
        return None
    if ("cert" in options) != ("key" in options):
        raise Fatal("the log's address: give both cert and key (the client's certificate and its key), or neither")
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        if "cert" in options:
            context.load_cert_chain(options["cert"], options["key"])
    except (OSError, ssl.SSLError) as error:
        raise Fatal(f"the log's address: the certificates can't be read ({', '.join(files)}): {error}") from None
    return context


def without_password(url: str) -> str:
    """Return a URL with its password left out, to be shown."""
    scheme, _, rest = url.partition("://")
    credentials, at, server = rest.partition("@")
    user, colon, _ = credentials.partition(":")
    return f"{scheme}://{user}:...@{server}" if at and colon and "/" not in user else url


def told_by(error: BaseException) -> str:
    """Return what an error says, for people. Where no broker can be reached aiokafka shows values of its own."""
    text = str(error) or type(error).__name__
    return "no broker answers" if "Unable to bootstrap" in text else text
