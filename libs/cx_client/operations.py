"""Make the requests of both clients, as operations and streams of the core."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from cx_client.core.asking import Patience
from cx_client.core.batches import EncodedEvent
from cx_client.core.exchanges import Operation, Query, Request, query_of
from cx_client.core.following import Following
from cx_client.core.outcomes import EventName, Sent
from cx_client.core.reading import (
    Context,
    ContextQuery,
    Page,
    find_context,
    read_context,
    read_page,
    request_json,
    segment,
)
from cx_client.core.retries import Retry
from cx_client.core.sending import send_encoded, send_event, send_events
from cx_events.json_types import Json


class Operations:
    """Makes operations; ``retry`` bounds requests, ``follow_retry`` the connections of a stream."""

    def __init__(self, retry: Retry, follow_retry: Retry) -> None:
        self._patience = Patience(retry, random.random)
        self._follow_patience = Patience(follow_retry, random.random)

    def send(self, event: Mapping[str, Any]) -> Operation[EventName]:
        return send_event(event, self._patience)

    def send_many(self, events: Iterable[Mapping[str, Any]], *, dry_run: bool) -> Operation[Sent]:
        return send_events(events, self._patience, dry_run=dry_run)

    def send_once(self, events: Sequence[EncodedEvent]) -> Operation[Sent]:
        """Send without trying again."""
        return send_encoded(events, self._patience._replace(retry=Retry(attempts=1)))

    def context(self, query: ContextQuery, known: Context | None) -> Operation[Context]:
        return read_context(query, self._patience, known)

    def find(self, identifier: str, scope: str | None) -> Operation[Context | None]:
        return find_context(identifier, scope, self._patience)

    def page(self, path: str, cursor: str | None, **fields: str | int | None) -> Operation[Page]:
        return read_page(path, query_of(**fields), cursor, self._patience)

    def get(self, path: str, query: Mapping[str, str | int]) -> Operation[Json]:
        return request_json(Request("GET", path, query_of(**query)), self._patience)

    def post(self, path: str, body: Json, idempotency_key: str | None) -> Operation[Json]:
        """Without an ``Idempotency-Key`` a request that may have arrived is not made again."""
        headers = {"content-type": "application/json"}
        patience = self._patience
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        else:
            patience = patience._replace(retry=Retry(attempts=1))
        return request_json(Request("POST", path, (), headers, msgspec.json.encode(body)), patience)

    def search(self, words: str, within: str, limit: int, cursor: str | None) -> Operation[Json]:
        """Ask for a page by a body, which keeps what is looked for out of access logs."""
        body = {"q": words, "in": within, "limit": limit} | ({"cursor": cursor} if cursor is not None else {})
        headers = {"content-type": "application/json"}
        return request_json(Request("POST", "/v1/search", (), headers, msgspec.json.encode(body)), self._patience)

    def customer_stream(
        self,
        customer: str,
        *,
        since: int | None,
        last_event_id: str,
        bodies: bool,
        interaction: str | None,
        assurance: str | None,
    ) -> Following:
        query = query_of(body=None if bodies else "none", interaction=interaction, assurance=assurance)
        path = f"/v1/customers/{segment(customer)}/stream"
        return Following(path, query, self._follow_patience, since, last_event_id)

    def conversation_stream(self, conversation: str, *, since: int | None, last_event_id: str) -> Following:
        path = f"/v1/conversations/{segment(conversation)}/stream"
        return Following(path, (), self._follow_patience, since, last_event_id)

    def desk_stream(self, *, agent: str | None = None, queue: str | None = None, last_event_id: str) -> Following:
        query = query_of(agent=agent, queue=queue)
        return Following("/v1/stream", query, self._follow_patience, None, last_event_id)

    def subjects_stream(
        self,
        subjects: Mapping[str, Sequence[str]],
        *,
        body: Literal["full", "patch", "none"],
        presence: bool,
        last_event_id: str,
    ) -> Following:
        query: Query = (*((kind, id) for kind, ids in subjects.items() for id in ids), ("body", body))
        query = (*query, ("presence", "true")) if presence else query
        return Following("/v1/stream", query, self._follow_patience, None, last_event_id, heartbeats=True)


def list_path(kind: str, id: str, list: str) -> str:
    """Return the path of a list of one thing: ``/v1/customers/ID/timeline``."""
    return f"/v1/{kind}/{segment(id)}/{list}"
