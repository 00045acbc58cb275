"""Declare how the topics of the log are kept: partitions, replicas, retention, compaction. Pure.

``schemas/topics/*.yaml`` shows the declarations; ``read_declaration`` reads one back, changed or not. A hub creates
missing topics by them, and ``cx topics plan`` holds them against what the broker has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log.port import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, MAX_RECORD_BYTES, STORES, TOPICS

MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + (64 << 10)
"""The largest record with the batch around it, uncompressed."""

FOREVER = -1
"""A retention without an end; Kafka's own value for it."""

DEFAULT_PARTITIONS = 8
MOST_PARTITIONS = 1024

KEPT_FOR_GOOD = frozenset({INTERACTIONS, DEAD_LETTERS, STORES})
"""Topics of which no record is ever deleted: everything else is made of them."""

FROM_THE_SETTING = "CX_PARTITIONS"
"""What a declaration says in place of a number of partitions."""

Cleanup = Literal["delete", "compact", "compact,delete"]


class TopicDeclaration(Struct, frozen=True, kw_only=True):
    """The declaration of how a topic is kept.

    ``partitions``: 0 for as many as ``CX_PARTITIONS`` says. ``replicas`` and ``min_in_sync``: of a cluster that has as
    many brokers; a smaller one has fewer (``fitted``). ``retention_ms`` and ``retention_bytes`` (of each partition):
    ``FOREVER`` or a positive number. ``cleanup``: ``delete`` drops what is older than the retention, ``compact`` keeps
    the latest record of each key.
    """

    topic: str
    partitions: int = 0
    replicas: int = 3
    min_in_sync: int = 2
    cleanup: Cleanup = "delete"
    retention_ms: int = FOREVER
    retention_bytes: int = FOREVER
    max_message_bytes: int = MAX_MESSAGE_BYTES

    def fitted(self, brokers: int) -> TopicDeclaration:
        """Return the declaration for a cluster of so many brokers: no more replicas than brokers, and where there are
        fewer, one to spare, so that appends go on while a broker is away."""
        replicas = max(1, min(self.replicas, brokers))
        in_sync = self.min_in_sync if replicas == self.replicas else max(1, min(self.min_in_sync, replicas - 1))
        return msgspec.structs.replace(self, replicas=replicas, min_in_sync=in_sync)

    def settings(self) -> Mapping[str, str]:
        """Return the topic's settings by Kafka's names (https://kafka.apache.org/documentation/#topicconfigs)."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(self.retention_bytes),
            "min.insync.replicas": str(self.min_in_sync),
            "max.message.bytes": str(self.max_message_bytes),
            # A record's timestamp is the broker's, not that of a client's clock.
            "message.timestamp.type": "LogAppendTime",
        }


_DEFAULTS: Mapping[str, TopicDeclaration] = MappingProxyType(
    {
        INTERACTIONS: TopicDeclaration(topic=INTERACTIONS),
        CONTEXT_CHANGES: TopicDeclaration(topic=CONTEXT_CHANGES),
        DEAD_LETTERS: TopicDeclaration(topic=DEAD_LETTERS),
        STORES: TopicDeclaration(topic=STORES, partitions=1),
    }
)

Declarations = Mapping[str, TopicDeclaration]


def declared_topics(partitions: int = DEFAULT_PARTITIONS, changed: Declarations = MappingProxyType({})) -> Declarations:
    """Return the declaration of every topic. ``partitions``: where a declaration leaves that to the setting.
    ``changed``: the operators' own declarations, by topic."""
    return {
        topic: msgspec.structs.replace(each, partitions=each.partitions or partitions)
        for topic in TOPICS
        for each in [changed.get(topic, _DEFAULTS[topic])]
    }


def default_declaration(topic: str) -> TopicDeclaration:
    """Return the product's own declaration of a topic."""
    return _DEFAULTS[topic]


