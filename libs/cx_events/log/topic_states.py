"""Read how topics are kept, on Kafka or in a file, and change that. What is to change is decided elsewhere.

A place never deletes a topic or a partition. Records go only where a setting that it is told to set makes a broker
delete them.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, for_code
from msgspec import Struct

from cx_events.errors import Fatal, TryLater
from cx_events.log.declarations import Declarations
from cx_events.log.kafka_access import Access, read_address, told_by
from cx_events.log.kafka_topics import admin_client, make_missing
from cx_events.log.port import TOPICS
from cx_events.log.sqlite_file import prepare_file, read_topics

_OF_THE_TOPIC = 1
"""Kafka's ``DYNAMIC_TOPIC_CONFIG``: a setting of the topic itself, not of the broker or Kafka's default."""


class TopicState(Struct, frozen=True):
    """The state of a topic. ``replicas``: of the partition that has the fewest. ``settings``: all, by Kafka's names;
    ``own``: those that the topic has of its own. A file has none."""

    partitions: int
    replicas: int
    settings: Mapping[str, str] = MappingProxyType({})
    own: Mapping[str, str] = MappingProxyType({})


class TopicStates(Struct, frozen=True):
    """``place``: a broker's address or a file. ``brokers``: 0 for a file. ``topics``: those that there are."""

    place: str
    brokers: int
    topics: Mapping[str, TopicState]


class TopicPlace(Protocol):
    """The keeper of topics. All raise ``TryLater`` where it does not answer, ``Fatal`` where it refuses."""

    async def read(self) -> TopicStates:
        """Return how the topics are kept. Creates nothing."""

    async def create(self, declared: Declarations) -> None:
        """Create the topics that are missing."""

    async def set(self, topic: str, settings: Mapping[str, str]) -> None:
        """Set these settings of a topic; its other ones stay."""

    async def grow(self, topic: str, partitions: int) -> None:
        """Give a topic so many partitions, more than it has."""


def open_topic_place(url: str, prefix: str = "") -> TopicPlace:
    """Return the place of a log's URL; see ``open_log``. Raises ``Fatal`` for any other URL."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return SqliteTopics(Path(rest[1:]))
    if scheme == "kafka" and (address := read_address(rest)) is not None:
        return KafkaTopics(*address, prefix)
    raise Fatal("the log's address is wrong: use sqlite:///PATH or kafka://HOST:PORT[,HOST:PORT]")


class KafkaTopics:
    """Topics on Kafka. ``prefix``: put before their names."""

    def __init__(self, servers: str, access: Access, prefix: str) -> None:
        self._servers = servers
        self._access = access
        self._prefix = prefix

    async def read(self) -> TopicStates:
        async with self._client() as admin:
            brokers = len((await admin.describe_cluster())["brokers"])
            # Lists all topics: asking for one by name may make a broker create it with its own defaults.
            names = [self._prefix + topic for topic in TOPICS]
            there = sorted(set(names) & set(await admin.list_topics()))
            described = {each["topic"]: each for each in await admin.describe_topics(there)} if there else {}
            topics = {}
            for name in there:
                settings, own = await _settings_of(admin, name)
                topics[name.removeprefix(self._prefix)] = TopicState(
                    len(described[name]["partitions"]),
                    min((len(each["replicas"]) for each in described[name]["partitions"]), default=0),
                    settings,
                    own,
                )
        return TopicStates(self._servers, brokers, topics)

    async def create(self, declared: Declarations) -> None:
        async with self._client() as admin:
            await make_missing(admin, self._servers, {self._prefix + topic: each for topic, each in declared.items()})

    async def set(self, topic: str, settings: Mapping[str, str]) -> None:
        name = self._prefix + topic
        async with self._client() as admin:
            # AlterConfigs replaces all of a topic's own settings: one that is left out goes back to the default.
            _, own = await _settings_of(admin, name)
            resource = ConfigResource(ConfigResourceType.TOPIC, name, {**own, **settings})
            answers: list[Any] = await admin.alter_configs([resource])
            for code, message, *_ in answers[0].resources:
                _check(for_code(code), message, f"the settings of {name} can't be changed on {self._servers}")

    async def grow(self, topic: str, partitions: int) -> None:
        name = self._prefix + topic
        async with self._client() as admin:
            await admin.create_partitions({name: NewPartitions(partitions)})

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaAdminClient]:
        try:
            async with admin_client(self._servers, self._access) as admin:
                yield admin
        except (KafkaError, OSError, TimeoutError) as error:
            why = f"{self._servers}: {told_by(error)}"
            if isinstance(error, KafkaError) and not error.retriable:
                raise Fatal(why) from error
            raise TryLater("log", why) from error


async def _settings_of(admin: AIOKafkaAdminClient, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return a topic's settings, all and its own."""
    answers: list[Any] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    ((code, message, _, _, entries),) = answers[0].resources
    _check(for_code(code), message, f"the settings of {name} can't be read")
    settings: dict[str, str] = {}
    own: dict[str, str] = {}
    for setting, value, _read_only, source, *_ in entries:
        settings[setting] = value or ""
        if source == _OF_THE_TOPIC:
            own[setting] = value or ""
    return settings, own


def _check(error: Any, message: str | None, what: str) -> None:
    if error is NoError:
        return
    if error.retriable:
        raise error(message)
    raise Fatal(f"{what}: {error.__name__} {message or ''}")


class SqliteTopics:
    """Topics in the file of the embedded log. All that can differ there is how many partitions one has."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> TopicStates:
        return TopicStates(str(self._path), 0, await asyncio.to_thread(self._read))

    def _read(self) -> dict[str, TopicState]:
        if not self._path.exists():
            return {}
        return {name: TopicState(each.partitions, 1) for name, each in read_topics(self._path).items()}

    async def create(self, declared: Declarations) -> None:
        await asyncio.to_thread(prepare_file, self._path, declared)

    async def set(self, topic: str, settings: Mapping[str, str]) -> None:
        raise Fatal(f"the embedded log {self._path} keeps everything: {topic} has no settings")

    async def grow(self, topic: str, partitions: int) -> None:
        raise Fatal(f"the embedded log {self._path} keeps the partitions of {topic} that it was made with")
