"""Turn what comes in into durable events, then answer.

    challenge -> verify -> map -> stamp -> store large originals -> append once -> answer

Acknowledged means durable: nothing is answered before the log has it. Where an outcome is unknown, ``TryLater`` says
so; sending again is safe, since an event is known by its id. What can't be mapped goes whole to the dead letters, in
the same append as the events.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog

from cx_channels.batch import LARGE, Batch, separate_original
from cx_channels.batch_result import BatchResult, RejectedEvent
from cx_channels.configured_connections import KeysOf, configured_connections, no_keys
from cx_channels.continuity_tokens import Tokens, new_code, stamp_issue
from cx_channels.correlations import Correlations
from cx_channels.dead_letters import STAGE, MappingFailure, digest, failure_of, readable_draft
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request
from cx_channels.verification import verify_request
from cx_events.blob import Blobs, blob_name
from cx_events.catalogue import catalogue, check_scopes
from cx_events.client_blobs import check_blob_names, check_raw_blob
from cx_events.client_data import decode_base64_data
from cx_events.client_events import MAX_EVENT_BYTES, AcceptedEvent, Recogniser, accept
from cx_events.continuity_tokens import ISSUED
from cx_events.envelope import Draft, Participant
from cx_events.errors import CxError, Refused
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.junk import Junk
from cx_events.log import Log
from cx_events.stamp import StampedEvent, connection_writer, key_writer, stamp
from cx_events.timestamps import Micros
from cx_events.typos import TypoFinder
from cx_runtime import shares
from cx_runtime.in_flight import claim
from cx_runtime.metrics import OTHER, Metrics
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants
from cx_runtime.traced_append import append_traced
from cx_runtime.tracing import OFF, Tracing

CLIENT = "client"
"""The provider's name in metrics for events that clients send."""

Clock = Callable[[], Micros]
Mapper = Callable[[Provider, Request, Connection], Awaitable[Mapped]]

_EVENTS_AT_ONCE = 200


