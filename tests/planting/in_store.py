"""Differences in the rows of a store: edited, deleted, added, re-homed, promoted."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from sqlalchemy import Table
from tests.planting.differences import Difference, Names
from tests.planting.hubs import Hub
from tests.planting.rows import Row, all_rows, another, changed, drop, name_of, put, value_of

from cx_context.store import tables
from cx_context.store.operations_tables import DEAD_LETTERS, DISCARDED_LETTERS
from cx_context.store.part_codec import decode_part, encode_part

Among = Callable[[dict[str, list[Row]], Row], bool]
"""Whether a row is one that this can be done to. Given all rows by table."""
New = Callable[[Random, dict[str, list[Row]], Row], dict[str, Any]]
"""Returns the columns that are changed, and what they are changed to."""


def any_row(rows: dict[str, list[Row]], row: Row) -> bool:
    return True


async def _pick(hub: Hub, random: Random, table: Table, among: Among) -> tuple[dict[str, list[Row]], Row]:
    async with hub.store.reading() as tx:
        rows = {each.name: await all_rows(tx, each) for each in _LOOKED_AT | {table}}
    found = [row for row in rows[table.name] if among(rows, row)]
    assert found, f"there is no row of {table.name} to do it to"
    return rows, random.choice(found)


_LOOKED_AT = {tables.EVENTS, tables.PROFILES, tables.MEMBERS, tables.SIGHTINGS, tables.PARTS}


def deleted(
    kind: str, table: Table, among: Among = any_row, *, name: Callable[[Table, Row], str] = name_of
) -> Difference:
    async def plant(hub: Hub, random: Random) -> Names:
        _, row = await _pick(hub, random, table, among)
        async with hub.store.writing() as tx:
            await drop(tx, table, row)
        return {name(table, row)}

    return Difference(kind, plant)


def edited(kind: str, table: Table, new: New | str, among: Among = any_row) -> Difference:
    """``new``: what is written instead, or the column that gets any other value."""

    async def plant(hub: Hub, random: Random) -> Names:
        rows, row = await _pick(hub, random, table, among)
        if isinstance(new, str):
            values = {new: another(table.columns[new], value_of(table, row, new))}
        else:
            values = new(random, rows, row)
        wrong = changed(table, row, **values)
        assert wrong != row
        async with hub.store.writing() as tx:
            await drop(tx, table, row)
            await put(tx, table, wrong)
        return {name_of(table, row), name_of(table, wrong)}

    return Difference(kind, plant)


def added(kind: str, table: Table, new: New, among: Among = any_row) -> Difference:
    """A row like another one is put beside it. ``new``: in what it differs."""

    async def plant(hub: Hub, random: Random) -> Names:
        rows, row = await _pick(hub, random, table, among)
        forged = changed(table, row, **new(random, rows, row))
        async with hub.store.writing() as tx:
            await put(tx, table, forged)
        return {name_of(table, forged)}

    return Difference(kind, plant)


def another_id(*columns: str) -> New:
    return lambda random, rows, row: {each: random.randbytes(16) for each in columns}


def another_profile(column: str) -> New:
    """The id of somebody else, whom the hub knows."""

    def new(random: Random, rows: dict[str, list[Row]], row: Row) -> dict[str, Any]:
        others = [each[0] for each in rows["profiles"] if each[0] not in row]
        return {column: random.choice(others)}

    return new


def another_part_of(row: Row, places: Sequence[int]) -> bytes:
    """A part's body with one fact more."""
    part = decode_part(bytes(row[places[0]]))
    part.facts += 1
    return encode_part(part)


def another_tenant(random: Random, rows: dict[str, list[Row]], row: Row) -> dict[str, Any]:
    return {"tenant": "other"}


def _one_fact_more(place: int) -> New:
    return lambda random, rows, row: {"body": another_part_of(row, [place])}


def _kept_copy(rows: dict[str, list[Row]], row: Row) -> bool:
    return row[4] not in {event[7] for event in rows["events"]}


def _first_mention(rows: dict[str, list[Row]], row: Row) -> bool:
    same = [each for each in rows["sightings"] if each[:3] == row[:3]]
    return row == min(same, key=lambda each: (each[5:9], each[3]))


def _all_that_counts(rows: dict[str, list[Row]], row: Row) -> bool:
    """Whether the row alone says how often a customer of today changed: of several stripes nobody can tell which one
    wrote what."""
    parted = {each[0] for each in rows["members"] if each[0] != each[2]}
    stripes = [each for each in rows["versions"] if each[0] == row[0]]
    return len(stripes) == 1 and row[0] in {each[0] for each in rows["profiles"]} - parted


def _customer(table: Table, row: Row) -> str:
    """A version as a finding names it that misses it: its stripe is not known then."""
    return f"{table.name} {row[0].hex()}"


def _joined(rows: dict[str, list[Row]], row: Row) -> bool:
    return bool(row[0] != row[2])


def _claimed_edge(rows: dict[str, list[Row]], row: Row) -> bool:
    """Whether an edge has the evidence of a claim and of nothing better."""
    names = tables.EDGES.columns.keys()
    weights = {w: row[names.index(f"{w}_recorded")] for w in ("proved", "asserted", "claimed")}
    return weights["claimed"] is not None and weights["proved"] is None and weights["asserted"] is None


def _promote_edge(random: Random, rows: dict[str, list[Row]], row: Row) -> dict[str, Any]:
    names = tables.EDGES.columns.keys()
    return {name.replace("claimed", "proved"): row[names.index(name)] for name in names if name.startswith("claimed_")}


