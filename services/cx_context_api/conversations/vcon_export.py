"""Export a conversation as vCon.

By the conversation's id or an alias: all that happened in it, imported or not. By the ``uuid`` of an imported vCon:
that vCon as it came, whatever else its conversation holds.

Files in the hub, fetched ones included, stand as ``vcon_files`` tells; of attachments up to ``MAX_CONTENT`` bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cx_context.store import Store
from cx_context.store.latest_events import read_facts_before
from cx_context.store.ownership import Ownership
from cx_context.store.parts import read_parts_of_sides, streams_of
from cx_context.store.sql import Tx
from cx_context_api.conversations.conversation_lookup import find_thread
from cx_context_api.conversations.vcon_files import VconFiles
from cx_context_api.events.contents import Contents
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused, TryLater
from cx_events.facts import Fact
from cx_events.ids import NodeId, parse_node_id, text_of
from cx_events.json_types import Json
from cx_runtime.answer_deadline import within
from cx_vcon.exporting import blob_of, export_vcon, imported_vcons, native_facts, original_of, with_required_members
from cx_vcon.round_trip import MAX_INTERACTIONS, ImportedVcon, id_part, interaction_of
from cx_vcon.syntax import CURRENT, modernise

MAX_EVENTS = 20_000
MAX_ID = 256
MAX_CONTENT = 16 << 20
"""Bytes of attachments in one vCon. In base64, and with the copies that are made, it takes six times that memory."""


class VconExports:
    """Exports conversations of all tenants.

    ``contents`` reads large originals and attachments. ``public_url``: how others reach this hub; without it,
    attachments that are not included have a URL relative to the vCon's own.
    """

    def __init__(
        self,
        store: Store,
        tenancies: Mapping[str, Tenancy],
        contents: Contents,
        turns: ReadTurns,
        public_url: str,
        most_content: int = MAX_CONTENT,
    ) -> None:
        self._store = store
        self._heavy = turns.heavy
        self._tenancies = tenancies
        self._contents = contents
        self._base = public_url.rstrip("/")
        self._most_content = most_content

    async def read(self, tenant: str, id: str, syntax: str | None) -> bytes:
        """Return the JSON text. ``syntax``: convert an imported vCon to this syntax; only the current one is known.

        Raises ``Refused``: ``bad-query`` (400), ``unknown-conversation`` (404), ``conversation-too-long`` (422);
        ``TryLater`` while an imported vCon is not applied completely.
        """
        if syntax not in (None, CURRENT):
            raise Refused("bad-query", f"syntax: expected {CURRENT}.", 400)
        async with self._heavy.turn(tenant):
            found = await self._export(tenant, id)
            return await asyncio.to_thread(lambda: msgspec.json.encode(modernise(found) if syntax else found))

    async def _export(self, tenant: str, id: str) -> Json:
        name, facts = await within(self._of_conversation(tenant, id))
        if name is None:
            return await self._as_it_came(tenant, id)
        blobs = await self._large(tenant, facts)
        parts = [each for each in imported_vcons(facts, blobs) if not each.whole]
        if parts:
            # Pieces of it are another customer's: its parties were different when they came.
            known = {fact.key for fact in facts}
            for part in parts:
                facts += [fact for fact in await self._pieces(tenant, part.uuid) if fact.key not in known]
            facts.sort(key=lambda fact: fact.order)
            blobs = await self._large(tenant, facts)
            _check_whole(imported_vcons(facts, blobs))
        files = await VconFiles(self._contents, tenant, self._base, self._most_content).of(native_facts(facts))
        return await asyncio.to_thread(export_vcon, name, facts, blobs, files)

    async def _of_conversation(self, tenant: str, id: str) -> tuple[str | None, list[Fact]]:
        """Return the conversation's id of today and its events in canonical order; (None, []) if there is none."""
        tenancy = self._tenancies[tenant]
        try:
            part_id = parse_node_id(id)
        except Refused:
            return None, []
        async with self._store.reading() as tx:
            try:
                found = await find_thread(tx, tenant, tenancy, part_id)
            except Refused:
                return None, []
            part_ids = [part_id for member in found.conversation.members for _, part_id in member.part_ids]
            return text_of(found.conversation.id), await _facts(tx, tenancy, found.own, part_ids)

    async def _as_it_came(self, tenant: str, uuid: str) -> Json:
        facts = await self._pieces(tenant, uuid) if 0 < len(uuid) <= MAX_ID else []
        came = imported_vcons(facts, await self._large(tenant, facts))
        found = [each for each in came if id_part(each.uuid) == id_part(uuid)]
        if not found:
            raise Refused("unknown-conversation", f"There is no conversation and no vCon {uuid[:64]!a}.", 404)
        _check_whole(found)
        return with_required_members(found[0], facts)

    async def _pieces(self, tenant: str, uuid: str) -> list[Fact]:
        """Return the events of one imported vCon, of whichever customers."""
        tenancy = self._tenancies[tenant]
        nodes = [tenancy.ids.interaction(interaction_of(uuid, number)) for number in range(MAX_INTERACTIONS)]

        async def read() -> list[Fact]:
            async with self._store.reading() as tx:
                stream_ids = await streams_of(tx, tenant, nodes)
                sides = {(stream_id, node) for node, found in stream_ids.items() for stream_id in found}
                stored = await read_parts_of_sides(tx, tenant, sides)
                part_ids = [part_id for parts in stored.values() for part_id, _ in parts]
                every = sorted({stream_id for found in stream_ids.values() for stream_id in found})
                return await _facts(tx, tenancy, Ownership(every), part_ids) if every else []

        return await within(read())

    async def _large(self, tenant: str, facts: Iterable[Fact]) -> dict[str, bytes]:
        """Return the originals that are in the blob store."""
        originals = (original_of(fact) for fact in facts)
        names = {name for each in originals if each is not None and (name := blob_of(each)) is not None}
        found: dict[str, bytes] = {}
        for name in sorted(names):
            content = await self._contents.of_blob(tenant, name)
            if content is None:
                raise TryLater("blobs", f"{name} can't be read here: CX_BLOB_URL must be that of the channels")
            found[name] = content
        return found


async def _facts(tx: Tx, tenancy: Tenancy, own: Ownership, part_ids: Sequence[NodeId]) -> list[Fact]:
    facts = await read_facts_before(tx, tenancy.ids, own, MAX_EVENTS + 1, None, part_ids)
    if len(facts) > MAX_EVENTS:
        raise Refused("conversation-too-long", f"It has more than {MAX_EVENTS} events, too many for one vCon.")
    return facts[::-1]


def _check_whole(found: Iterable[ImportedVcon]) -> None:
    for each in found:
        if not each.whole:
            raise TryLater("projectors", f"the vCon {each.uuid[:64]!a} is not applied whole yet")