def shown_declaration(declaration: TopicDeclaration) -> Json:
    """Return a declaration as its file has it, without the topic's name."""
    return {
        "partitions": declaration.partitions or FROM_THE_SETTING,
        "replicas": declaration.replicas,
        "min_in_sync": declaration.min_in_sync,
        "cleanup": declaration.cleanup,
        "retention": shown_duration(declaration.retention_ms),
        "retention_bytes": "unlimited" if declaration.retention_bytes == FOREVER else declaration.retention_bytes,
        "max_message_bytes": declaration.max_message_bytes,
    }


DESCRIPTIVE = frozenset({"topic", "summary", "key", "value", "headers", "producers", "consumers"})
"""Members of a file that tell people about the topic and set nothing."""


def read_declaration(content: object) -> TopicDeclaration:
    """Return the declaration that a file holds; what it leaves out is as the product has it.

    Raises ``Refused("bad-declaration")`` with the member that is wrong, and why.
    """
    if not isinstance(content, dict):
        raise _bad("expected members like `topic` and `retention`")
    topic = content.get("topic")
    if not isinstance(topic, str) or topic not in _DEFAULTS:
        raise _bad(f"topic: there is no {topic!r}; the topics are {', '.join(TOPICS)}")
    known = shown_declaration(_DEFAULTS[topic])
    for name in content:
        if name not in known and name not in DESCRIPTIVE:
            raise _bad(f"{name}: unknown; a declaration has {', '.join(known)}", topic)
    told = {**known, **content}
    declaration = TopicDeclaration(
        topic=topic,
        partitions=0
        if told["partitions"] == FROM_THE_SETTING
        else _whole(told["partitions"], "partitions", topic, 1, MOST_PARTITIONS),
        replicas=_whole(told["replicas"], "replicas", topic, 1, 100),
        min_in_sync=_whole(told["min_in_sync"], "min_in_sync", topic, 1, 100),
        cleanup=_cleanup(told["cleanup"], topic),
        retention_ms=_duration(told["retention"], topic),
        retention_bytes=FOREVER
        if told["retention_bytes"] == "unlimited"
        else _whole(told["retention_bytes"], "retention_bytes", topic, 1, 1 << 62),
        max_message_bytes=_whole(told["max_message_bytes"], "max_message_bytes", topic, MAX_MESSAGE_BYTES, 1 << 30),
    )
    _check(declaration)
    return declaration


def _check(declaration: TopicDeclaration) -> None:
    topic = declaration.topic
    if declaration.min_in_sync > declaration.replicas:
        raise _bad(f"min_in_sync: {declaration.min_in_sync} is more than the {declaration.replicas} replicas", topic)
    if topic == STORES and declaration.partitions != 1:
        raise _bad("partitions: must be 1, since a store's epoch is its place among all records", topic)
    if topic in KEPT_FOR_GOOD and declaration.cleanup != "delete":
        raise _bad("cleanup: must be delete; compaction would drop records of which everything else is made", topic)
    if topic in KEPT_FOR_GOOD and (declaration.retention_ms, declaration.retention_bytes) != (FOREVER, FOREVER):
        raise _bad("retention: must be forever and unlimited; everything else is made of these records", topic)


def _bad(why: str, topic: str = "") -> Refused:
    return Refused("bad-declaration", f"{topic}: {why}" if topic else why)


def _whole(value: object, name: str, topic: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _bad(f"{name}: {value!r} is no whole number from {low} to {high}", topic)
    return value


def _cleanup(value: object, topic: str) -> Cleanup:
    for known in get_args(Cleanup):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise _bad(f"cleanup: {value!r} is none of {'; '.join(get_args(Cleanup))}", topic)


_DURATION = re.compile(r"([1-9][0-9]{0,8})(s|m|h|d)")
_MS: Mapping[str, int] = MappingProxyType({"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000})


def _duration(value: object, topic: str) -> int:
    if value == "forever":
        return FOREVER
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _bad(f"retention: {value!r} is neither `forever` nor a time like 7d, 12h, 30m", topic)
    return int(found[1]) * _MS[found[2]]


def shown_duration(ms: int) -> str:
    """Return a retention as people write it: ``forever``, ``7d``, ``12h``; ms where it is none of these."""
    if ms < 0:
        return "forever"
    for unit, length in _MS.items():
        if ms and ms % length == 0:
            return f"{ms // length}{unit}"
    return f"{ms} ms"
