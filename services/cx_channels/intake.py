"""Intake: what came in becomes durable, then is answered.

    challenge -> verify -> map -> stamp -> keep large originals -> append once -> answer

Acknowledged means durable: nothing is answered before the log has it, and where any outcome is unknown ``TryLater``
says so (sending again is safe, since events are known by their ids). What can't be mapped lies whole in the dead
letters, in the same append as what could.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import structlog

from cx_channels.dead_letters import STAGE, MappingFailure, dead_letter_of, digest, failure_of, readable_draft
from cx_channels.kit.signing import shown_url
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request
from cx_channels.tokens import Tokens
from cx_events.blob import Blobs, blob_name
from cx_events.catalogue import catalogue, check_scopes
from cx_events.client_blobs import check_blob_names, check_raw_blob, oversized_raw
from cx_events.client_data import decode_base64_data
from cx_events.client_events import MAX_EVENT_BYTES, accept
from cx_events.dead_letters import encode_dead_letter
from cx_events.envelope import Draft
from cx_events.errors import CxError, Fatal, Refused
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, Record
from cx_events.stamp import StampedEvent, connection_writer, key_writer, stamp
from cx_events.timestamps import Micros, format_time
from cx_runtime import shares
from cx_runtime.in_flight import claim
from cx_runtime.metrics import OTHER, Metrics
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants

LARGE = 256 << 10
"""Originals above this many bytes lie in the blob store; the log holds their name."""

CLIENT = "client"
"""What metrics call the provider of events that clients send."""

Clock = Callable[[], Micros]
Mapper = Callable[[Provider, Request, Connection], Awaitable[Mapped]]

_EVENTS_AT_ONCE = 200


def wall_clock() -> Micros:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


async def map_inline(provider: Provider, request: Request, connection: Connection) -> Mapped:
    """Map here and now: right for what is small. Providers that are ``isolated`` need a mapper with workers."""
    return provider.map(request, connection)


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """One event of a batch that was not taken. ``index``: its place in the batch."""

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a client's events: ``accepted`` holds (source, id) in order."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """What one request stores: blobs first, then all records in one append."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def keep(self, content: bytes) -> str:
        name = blob_name(content)
        self.blobs[name] = content
        return name

    def add(self, stamped: StampedEvent) -> None:
        self.records.append(Record(INTERACTIONS, stamped.key, stamped.raw))