IN_STORE = [
    edited("an event's bytes edited", tables.EVENTS, "raw"),
    edited("an event re-homed", tables.EVENTS, another_profile("stream_id")),
    edited("an event given to another tenant", tables.EVENTS, another_tenant),
    edited("an event's time moved", tables.EVENTS, "effective"),
    edited("an event marked with a problem", tables.EVENTS, lambda r, rows, row: {"problem": "not folded: so it is"}),
    deleted("an event deleted", tables.EVENTS),
    added("an event added", tables.EVENTS, another_id("key")),
    deleted("a copy deleted", tables.COPIES, _kept_copy),
    added("a copy added", tables.COPIES, another_id("digest")),
    edited("a part edited", tables.PARTS, _one_fact_more(4)),
    edited("a part damaged", tables.PARTS, "body"),
    edited("a part re-homed", tables.PARTS, another_profile("stream_id")),
    edited("a part moved to another interaction", tables.PARTS, another_id("interaction")),
    deleted("a part deleted", tables.PARTS),
    added("a part added", tables.PARTS, another_id("part_id")),
    edited("a part of another tenant", tables.PARTS, another_tenant),
    edited("a segment edited", tables.SEGMENTS, _one_fact_more(2)),
    deleted("a segment deleted", tables.SEGMENTS),
    added("a segment added", tables.SEGMENTS, another_id("part_id")),
    edited("a desk's assignment renamed", tables.ASSIGNMENTS, "name"),
    deleted("a desk's assignment deleted", tables.ASSIGNMENTS),
    added("a desk's assignment added", tables.ASSIGNMENTS, lambda r, rows, row: {"kind": "agent"}),
    deleted("an interaction deleted", tables.INTERACTIONS),
    added("an interaction added", tables.INTERACTIONS, another_id("node")),
    edited("a profile's identifier edited", tables.PROFILES, "value"),
    edited("a profile attested", tables.PROFILES, "attested"),
    deleted("a profile deleted", tables.PROFILES),
    added("a profile added", tables.PROFILES, another_id("id")),
    deleted("an edge deleted", tables.EDGES),
    added("an edge added", tables.EDGES, another_id("b")),
    edited("an edge re-homed", tables.EDGES, another_profile("b")),
    edited("an edge promoted from claim to proof", tables.EDGES, _promote_edge, _claimed_edge),
    deleted("a first mention deleted", tables.SIGHTINGS, _first_mention),
    added("a first mention added", tables.SIGHTINGS, another_id("key")),
    edited("a first mention moved", tables.SIGHTINGS, "recorded"),
    deleted("a link event deleted", tables.LINK_EVENTS),
    added("a link event added", tables.LINK_EVENTS, another_id("key")),
    deleted("a decision lost", tables.DECISIONS),
    edited("a decision turned round", tables.DECISIONS, lambda r, rows, row: {"kind": "unmerged"}),
    edited("a decision about somebody else", tables.DECISIONS, another_profile("b")),
    added("a decision forged", tables.DECISIONS, another_id("key")),
    deleted("an attribution lost", tables.ATTRIBUTIONS),
    edited("an attribution to somebody else", tables.ATTRIBUTIONS, another_profile("profile")),
    deleted("a change of rules lost", tables.RULE_CHANGES),
    edited("a change of rules edited", tables.RULE_CHANGES, "rules"),
    edited("a member re-homed", tables.MEMBERS, another_profile("customer"), _joined),
    edited("a member promoted", tables.MEMBERS, "claimed"),
    edited("a member's core moved", tables.MEMBERS, another_profile("core")),
    deleted("a member lost", tables.MEMBERS, _joined),
    added("a member added", tables.MEMBERS, another_id("profile"), _joined),
    edited("a refused claim settled", tables.REFUSED_CLAIMS, "settled"),
    deleted("a refused claim deleted", tables.REFUSED_CLAIMS),
    added("a refused claim added", tables.REFUSED_CLAIMS, another_id("other")),
    deleted("a withheld claim deleted", tables.WITHHELD_CLAIMS),
    added("a withheld claim added", tables.WITHHELD_CLAIMS, another_id("other")),
    deleted("a version lost", tables.VERSIONS, _all_that_counts, name=_customer),
    edited("a version taken back", tables.VERSIONS, lambda r, rows, row: {"n": 0}),
    added("a version of nobody", tables.VERSIONS, another_id("customer")),
    edited("a dead letter's reason edited", DEAD_LETTERS, "reason"),
    deleted("a dead letter deleted", DEAD_LETTERS),
    added("a dead letter added", DEAD_LETTERS, lambda r, rows, row: {"id": r.randbytes(8).hex()}),
    edited("a discard's author edited", DISCARDED_LETTERS, "writer"),
    deleted("a discard deleted", DISCARDED_LETTERS),
    added("a discard added", DISCARDED_LETTERS, lambda r, rows, row: {"id": r.randbytes(8).hex()}),
    edited("the store's epoch raised", tables.STORE_EPOCH, "epoch"),
    edited("the store's id changed", tables.STORE_EPOCH, lambda r, rows, row: {"store": os.urandom(16)}),
    edited("a notice about nobody", tables.OUTBOX, lambda r, rows, row: {"body": r.randbytes(16), "desks": b"\x80"}),
]  # fmt: skip
"""Every table has some."""
