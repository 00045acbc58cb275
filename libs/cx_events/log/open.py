"""Open the log that a URL names."""

from __future__ import annotations

from pathlib import Path

from cx_events.errors import Fatal
from cx_events.log.declarations import Declarations
from cx_events.log.kafka_access import read_address, without_password
from cx_events.log.port import Log


def open_log(url: str, *, partitions: int = 8, prefix: str = "", declared: Declarations | None = None) -> Log:
    """Return the log of a URL; nothing is opened before ``start``.

    ``url``: ``sqlite:///PATH`` (``sqlite:////PATH`` if absolute) or ``kafka://HOST:PORT[,HOST:PORT]`` (with TLS or
    credentials: see ``kafka_access``). ``partitions``: of topics that are missing. ``declared``: how those are kept,
    instead of the product's declarations. ``prefix``: put before the names of Kafka's topics; it has no meaning for a
    file. Raises ``Fatal`` for any other URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from cx_events.log.sqlite import SqliteLog

        return SqliteLog(Path(rest[1:]), partitions, declared=declared)
    if scheme == "kafka" and (address := read_address(rest)) is not None:
        from cx_events.log.kafka import KafkaLog

        servers, access = address
        return KafkaLog(servers, partitions, access=access, prefix=prefix, declared=declared)
    raise Fatal(
        f"the log's address {without_password(url)!r} is wrong: use sqlite:///PATH or kafka://HOST:PORT[,HOST:PORT]"
    )
