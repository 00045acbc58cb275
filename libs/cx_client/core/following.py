"""Follow one stream over as many connections as it takes, without a gap."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cx_client.core.asking import Patience, error_of, unavailable
from cx_client.core.errors import HubRefused, HubUnavailable
from cx_client.core.event_stream import EventStreamReader
from cx_client.core.exchanges import Answer, NoAnswer, Query, Request
from cx_client.core.retries import retry_after_of
from cx_events.json_types import Json

_RECONNECT_SECONDS = 1.0
"""Until a stream has said how long to wait (``retry``)."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """``name``: ``context``, ``moved``, ``assignment``, ... ``id``: give it as ``last_event_id`` to go on after this
    event, in another process or on another day; empty where none was told yet."""

    name: str
    data: Json
    id: str = ""


@dataclass(slots=True)
class Following:
    """The state of following one stream. A driver connects by ``request``, hands on what comes, and waits as told.

    ``since``: the version that was read before; the stream begins with it or a newer one. ``heartbeats``: tell of them.
    """

    path: str
    query: Query
    patience: Patience
    since: int | None = None
    last_event_id: str = ""
    failures: int = 0
    waited: float = 0.0
    troubled: bool = False
    heartbeats: bool = False
    _reader: EventStreamReader | None = None
    _retry: float = _RECONNECT_SECONDS

    def request(self) -> Request:
        """Return the request of the next connection."""
        headers = {"accept": "text/event-stream", "accept-encoding": "identity", "cache-control": "no-store"}
        if self.last_event_id:
            return Request("GET", self.path, self.query, {**headers, "last-event-id": self.last_event_id})
        since: Query = (("from", str(self.since)),) if self.since is not None else ()
        return Request("GET", self.path, (*self.query, *since), headers)

    def begin(self, answer: Answer) -> float | None:
        """Take the head of an answer. Return None if the stream has begun, else the seconds until the next attempt.

        ``answer.content``: all of it, unless the status is 200. Raises ``HubRefused`` where it is no use to go on, and
        ``HubUnavailable`` where patience is at an end.
        """
        if answer.status == 200:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                self._reader = EventStreamReader(self.last_event_id)
                return None
            return self._failed(NoAnswer("the answer is no stream: something else answers at this URL"))
        error = error_of(answer)
        if isinstance(error, HubRefused):
            if error.reason == "version-ahead" and self.since is not None:
                self.since = None  # the store was restored: begin anew with what it holds
                return 0.0
            raise error
        return self._failed(answer)

    def heard(self, content: bytes) -> list[StreamEvent]:
        """Return the events that these bytes complete. Raises ``HubUnavailable`` for what no hub says."""
        assert self._reader is not None
        self.failures, self.waited, self.troubled = 0, 0.0, False
        try:
            found = [
                StreamEvent(block.name, msgspec.json.decode(block.data, type=Json), block.id)
                for block in self._reader.read(content)
                if self.heartbeats or block.name != "heartbeat"
            ]
        except ValueError as error:
            raise HubUnavailable("not-a-hub", f"the stream tells no JSON objects: {error}") from None
        if self._reader.retry is not None:
            self._retry = self._reader.retry / 1000
        self.last_event_id = self._reader.last_id
        return found

    def ended(self, why: str = "") -> float:
        """Return the seconds to wait before the next connection. ``why``: empty where the hub ended the stream."""
        self._reader = None
        if not why and not self.failures:
            self.failures = 1  # one that ends at once, again and again, is a failure
            return self._retry * (0.5 + 0.5 * self.patience.chance())
        return self._failed(NoAnswer(why or "the stream ended before it told anything"))

    def _failed(self, reply: Answer | NoAnswer) -> float:
        self.failures += 1
        self.troubled = True
        asked = retry_after_of(reply.headers) if isinstance(reply, Answer) else None
        seconds = self.patience.retry.pause(self.failures, self.waited, asked, self.patience.chance)
        if seconds is None:
            raise unavailable(reply)
        self.waited += seconds
        return seconds


def refusal_in(event: StreamEvent) -> HubRefused | None:
    """Return the error that an event ``refused`` tells, after which the stream ends; None for any other event."""
    if event.name != "refused":
        return None
    return HubRefused(str(event.data.get("reason", "")), str(event.data.get("detail", "")), 403, event.data)
