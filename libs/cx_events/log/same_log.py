"""Tell whether two addresses name the same log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cx_events.cancellation import guard_cancellation
from cx_events.errors import Fatal, TryLater
from cx_events.log.kafka_access import read_address, without_password
from cx_events.log.kafka_topics import admin_client


async def same_log(one: str, other: str) -> bool:
    """Return whether two addresses name one file, or brokers of one cluster: by the id that the cluster tells, since
    it has many addresses. Raises ``TryLater`` where a broker does not answer, ``Fatal`` for what is no address."""
    return await _identity(one) == await _identity(other)


async def _identity(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return scheme, await asyncio.to_thread(lambda: str(Path(rest[1:]).resolve()))
    if scheme != "kafka" or (address := read_address(rest)) is None:
        raise Fatal(f"{without_password(url)!r} is no address of a log")
    from aiokafka.errors import KafkaError

    servers, access = address
    try:
        async with admin_client(servers, access) as admin:
            with guard_cancellation("a request for the cluster's id"):
                return scheme, str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError) as error:
        raise TryLater("log", f"{servers} does not answer: {error}") from None