class Intake:
    """The way in, for every channel. One per process; safe for many tasks at once."""

    def __init__(
        self,
        log: Log,
        blobs: Blobs,
        tenants: Tenants,
        providers: Mapping[str, Provider],
        metrics: Metrics,
        *,
        clock: Clock = wall_clock,
        mapper: Mapper = map_inline,
        rates: Rates | None = None,
    ) -> None:
        """``rates``: how much each key and connection may send; as much as it likes without. ``Fatal`` where a
        connection names a provider that there is not."""
        self._log = log
        self._blobs = blobs
        self._tenants = tenants
        self._providers = providers
        self._metrics = metrics
        self._clock = clock
        self._mapper = mapper
        self.rates = rates if rates is not None else Rates(tenants)
        self._last: Micros = 0
        self._tokens = Tokens(metrics)
        self._connections: dict[str, tuple[Connection, Provider]] = {}
        for name, tenant in tenants.by_name.items():
            for connection, config in tenant.connections.items():
                if config.provider not in providers:
                    known = ", ".join(sorted(providers))
                    place = f"tenants.{name}.connections.{connection}"
                    raise Fatal(f"{place}: there is no provider {config.provider!r}; there are {known}")
                made = Connection(connection, name, config.provider, config.secrets, config.region, config.settings)
                self._connections[connection] = made, providers[config.provider]

    def connection(self, id: str) -> tuple[Connection, Provider]:
        """A configured connection and its provider; ``Refused("unknown-connection", 404)``."""
        found = self._connections.get(id)
        if found is None:
            raise Refused("unknown-connection", f"there is no connection {id[:64]!r}", 404)
        return found

    def recognise_token(self, text: str, connection: Connection, interaction: str, *, known: bool = False) -> str:
        """The id of the continuity token that a customer presents, who is ``known`` by a proof or not; see
        ``Tokens.presented`` for what it raises."""
        ids = self._tenants.ids(connection.tenant)
        return self._tokens.presented(text, ids, connection.id, interaction, known=known)

    def now(self) -> Micros:
        """The time of receipt: rises with every call, also where the clock stands or steps back."""
        self._last = max(self._clock(), self._last + 1)
        return self._last

    def check_capacity(self) -> None:
        """``TryLater`` where the log takes nothing now: asked before a request is read."""
        self._log.check_capacity()

    async def store_blob(self, tenant: str, content: bytes) -> str:
        """Store bytes that an event will name, durable on return. ``TryLater`` where the store does not answer."""
        return await self._blobs.put(tenant, content)

    async def publish_client(
        self,
        tenant: str,
        values: Sequence[Any],
        *,
        importing: bool = False,
        scopes: Collection[str] = (),
        key: str = "",
    ) -> BatchResult:
        """Take the good ones of a client's events (structured form, see ``cx_events.http_binding.read``).

        ``key``: the id of the client's key, and ``scopes`` what it may: see ``cx_events.client_events.accept``.
        Durable on return. ``TryLater`` where the outcome of any is unknown.
        """
        recorded = self.now()
        ids = self._tenants.ids(tenant)
        manner = _ClientRights(importing, scopes, key_writer(key) if key else "")
        published = BatchResult()
        batch = _Batch()
        types: list[str] = []
        for index, value in enumerate(values):
            if index % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
                await asyncio.sleep(0)  # a batch of thousands must not hold up everybody else
            try:
                stamped = self._accepted(value, ids, recorded, batch, manner)
            except Refused as refused:
                published.rejected.append(RejectedEvent(index, refused.reason, refused.detail))
                self._metrics.refused(CLIENT, refused.reason)
                continue
            batch.add(stamped)
            published.accepted.append((stamped.source, stamped.id))
            types.append(value["type"])
        await self._store(tenant, batch)
        self._count(CLIENT, types)
        return published

    def _accepted(
        self, value: Any, ids: IdSpace, recorded: Micros, batch: _Batch, manner: _ClientRights
    ) -> StampedEvent:
        value = decode_base64_data(value)
        check_blob_names(value)
        raw = oversized_raw(value, LARGE)
        if raw is not None:
            value = {**value, "data": {**value["data"], "raw": {"blob": blob_name(raw)}}}
        stamped = accept(
            value,
            ids=ids,
            recorded=recorded,
            importing=manner.importing,
            recognise=lambda data: self._tokens.recognised(data, ids, CLIENT, CLIENT),
            scopes=manner.scopes,
            writer=manner.writer,
            junk=self._tenants.junk(ids.tenant),
        )
        if raw is not None:
            batch.keep(raw)
        return stamped

    async def publish_drafts(
        self, tenant: str, source: str, drafts: Sequence[Draft], *, scopes: Collection[str], key: str
    ) -> list[StampedEvent]:
        """Take all of these events of a client or, with ``Refused``, none. Large originals go to the blob store.

        ``key``: the id of the client's key, and ``scopes`` what it may: an event of a type that needs more
        (``cx_events.catalogue.permit_of``), or an identifier that is said to be worth more, is ``missing-scope``.
        Durable on return; ``TryLater`` where the outcome is unknown.
        """
        recorded = self.now()
        ids = self._tenants.ids(tenant)
        batch = _Batch()
        stamped: list[StampedEvent] = []
        for index, draft in enumerate(drafts):
            if index % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
                await asyncio.sleep(0)
            slim, original = _slim(draft)
            if b'"blob"' in original:
                check_raw_blob(msgspec.json.decode(original))
            check_scopes(draft.type, scopes)
            event = stamp(
                slim,
                source=source,
                recorded=recorded,
                ids=ids,
                writer=key_writer(key),
                scopes=scopes,
                junk=self._tenants.junk(tenant),
            )
            if len(event.raw) > MAX_EVENT_BYTES:
                detail = f"event {draft.id!a} has {len(event.raw)} bytes; {MAX_EVENT_BYTES} are allowed"
                raise Refused("too-large", detail, 413)
            if slim is not draft:
                batch.keep(original)
            batch.add(event)
            stamped.append(event)
        await self._store(tenant, batch)
        self._count(CLIENT, [draft.type for draft in drafts])
        return stamped

    async def receive(self, request: Request, connection: Connection) -> Answer:
        """Take a provider's request, mail or message, and give what the provider expects to hear.

        ``Refused`` with 401 or 403 for one that is not the provider's, ``TooFast`` for more than the connection may
        send, ``TryLater`` where it may not be durable. A genuine one that can't be mapped is kept as a dead letter and
        answered like any other.
        """
        provider = self._providers[connection.provider]
        challenged = self._verified(provider, request, connection)
        if challenged is not None:
            return challenged
        # Not before: what anybody can send must not use up what the provider may.
        claim(connection.tenant, shares.connection(connection.id))
        self.rates.of_connection(connection.id).take()
        mapped, failures = await self.map(provider, request, connection)
        await self.publish_mapped(mapped, failures, request, connection)
        return provider.answer(mapped, request)

    async def publish_mapped(
        self, mapped: Mapped, failures: list[MappingFailure], request: Request, connection: Connection
    ) -> list[MappingFailure]:
        """Make durable what a request became, and return all of its dead letters: what could not be stamped, too."""
        batch = _Batch(blobs={blob_name(content): content for content in mapped.blobs})
        recorded = self.now()
        types: list[str] = []
        for draft in mapped.drafts:
            letter = self._stamp(draft, connection, recorded, batch)
            if letter is None:
                types.append(draft.type)
            else:
                failures.append(letter)
        self._add_dead_letters(failures, request, connection, recorded, batch)
        await self._store(connection.tenant, batch)
        self._count(connection.provider, types)
        for ignored in mapped.ignored:
            self._metrics.ignored(connection.provider, ignored.kind)
        for letter in failures:
            self._metrics.dead_letter(STAGE, letter.reason)
        return failures

    def _verified(self, provider: Provider, request: Request, connection: Connection) -> Answer | None:
        """The answer to a request without events, or None for a genuine one that may hold some."""
        try:
            challenged = provider.challenge(request, connection)
            if challenged is None and provider.verify is not None:
                provider.verify(request, connection)
            return challenged
        except Refused as refused:
            self._metrics.refused(provider.name, refused.reason)
            if not provider.signs_url or refused.status != 401:
                raise
            detail = f"{refused.detail}; checked for {shown_url(request.url)}, which begins with CX_PUBLIC_URL"
            about = {"provider": provider.name, "connection": connection.id, "reason": refused.reason}
            _log().warning("a signature did not pass", **about, detail=detail)
            raise Refused(refused.reason, detail, refused.status) from None
        except (
            Exception
        ) as error:  # what makes a check fail must not pass for ours: nobody has proved to be the provider
            _log().error("a check failed", provider=provider.name, connection=connection.id, exc_info=error)
            self._metrics.refused(provider.name, "unreadable")
            raise Refused("unreadable", f"the request can't be read as one of {provider.name}", 400) from None

    async def map(
        self, provider: Provider, request: Request, connection: Connection
    ) -> tuple[Mapped, list[MappingFailure]]:
        """What the provider makes of a request, and what it could not make."""
        try:
            mapped = await self._mapper(provider, request, connection)
        except Refused as refused:
            whole = MappingFailure(digest(request), refused.reason, refused.detail, request.body)
            return Mapped(), [whole]
        except CxError:
            raise
        except Exception as error:  # an adapter's fault must not cost the customer's message: it waits for the repair
            _log().error("an adapter failed", provider=provider.name, connection=connection.id, exc_info=error)
            whole = MappingFailure(digest(request), "adapter-fault", f"{type(error).__name__}: {error}", request.body)
            return Mapped(), [whole]
        return mapped, [failure_of(part) for part in mapped.unmapped]

    def _stamp(self, draft: Draft, connection: Connection, recorded: Micros, batch: _Batch) -> MappingFailure | None:
        """Add a draft's event to the batch, or say why it can't be one."""
        draft, original = _slim(draft)
        source = connection_source(connection.tenant, connection.id)
        ids = self._tenants.ids(connection.tenant)
        references = self._tokens.recognised(draft.data, ids, connection.id, connection.provider)
        if references is not draft.data.references:
            draft = msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, references=references))
        try:
            stamped = stamp(
                draft,
                source=source,
                recorded=recorded,
                ids=ids,
                region=connection.region,
                writer=connection_writer(connection.id),
                junk=self._tenants.junk(connection.tenant),
            )
            if len(stamped.raw) > MAX_EVENT_BYTES:
                raise Refused("too-large", f"the event has {len(stamped.raw)} bytes; {MAX_EVENT_BYTES} are allowed")
        except Refused as refused:
            return MappingFailure(draft.id, refused.reason, refused.detail, original or readable_draft(draft))
        if len(original) > LARGE:
            batch.keep(original)
        batch.add(stamped)
        return None

    def _add_dead_letters(
        self,
        failures: Iterable[MappingFailure],
        request: Request,
        connection: Connection,
        recorded: Micros,
        batch: _Batch,
    ) -> None:
        ids, source = self._tenants.ids(connection.tenant), connection_source(connection.tenant, connection.id)
        for letter in failures:
            blob = batch.keep(letter.original) if len(letter.original) > LARGE else ""
            record = dead_letter_of(letter, request, connection, source, format_time(recorded), blob)
            key = ids.lone_event(source, record.id).hex().encode()
            batch.records.append(Record(DEAD_LETTERS, key, encode_dead_letter(record)))

    def _count(self, provider: str, types: Iterable[str]) -> None:
        for type, count in Counter(map(_known, types)).items():
            self._metrics.accepted(provider, type, count)

    async def _store(self, tenant: str, batch: _Batch) -> None:
        """Blobs before the events that refer to them; then everything in one append."""
        for content in batch.blobs.values():
            await self._blobs.put(tenant, content)
        if batch.records:
            with self._metrics.append_seconds.time():
                await self._log.append(batch.records)


def _slim(draft: Draft) -> tuple[Draft, bytes]:
    """The draft with its original, where that is large, replaced by a reference; and the original."""
    raw = draft.data.raw
    original = b"" if raw is msgspec.UNSET else bytes(raw)
    if len(original) <= LARGE:
        return draft, original
    reference = msgspec.Raw(msgspec.json.encode({"blob": blob_name(original)}))
    return msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, raw=reference)), original


class _ClientRights(NamedTuple):
    """How one client's events are taken: whether as an import, with which scopes, and by which writer."""

    importing: bool
    scopes: Collection[str]
    writer: str


def _known(type: str) -> str:
    return type if type in catalogue() else OTHER


def _log() -> Any:
    return structlog.get_logger("cx_channels.intake")
