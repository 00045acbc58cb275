"""Send events from a thread of its own, so that who puts them does not wait for the network."""

from __future__ import annotations

import atexit
import logging
import random
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from cx_client.client import Client
from cx_client.core.backlog import Backlog, QueueLimits
from cx_client.core.batches import EncodedEvent
from cx_client.core.errors import HubUnavailable, NotDelivered, SendingRefused, SendingUnavailable
from cx_client.core.outcomes import Rejected
from cx_client.core.retries import FOR_EVER, Retry
from cx_client.stamping import stamped

CLOSE_SECONDS = 10.0
LOOK_SECONDS = 0.05
"""Between looks where a wait has an end."""

_log = logging.getLogger("cx_client")


class BackgroundSender:
    """Sends in batches, in order, for ever again while the hub does not answer. Threads may share it.

    with BackgroundSender(client) as sender:
        sender.put(event)

    Nothing is lost silently: ``put`` raises where there is no room, ``flush`` returns what the hub rejected, and
    ``close`` raises ``NotDelivered`` with all that is not known to be durable. Should the program end without
    ``close``, it is closed then, and what is left is logged as an error. What waits lies in memory alone: a process
    that is killed loses it. ``retry``: the distances at which sending is tried again; it is never given up.
    """

    def __init__(self, client: Client, limits: QueueLimits = QueueLimits(), retry: Retry = FOR_EVER) -> None:
        self._client = client
        self._retry = retry
        self._backlog = Backlog(limits)
        self._changed = threading.Condition()
        self._sending = threading.Thread(target=self._run, name="cx-client-sender", daemon=True)
        self._sending.start()
        atexit.register(self._close_at_exit)

    def put(self, event: Mapping[str, Any]) -> None:
        """Take an event; one without ``time`` gets the present, since it may be sent much later.

        Raises ``QueueFull``; ``Refused`` for what is no JSON, or what the hub refused all events for.
        """
        encoded = stamped(event)
        with self._changed:
            self._backlog.put(encoded)
            self._changed.notify_all()

    def flush(self, seconds: float | None = None) -> tuple[Rejected, ...]:
        """Wait until the hub has answered for all that was put, and return those that it rejected since the last call.

        Raises ``HubUnavailable`` after so many seconds (the events stay here and go on being sent), and what sending
        stopped by.
        """
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            number = self._backlog.put_so_far
            while not self._backlog.has_settled(number):
                if self._backlog.stopped_by is not None:
                    raise self._backlog.stopped_by
                if not self._wait(until):
                    raise HubUnavailable("not-flushed", f"events still wait after {seconds:g} s")
            return self._backlog.take_rejected()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send what waits, for so long at most, and stop. Raises ``NotDelivered`` unless all events are durable."""
        until = time.monotonic() + seconds
        with self._changed:
            self._backlog.closed = True
            self._changed.notify_all()
            while not self._backlog.is_idle and self._backlog.stopped_by is None:
                if not self._wait(until):
                    break
            error = self._backlog.end()
            self._changed.notify_all()
        atexit.unregister(self._close_at_exit)
        if error is not None:
            raise error

    def __enter__(self) -> BackgroundSender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, until: float | None) -> bool:
        """Let others have the lock, until something changes or for a moment; return False once ``until`` is past."""
        if until is None:
            self._changed.wait()
            return True
        left = until - time.monotonic()
        if left <= 0:
            return False
        self._changed.release()
        try:
            time.sleep(min(left, LOOK_SECONDS))
        finally:
            self._changed.acquire()
        return True

    def _close_at_exit(self) -> None:
        try:
            self.close()
        except NotDelivered as error:
            _log.error("the program ended without closing its sender: %s", error)

    def _run(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # a thread that ended silently would let everybody wait
            _log.exception("the sender has stopped")
            with self._changed:
                self._backlog.stop(HubUnavailable("sender-stopped", f"{type(error).__name__}: {error}"))
                self._changed.notify_all()

    def _send_all(self) -> None:
        failures = 0
        while (batch := self._next()) is not None:
            try:
                sent = self._client.run(self._client.operations.send_once(batch))
            except SendingUnavailable as error:
                failures += 1
                self._failed(error, failures)
            except SendingRefused as error:
                with self._changed:
                    self._backlog.fail(error)
                    self._changed.notify_all()
                return
            else:
                failures = 0
                with self._changed:
                    self._backlog.settle(sent)
                    self._changed.notify_all()

    def _next(self) -> tuple[EncodedEvent, ...] | None:
        """Return the next batch once there is one; None once the sender is closed and has nothing left."""
        with self._changed:
            while True:
                batch = self._backlog.begin()
                if batch:
                    return batch
                if self._backlog.closed:
                    return None
                self._changed.wait()

    def _failed(self, error: SendingUnavailable, failures: int) -> None:
        if failures == 1:
            _log.warning("events can't be sent now; trying again. %s", error)
        pause = self._retry.pause(failures, 0.0, error.asked, random.random) or self._retry.most
        until = time.monotonic() + pause
        with self._changed:
            self._backlog.fail(error)
            self._changed.notify_all()
            while not self._backlog.is_idle and self._wait(until):
                pass
