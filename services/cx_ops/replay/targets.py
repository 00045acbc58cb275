"""Read a replay's target from its text, and refuse one that would bring records back into the source of truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from cx_events.errors import Fatal, Refused
from cx_events.log import INTERACTIONS, TOPICS, LogRecord
from cx_events.log.kafka_access import without_password
from cx_events.log.same_log import same_log
from cx_runtime.outbound.urls import check_url

PARQUET = ".parquet"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_MOST_NAME = 249
"""Characters of a topic's name, as Kafka has it."""


class Target(Protocol):
    """A receiver of a replay's records."""

    async def open(self, size: int) -> None:
        """Begin, or go on after the first ``size`` bytes."""

    async def send(self, records: Sequence[LogRecord]) -> None:
        """Take records, in their order. Raises ``TryLater`` where some may be taken and some not, ``Refused``."""

    async def settle(self) -> int:
        """Make durable what was taken. Return the bytes that count."""

    async def finish(self) -> None:
        """All was taken."""

    async def close(self) -> None:
        """Release what is held."""


class FilePlace(NamedTuple):
    """A file of JSON lines, or of Parquet by its name."""

    path: Path

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix == PARQUET


class UrlPlace(NamedTuple):
    url: str


class TopicPlace(NamedTuple):
    """``log``: the address of another log, empty for the hub's own."""

    topic: str
    log: str = ""


Place = FilePlace | UrlPlace | TopicPlace


def read_target(text: str) -> Place:
    """Return what a target's text names: ``https://…``; ``kafka://HOST:PORT#TOPIC`` or ``sqlite:///PATH#TOPIC``; a path
    with a slash or ending in ``.jsonl`` or ``.parquet``; else a topic beside the hub's own.

    Raises ``Refused("bad-target")``.
    """
    scheme, is_url, rest = text.partition("://")
    if is_url and scheme in ("http", "https"):
        try:
            return UrlPlace(check_url(text))
        except ValueError as error:
            raise Refused("bad-target", f"--target: {error}", 400) from None
    if is_url and scheme in ("kafka", "sqlite"):
        log, _, topic = text.rpartition("#")
        if not log:
            raise Refused("bad-target", f"--target: say which topic: {scheme}://…#TOPIC", 400)
        return TopicPlace(_checked_name(topic), log)
    if is_url and scheme != "file":
        raise Refused("bad-target", f"--target: {scheme[:20]}:// is none of https, kafka, sqlite, file", 400)
    if is_url or "/" in text or text.endswith((".jsonl", PARQUET)):
        return FilePlace(Path(rest if is_url else text))
    return TopicPlace(_checked_name(text))


def _checked_name(name: str) -> str:
    if not name or len(name) > _MOST_NAME or not _NAME_CHARACTERS.issuperset(name) or name in (".", ".."):
        raise Refused("bad-target", f"--target: {name[:60]!r} is no topic's name, no path with a / and no URL", 400)
    return name


async def check_place(place: Place, own_log: str, prefix: str) -> None:
    """Raise ``Refused("target-is-source")`` for a topic of this hub. ``own_log``, ``prefix``: of the hub's settings.

    A topic of another hub that holds what people did not say there is no target either, but for its source of truth.
    """
    if not isinstance(place, TopicPlace):
        return
    try:
        is_own = not place.log or await same_log(place.log, own_log)
    except Fatal as error:
        raise Refused("bad-target", f"--target: {error}", 400) from None
    own = {prefix + topic if own_log.startswith("kafka:") and place.log else topic for topic in TOPICS}
    if is_own and place.topic in own:
        raise Refused(
            "target-is-source",
            f"{place.topic} is this hub's own: replayed records never go back into what the hub is made of. "
            "Name another topic",
            400,
        )
    if not is_own and place.topic in TOPICS and place.topic != INTERACTIONS:
        raise Refused("bad-target", f"{place.topic} of {without_password(place.log)} is written by that hub alone", 400)
