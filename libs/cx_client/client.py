"""Run the client's operations in programs without an event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar, Unpack

import httpx2

from cx_client import connecting
from cx_client.core.exchanges import Answer, NoAnswer, Operation, Pause, Request
from cx_client.core.following import Following, StreamEvent, refusal_in
from cx_client.core.outcomes import EventName, Sent
from cx_client.core.reading import Context, ContextOptions, ContextQuery
from cx_client.core.retries import FOR_EVER, Retry
from cx_client.core.watching import ContextWatch
from cx_client.operations import Operations, list_path
from cx_events.json_types import Json

SILENCE_SECONDS = 35.0
"""A stream tells a sign of life every 15 s; after twice that without one its connection is given up."""

T = TypeVar("T")
_log = logging.getLogger("cx_client")


class Client:
    """A hub under one key. Threads may share it. Close it, or use it as a context manager.

    ``url``: the hub's address. ``timeout``: seconds to connect, and for each pause of an answer. ``retry``: when
    requests are made again; ``follow_retry``: when streams connect again. ``more``: further arguments of
    ``httpx2.Client``, as ``verify`` or ``proxy``. Every method raises ``Refused`` or ``TryLater`` of
    ``cx_events.errors``.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = connecting.SECONDS,
        retry: Retry = Retry(),
        follow_retry: Retry = FOR_EVER,
        silence: float = SILENCE_SECONDS,
        **more: Any,
    ) -> None:
        self._http = httpx2.Client(**connecting.options(url, key, timeout, more))
        self._url = url
        self._stream_timeout = httpx2.Timeout(timeout, read=silence)
        self.operations = Operations(retry, follow_retry)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, event: Mapping[str, Any]) -> EventName:
        """Send one event, and return its name once it is durable."""
        return self.run(self.operations.send(event))

    def send_many(self, events: Iterable[Mapping[str, Any]], *, dry_run: bool = False) -> Sent:
        """Send events in order, in batches, and return the outcome of each; with ``dry_run`` nothing is stored.

        Raises ``SendingRefused`` or ``SendingUnavailable``, whose ``remainder`` holds what was not sent.
        """
        return self.run(self.operations.send_many(events, dry_run=dry_run))

    def context(
        self, customer: str | None = None, *, known: Context | None = None, **query: Unpack[ContextOptions]
    ) -> Context:
        """Read a context, by a customer's id or as ``ContextQuery`` says (``query``: its other members).

        ``known``: an earlier answer, which is returned itself where nothing has changed.
        """
        return self.run(self.operations.context(ContextQuery(customer=customer, **query), known))

    def find(self, identifier: str, *, scope: str | None = None) -> Context | None:
        """Return the context of whoever has this identifier (``email:ana@example.com``), None for nobody known."""
        return self.run(self.operations.find(identifier, scope))

    def timeline(self, customer: str, **query: str | int | None) -> Generator[Json, None, None]:
        """Yield everything that happened, the newest first, page by page (``kind``, ``text``, ``as_of``, ...)."""
        return self._items(list_path("customers", customer, "timeline"), query)

    def journey(self, customer: str, **query: str | int | None) -> Generator[Json, None, None]:
        """Yield a customer's contacts, those that began last first, page by page."""
        return self._items(list_path("customers", customer, "journey"), query)

    def conversations(self, customer: str, **query: str | int | None) -> Generator[Json, None, None]:
        """Yield a customer's conversations, the last active first, page by page."""
        return self._items(list_path("customers", customer, "conversations"), query)

    def all_conversations(self, **query: str | int | None) -> Generator[Json, None, None]:
        """Yield the conversations of all customers, page by page (``state``, ``queue``, ``agent``, ``channel``,
        ``waiting``, ``order``)."""
        return self._items("/v1/conversations", query)

    def search(
        self, words: str, *, within: Literal["customers", "messages"] = "customers", limit: int = 50
    ) -> Generator[Json, None, None]:
        """Yield customers, or what was said, page by page of ``limit``."""
        cursor: str | None = None
        while True:
            page = self.run(self.operations.search(words, within, limit, cursor))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def get(self, path: str, **query: str | int) -> Json:
        """Read anything else of the API."""
        return self.run(self.operations.get(path, query))

    def post(self, path: str, body: Json, *, idempotency_key: str | None = None) -> Json:
        """Post anything else of the API. It is tried again only with an ``idempotency_key``, which must be new for each
        act."""
        return self.run(self.operations.post(path, body, idempotency_key))

    def follow_customer(
        self,
        customer: str,
        *,
        since: int | None = None,
        last_event_id: str = "",
        bodies: bool = True,
        interaction: str | None = None,
        assurance: Literal["asserted", "proved"] | None = None,
    ) -> Generator[StreamEvent, None, None]:
        """Yield ``context`` and ``moved`` events, for ever, over as many connections as it takes.

        ``since``: the version that was read before. ``last_event_id``: the ``id`` of the last event that was dealt
        with. Raises ``Refused`` where it is no use to go on, also where the contact is less assured than required.
        """
        return self._follow(
            self.operations.customer_stream(
                customer,
                since=since,
                last_event_id=last_event_id,
                bodies=bodies,
                interaction=interaction,
                assurance=assurance,
            )
        )

    def watch(
        self,
        customer: str | None = None,
        *,
        identifier: str | None = None,
        interaction: str | None = None,
        assurance: Literal["asserted", "proved"] | None = None,
        at_least: Sequence[EventName] = (),
        wait: str | None = None,
    ) -> Generator[Context, None, None]:
        """Read a context (arguments as of ``ContextQuery``), yield it, then each newer one: no gap, none twice."""
        query = ContextQuery(customer, identifier, interaction, None, assurance, at_least, wait)
        known = self.run(self.operations.context(query, None))
        yield known
        watch = ContextWatch(known)
        for event in self.follow_customer(
            known.customer, since=known.version, interaction=interaction, assurance=assurance
        ):
            context = watch.context_in(event)
            if context is not None:
                yield context

    def follow_conversation(
        self, conversation: str, *, since: int | None = None, last_event_id: str = ""
    ) -> Generator[StreamEvent, None, None]:
        """Yield ``conversation`` and ``moved`` events; otherwise as ``follow_customer``."""
        return self._follow(self.operations.conversation_stream(conversation, since=since, last_event_id=last_event_id))

    def follow_agent(self, agent: str, *, last_event_id: str = "") -> Generator[StreamEvent, None, None]:
        """Yield ``assignment``, ``released`` and ``live`` events of an agent's desk; ``Desk`` makes a list of them."""
        return self._follow(self.operations.desk_stream(agent=agent, last_event_id=last_event_id))

    def follow_queue(self, queue: str, *, last_event_id: str = "") -> Generator[StreamEvent, None, None]:
        """Yield the events of a queue, as ``follow_agent``."""
        return self._follow(self.operations.desk_stream(queue=queue, last_event_id=last_event_id))

    def follow_subjects(
        self,
        *,
        agents: Sequence[str] = (),
        queues: Sequence[str] = (),
        customers: Sequence[str] = (),
        conversations: Sequence[str] = (),
        body: Literal["full", "patch", "none"] = "patch",
        presence: bool = False,
        last_event_id: str = "",
    ) -> Generator[StreamEvent, None, None]:
        """Yield the events of several subjects, each naming its own, and ``heartbeat`` events, over one stream.

        ``Subjects`` makes states of them. ``body``: contexts whole, whole once and then as patches, or not at all.
        ``presence``: tell who is present, too.
        """
        named = {"agent": agents, "queue": queues, "customer": customers, "conversation": conversations}
        return self._follow(
            self.operations.subjects_stream(named, body=body, presence=presence, last_event_id=last_event_id)
        )

    def run(self, operation: Operation[T]) -> T:
        """Carry an operation out."""
        reply: Answer | NoAnswer | None = None
        try:
            while True:
                step = operation.send(reply)
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    reply = None
                else:
                    reply = self._ask(step)
        except StopIteration as end:
            result: T = end.value
            return result

    def _ask(self, request: Request) -> Answer | NoAnswer:
        try:
            response = self._http.request(**connecting.arguments(request))
        except httpx2.HTTPError as error:
            return connecting.no_answer(error, self._url)
        return connecting.head_of(response, response.content)

    def _items(self, path: str, query: Mapping[str, str | int | None]) -> Generator[Json, None, None]:
        cursor: str | None = None
        while True:
            page = self.run(self.operations.page(path, cursor, **query))
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def _follow(self, following: Following) -> Generator[StreamEvent, None, None]:
        while True:
            was_troubled = following.troubled
            why = ""
            pause: float | None = None
            try:
                request = connecting.arguments(following.request())
                with self._http.stream(**request, timeout=self._stream_timeout) as response:
                    content = b"" if response.status_code == 200 else response.read()
                    pause = following.begin(connecting.head_of(response, content))
                    if pause is None:
                        for chunk in response.iter_bytes():
                            for event in following.heard(chunk):
                                if (refused := refusal_in(event)) is not None:
                                    raise refused
                                yield event
            except httpx2.HTTPError as error:
                why = connecting.no_answer(error, self._url).why
            if pause is None:
                pause = following.ended(why)
            if following.troubled and not was_troubled:
                _log.warning("the stream %s is interrupted; connecting again. %s", following.path, why)
            time.sleep(pause)