def wall_clock() -> Micros:
    """Return the time in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


async def map_inline(provider: Provider, request: Request, connection: Connection) -> Mapped:
    """Map in this process: right for small requests. A provider that is ``isolated`` needs a ``MappingPool``."""
    return provider.map(request, connection)


class Intake:
    """Accepts events of every channel. One per process; safe for many tasks at once."""

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
        tracing: Tracing = OFF,
        keys_of: KeysOf = no_keys,
    ) -> None:
        """Configure the intake. Raise ``Fatal`` where a connection names a provider that does not exist.

        ``rates``: how much each key and connection may send; unlimited without it. ``keys_of``: what vendors publish.
        """
        self._log = log
        self._blobs = blobs
        self._tenants = tenants
        self._providers = providers
        self._metrics = metrics
        self._clock = clock
        self._tracing = tracing
        self._mapper = mapper
        self.rates = rates if rates is not None else Rates(tenants)
        self._last: Micros = 0
        self._tokens, self._correlations = Tokens(metrics), Correlations(tenants.by_name)
        self.connections = configured_connections(tenants, providers, keys_of)

    def connection(self, id: str) -> tuple[Connection, Provider]:
        """Return a configured connection and its provider. Raise ``Refused("unknown-connection")`` (404)."""
        found = self.connections.get(id)
        if found is None:
            raise Refused("unknown-connection", f"there is no connection {id[:64]!r}", 404)
        return found

    def recognise_token(self, text: str, connection: Connection, interaction: str, *, known: bool = False) -> str:
        """Return the id of the continuity token that a customer presents.

        ``known``: the customer has proved who they are. Raise what ``Tokens.presented`` raises.
        """
        ids = self._tenants.ids(connection.tenant)
        return self._tokens.presented(text, ids, connection.id, interaction, known=known)

    async def issue_code(
        self, connection: Connection, interaction: str, participants: list[Participant], lifetime_s: int
    ) -> str:
        """Return a code that continues this interaction's conversation elsewhere; its issue is durable on return.

        ``participants``: those of the interaction's other events, so that it lies beside them. No store is asked here:
        that a code was issued before is as likely as a guess of one, and then it joins what it joined before, within
        one customer, or nothing. Raise ``TryLater`` where the issue may not be durable.
        """
        ids, recorded = self._tenants.ids(connection.tenant), self.now()
        code, batch = new_code(ids), Batch()
        writer = connection_writer(connection.id)
        batch.add_event(
            stamp_issue(code, interaction, participants, lifetime_s, recorded=recorded, ids=ids, writer=writer)
        )
        await self._store(connection.tenant, batch)
        self._count(connection.provider, [ISSUED])
        return code

    def now(self) -> Micros:
        """Return the time of receipt. It rises with every call, also where the clock stands still or steps back."""
        self._last = max(self._clock(), self._last + 1)
        return self._last

    def check_capacity(self) -> None:
        """Raise ``TryLater`` where the log takes nothing now. Ask before a request is read."""
        self._log.check_capacity()

    async def store_blob(self, tenant: str, content: bytes) -> str:
        """Store bytes that an event will name; durable on return. Raise ``TryLater`` where the store is down."""
        return await self._blobs.put(tenant, content)

    async def publish_client(
        self,
        tenant: str,
        values: Sequence[Any],
        *,
        importing: bool = False,
        scopes: Collection[str] = (),
        key: str = "",
        dry_run: bool = False,
    ) -> BatchResult:
        """Accept the valid ones of a client's events (structured form, see ``cx_events.http_binding.read``).

        ``key``: the id of the client's key, and ``scopes`` what it may: see ``cx_events.client_events.accept``.
        They are durable on return; in a dry run nothing is stored or counted, and the outcome holds the bytes that
        would be. Raise ``TryLater`` where any outcome is unknown.
        """
        recorded = self.now()
        ids = self._tenants.ids(tenant)
        rights = _ClientRights(
            importing,
            scopes,
            key_writer(key) if key else "",
            lambda data: self._tokens.recognised(data, ids, CLIENT, CLIENT),
            self._tenants.junk(tenant),
        )
        batch = Batch()
        published, types = await self._check_all(values, ids, recorded, batch, rights)
        if dry_run:
            published.events.extend(record.value for record in batch.records)
            return published
        for one in published.rejected:
            self._metrics.refused(CLIENT, one.reason)
        await self._store(tenant, batch)
        self._count(CLIENT, types)
        return published

    async def _check_all(
        self, values: Sequence[Any], ids: IdSpace, recorded: Micros, batch: Batch, rights: _ClientRights
    ) -> tuple[BatchResult, list[str]]:
        """Add the valid ones to the batch, and return the outcome with their types."""
        checked = BatchResult()
        types: list[str] = []
        finder = TypoFinder()
        for index, value in enumerate(values):
            if index % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
                await asyncio.sleep(0)  # a batch of thousands must not hold up everybody else
            try:
                accepted = _accepted(value, ids, recorded, rights)
            except Refused as refused:
                checked.rejected.append(RejectedEvent(index, refused.reason, refused.detail))
                continue
            if accepted.original:
                batch.add_blob(accepted.original)
            batch.add_event(accepted)
            checked.accepted.append((accepted.source, accepted.id))
            if not accepted.is_usual:
                checked.typos.extend((index, typo) for typo in finder.typos_of(decode_base64_data(value)))
            types.append(value["type"])
        return checked, types

    async def publish_drafts(
        self, tenant: str, source: str, drafts: Sequence[Draft], *, scopes: Collection[str], key: str
    ) -> list[StampedEvent]:
        """Accept all of a client's events or, with ``Refused``, none. Large originals go to the blob store.

        ``key``: the id of the client's key, and ``scopes`` what it may: an event of a type that needs more
        (``cx_events.catalogue.permit_of``), or an identifier with a weight beyond them, is ``missing-scope``. The
        events are durable on return. Raise ``TryLater`` where the outcome is unknown.
        """
        recorded = self.now()
        ids = self._tenants.ids(tenant)
        batch = Batch()
        stamped: list[StampedEvent] = []
        for index, draft in enumerate(drafts):
            if index % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
                await asyncio.sleep(0)
            slim, original = separate_original(draft)
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
                batch.add_blob(original)
            batch.add_event(event)
            stamped.append(event)
        await self._store(tenant, batch)
        self._count(CLIENT, [draft.type for draft in drafts])
        return stamped

    async def receive(self, request: Request, connection: Connection) -> Answer:
        """Accept a provider's request, mail or message, and return the answer that the provider expects.

        Raise ``Refused`` (401 or 403) for a request that is not the provider's, ``TooFast`` above the connection's
        rate, ``TryLater`` where it may not be durable. A genuine request that can't be mapped becomes a dead letter and
        is answered like any other.
        """
        outcome = "unavailable"
        try:
            answer, outcome = await self._receive(request, connection)
        except Refused:
            outcome = "refused"
            raise
        finally:
            self._metrics.request(connection.provider, connection.id, outcome)
        return answer

    async def _receive(self, request: Request, connection: Connection) -> tuple[Answer, str]:
        """Return the answer and one of ``cx_runtime.metrics.OUTCOMES``."""
        provider = self._providers[connection.provider]
        with self._tracing.span("verify", provider=connection.provider, connection=connection.id):
            challenged = verify_request(provider, request, connection, self._metrics)
        if challenged is not None:
            return challenged, "ignored"
        # Only now: forged requests must not use up the rate of the provider.
        claim(connection.tenant, shares.connection(connection.id))
        self.rates.of_connection(connection.id).take()
        with self._tracing.span("map", provider=connection.provider, connection=connection.id):
            mapped, failures = await self.map(provider, request, connection)
        failures = await self.publish_mapped(mapped, failures, request, connection)
        outcome = "dead-letter" if failures else "accepted" if mapped.drafts else "ignored"
        return provider.answer(mapped, request), outcome

    async def publish_mapped(
        self, mapped: Mapped, failures: list[MappingFailure], request: Request, connection: Connection
    ) -> list[MappingFailure]:
        """Store what a request became, and return all its failures, those of stamping included."""
        batch = Batch(blobs={blob_name(content): content for content in mapped.blobs})
        recorded = self.now()
        types: list[str] = []
        for draft in mapped.drafts:
            failure = self._stamp(draft, connection, recorded, batch)
            if failure is None:
                types.append(draft.type)
            else:
                failures.append(failure)
        batch.add_dead_letters(failures, request, connection, recorded, self._tenants.ids(connection.tenant))
        await self._store(connection.tenant, batch)
        self._count(connection.provider, types)
        for ignored in mapped.ignored:
            self._metrics.ignored(connection.provider, ignored.kind)
        for failure in failures:
            self._metrics.dead_letter(STAGE, failure.reason)
        return failures

    async def map(
        self, provider: Provider, request: Request, connection: Connection
    ) -> tuple[Mapped, list[MappingFailure]]:
        """Map a request; return what the provider made of it, and what it could not map."""
        try:
            mapped = await self._mapper(provider, request.mended(), connection)
        except Refused as refused:
            whole = MappingFailure(digest(request), refused.reason, refused.detail, request.body)
            return Mapped(), [whole]
        except CxError:
            raise
        except Exception as error:  # a bug in a mapping must not lose the customer's message: it waits for the repair
            log = structlog.get_logger("cx_channels.intake")
            log.error("an adapter failed", provider=provider.name, connection=connection.id, exc_info=error)
            whole = MappingFailure(digest(request), "adapter-fault", f"{type(error).__name__}: {error}", request.body)
            return Mapped(), [whole]
        return mapped, [failure_of(part) for part in mapped.unmapped]

    def _stamp(self, draft: Draft, connection: Connection, recorded: Micros, batch: Batch) -> MappingFailure | None:
        """Add a draft's event to the batch, or return why it can't be an event."""
        draft, original = separate_original(self._correlations.correlated(draft, connection.id))
        ids = self._tenants.ids(connection.tenant)
        references = self._tokens.recognised(draft.data, ids, connection.id, connection.provider)
        if references is not draft.data.references:
            draft = msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, references=references))
        try:
            stamped = stamp(
                draft,
                source=connection_source(connection.tenant, connection.id),
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
            batch.add_blob(original)
        batch.add_event(stamped)
        return None

    def _count(self, provider: str, types: Sequence[str]) -> None:
        if len(types) == 1:
            self._metrics.accepted(provider, _known(types[0]), 1)
            return
        for type, count in Counter(map(_known, types)).items():
            self._metrics.accepted(provider, type, count)

    async def _store(self, tenant: str, batch: Batch) -> None:
        """Store the blobs, then append all records at once: no event may refer to a blob that is missing."""
        for content in batch.blobs.values():
            await self._blobs.put(tenant, content)
        if batch.records:
            began = time.perf_counter()
            try:
                await append_traced(self._log, batch.records, self._tracing)
            finally:
                self._metrics.append_seconds.observe(time.perf_counter() - began)


class _ClientRights(NamedTuple):
    """The rights of a client: whether it may import, its scopes, and the writer that its events are stamped with.

    ``recognise``: finds continuity tokens in what it sends. ``junk``: the tenant's.
    """

    importing: bool
    scopes: Collection[str]
    writer: str
    recognise: Recogniser
    junk: Junk


def _accepted(value: Any, ids: IdSpace, recorded: Micros, rights: _ClientRights) -> AcceptedEvent:
    value = decode_base64_data(value)
    check_blob_names(value)
    return accept(
        value,
        ids=ids,
        recorded=recorded,
        importing=rights.importing,
        recognise=rights.recognise,
        scopes=rights.scopes,
        writer=rights.writer,
        junk=rights.junk,
        most_original=LARGE,
    )


def _known(type: str) -> str:
    return type if type in catalogue() else OTHER
