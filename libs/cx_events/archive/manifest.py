"""Read and write the manifest of an archive of the log: its segments with their digests, ends, tenants and blobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from cx_events.archive.sealed_files import read_sealed, write_sealed
from cx_events.errors import Refused
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Partition

FORMAT = "throughline-log"
VERSION = 1

ARCHIVED_TOPICS = (INTERACTIONS, DEAD_LETTERS)
"""The topics that are sources of truth. What projectors make of them is left out."""

MANIFEST = "manifest.json"
BLOBS = "blobs"


class Segment(Struct, frozen=True, kw_only=True):
    """Records of one partition in one file. ``file``: its path below the folder. ``first``: the offset of its first
    record; ``next``: one more than that of its last one. ``first_at``, ``last_at``: when the log took these, ms since
    1970."""

    file: str
    topic: str
    partition: int
    first: int
    next: int
    first_at: int
    last_at: int
    records: int
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """``id``: given once to an archive. ``ends``: by topic, of each partition the offset up to which it is here.
    ``stores_end``: how many stores had announced themselves on the log. ``tenants``: of each tenant with events, a
    digest of its ``id_key``, empty where the tenant was not configured. ``missing_blobs``: names that records mention
    and the blob store did not have. ``complete``: all up to ``ends`` is here."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    software: str
    made: str
    complete: bool
    ends: dict[str, list[int]]
    stores_end: int = 0
    tenants: dict[str, str] = {}
    segments: list[Segment] = []
    blobs: int = 0
    missing_blobs: list[str] = []

    @property
    def records(self) -> int:
        """Return how many records there are."""
        return sum(each.records for each in self.segments)

    def segments_of(self, partition: Partition) -> list[Segment]:
        """Return the segments of a partition, in order."""
        found = [each for each in self.segments if (each.topic, each.partition) == partition]
        return sorted(found, key=lambda each: each.first)


ManifestT = TypeVar("ManifestT")


class _Kind(Struct):
    format: str = ""
    version: int = 0


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace a folder's manifest in one step. Raises ``TryLater("disk")``."""
    write_sealed(folder / MANIFEST, msgspec.json.encode(manifest))


def read_manifest(folder: Path) -> Manifest:
    """Return a folder's manifest. Raises ``Refused`` as ``read_manifest_of`` does."""
    return read_manifest_of(folder, Manifest, FORMAT, VERSION)


def read_manifest_of(folder: Path, kind: type[ManifestT], format: str, version: int) -> ManifestT:
    """Return a folder's manifest of some kind.

    Raises ``Refused``: ``no-manifest``, ``damaged-manifest``, ``other-format`` where another thing, or a version that
    this software does not know, is in the folder.
    """
    path = folder / MANIFEST
    content = read_sealed(path)
    _check_kind(content, folder, format, version)
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise Refused("damaged-manifest", f"{path}: {error}") from None


def _check_kind(content: bytes, folder: Path, format: str, version: int) -> None:
    kind = msgspec.json.decode(content, type=_Kind)
    if kind.format != format:
        raise Refused("other-format", f"{folder} holds {kind.format!r}, and {format!r} is expected")
    if kind.version != version:
        raise Refused(
            "other-format",
            f"{folder} is of version {kind.version} of {format}; this software reads version {version}: use the "
            "release that wrote it, or a later one",
        )


def partitions_of(ends: Mapping[str, list[int]]) -> dict[Partition, int]:
    """Return ``ends`` by partition."""
    return {Partition(topic, number): end for topic, found in ends.items() for number, end in enumerate(found)}
