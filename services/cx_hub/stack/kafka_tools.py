"""Run Kafka's console tools on the jars of the stack's broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from cx_events.errors import Refused
from cx_hub.stack.jars import cache_folder, jars, maven_url, pinned
from cx_hub.stack.kafka import java

TOOLS: Mapping[str, str] = MappingProxyType(
    {
        "configs": "kafka.admin.ConfigCommand",
        "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "console-producer": "org.apache.kafka.tools.ConsoleProducer",
        "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
        "topics": "org.apache.kafka.tools.TopicCommand",
    }
)
"""The tools by the names of their scripts, ``kafka-NAME.sh``."""

_LIST = Path(__file__).with_name("kafka-tools-jars.txt")
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
_SERVER = "--bootstrap-server"


def fetch_tools(environ: Mapping[str, str]) -> list[Path]:
    """Return the jars of the tools and the broker, fetched where they are missing. Raises as ``jars``."""
    wanted = {**pinned(), **pinned(_LIST.read_text(encoding="ascii"))}
    return jars(cache_folder(environ), maven_url(environ), wanted)


def tool_command(name: str, arguments: Sequence[str], server: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command that runs a tool. ``server``: ``HOST:PORT`` where the arguments name none.

    Raises ``Refused`` (``unknown-tool``; ``no-stack`` where ``server`` is empty and needed), or ``Fatal`` where Java or
    a jar can't be had.
    """
    if name not in TOOLS:
        raise Refused("unknown-tool", f"there is no {name!r}; the tools are {', '.join(TOOLS)}")
    named = any(each == _SERVER or each.startswith(f"{_SERVER}=") for each in arguments)
    if not named and not server:
        raise Refused("no-stack", f"no Kafka of the stack runs; start it with cx stack start, or give {_SERVER}")
    where = [] if named else [_SERVER, server]
    path = ":".join(map(str, fetch_tools(environ)))
    return [java(), *_JVM, "-cp", path, TOOLS[name], *where, *arguments]
