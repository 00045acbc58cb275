"""Decide which shards of a stream are read, and from where. Pure.

A shard that is split or merged is closed, and others take its place: its children. They are read once it was read to
its end, so that what one key brought keeps its order (docs.aws.amazon.com/streams/latest/dev/
kinesis-using-sdk-java-after-resharding.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import structs

from cx_channels.kit.settings import since_seconds
from cx_channels.pollers.aws.cursor import Places, ShardPlace

ListedShards = Mapping[str, frozenset[str]]
"""The shards that Kinesis lists, each with its parents; what it no longer keeps anything of is not listed."""


class Resumed(NamedTuple):
    """``gap``: a sentence on what is lost for good, "" for nothing."""

    places: Places
    gap: str


def begin(listed: ListedShards, since: str, now: float) -> Places:
    """Return the places in a stream that is read for the first time. ``since``: as ``since_setting`` has it."""
    at = since_seconds(since, now)
    return {id: ShardPlace(at=at, read_to=at) for id in listed}


def resume(places: Places, listed: ListedShards, kept_seconds: float, now: float) -> Resumed:
    """Return the places in a stream after a pause, or after its shards changed. ``kept_seconds``: for which Kinesis
    keeps a record."""
    gaps, found = [], {id: ShardPlace() for id in listed}
    horizon = now - kept_seconds
    for id, place in places.items():
        if id in listed:
            found[id] = place
        if place.done:
            continue
        if id not in listed:
            gaps.append(f"{id} is gone and was not read to its end")
        elif 0 < place.read_to < horizon:
            hours = (horizon - place.read_to) / 3600
            gaps.append(f"{id} was not read for so long that its records of {hours:.1f} h are trimmed")
            found[id] = structs.replace(place, read_to=int(horizon))  # told once
    return Resumed(found, "; ".join(gaps))


def readable(places: Places, listed: ListedShards) -> list[str]:
    """Return the shards to read now: not yet at their end, and their parents are, or nothing is kept of these."""
    return sorted(
        id
        for id, place in places.items()
        if not place.done and all(parent not in places or places[parent].done for parent in listed.get(id, ()))
    )
