"""From a URL to a log."""

from __future__ import annotations

import re
from pathlib import Path

from cx_events.errors import Fatal
from cx_events.log.port import Log

_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


def open_log(url: str, *, partitions: int = 8, prefix: str = "") -> Log:
    """``sqlite:///PATH`` (``sqlite:////PATH`` if absolute) or ``kafka://HOST:PORT[,HOST:PORT]``; ``Fatal`` for
    anything else. Nothing is opened before ``start``. ``partitions`` counts where the topics are missing.
    ``prefix``: put before the names of Kafka's topics; a file is one hub's alone."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from cx_events.log.sqlite import SqliteLog

        return SqliteLog(Path(rest[1:]), partitions)
    if scheme == "kafka" and all(_SERVER.fullmatch(server) for server in rest.split(",")):
        from cx_events.log.kafka import KafkaLog

        return KafkaLog(rest, partitions, prefix=prefix)
    raise Fatal(f"the log's address {url!r} is neither sqlite:///PATH nor kafka://HOST:PORT[,HOST:PORT]")
