"""Read the settings of a connection. The README explains each."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from cx_channels.kit.settings import check_choice, texts_of
from cx_channels.provider import Connection
from cx_channels.social.mastodon.account import host_of
from cx_events.errors import Fatal

SETTING_NAMES = frozenset({"accounts", "peers", "server", "since", "poll_seconds", "ca_file"})
_LEAST_POLL, _MOST_POLL = 5, 3600


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``server``: ``https://HOST`` without a slash. ``since``: ``now`` or ``beginning``, at the very start.
    ``poll_seconds``: after so long the API is asked, whatever was streamed. ``ca_file``: whose certificates count."""

    server: str
    since: str
    poll_seconds: int
    ca_file: str


def asks(connection: Connection) -> bool:
    """Return whether the account's server is asked: where a connection names one; else it is an inbox alone."""
    return bool(connection.settings.get("server"))


def server_settings(connection: Connection) -> ServerSettings:
    """Return how the account's server is asked. Raise ``Fatal`` naming a setting that can't be meant."""
    check_choice(connection, "since", "now", "beginning")
    given = connection.settings
    server, ca_file = given.get("server"), given.get("ca_file", "")
    if not isinstance(server, str) or not server.startswith("https://") or not _is_bare(server):
        raise Fatal(f"{connection.id}: settings.server is the account's server, like https://social.example")
    if not isinstance(ca_file, str):
        raise Fatal(f"{connection.id}: settings.ca_file is the path of a file with certificates")
    seconds = given.get("poll_seconds", 300)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not _LEAST_POLL <= seconds <= _MOST_POLL:
        raise Fatal(f"{connection.id}: settings.poll_seconds is a whole number from {_LEAST_POLL} to {_MOST_POLL}")
    return ServerSettings(server.rstrip("/"), given.get("since", "now"), seconds, ca_file)


def _is_bare(server: str) -> bool:
    try:
        parts = urlsplit(server.rstrip("/"))
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return has_port and bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or parts.username)


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    wrong = [each for each in texts_of(connection.settings, "accounts") if not host_of(each)]
    if wrong:
        raise Fatal(
            f"{connection.id}: settings.accounts has {wrong[0]!r}, which is no address of an account (https://...)"
        )
    found = []
    if asks(connection):
        server_settings(connection)
        if not any(connection.secrets):
            found.append("settings.server is set and secrets are not: the server is asked by an account's access token")
    elif not connection.settings.get("accounts"):
        found.append("settings.accounts is missing: whoever a status mentions counts as the business")
    return tuple(found)


def notes_of(connection: Connection) -> tuple[str, ...]:
    """Return what a connection is set up to do."""
    return (f"its account is read at {connection.settings['server']}",) if asks(connection) else ()
