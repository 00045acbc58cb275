"""What is counted and measured, as Prometheus reads it. One ``Metrics`` per process, made at its start and handed on.

Names start with ``cx_``; durations are seconds. A label whose values come from outside is bounded: after the first
``MOST_VALUES`` the rest count as ``other``, so that nobody can fill a scraper's memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from cx_runtime.health import Health

MOST_VALUES = 200
OTHER = "other"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Bounded:
    """Label values from outside, of which only the first ``MOST_VALUES`` are told apart."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._seen:
            if len(self._seen) >= self._most:
                return OTHER
            self._seen.add(value)
        return value


class Metrics:
    """All measures of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._kind = Bounded()
        self._reason = Bounded()

        self._accepted = self._counter("cx_intake_events", "events that are durable", "provider", "type")
        self._accepted_by: dict[tuple[str, str], Counter] = {}
        self._refused = self._counter("cx_intake_refused", "requests and events refused", "provider", "reason")
        self._ignored = self._counter("cx_intake_ignored", "notices left out on purpose", "provider", "kind")
        self._dead = self._counter("cx_dead_letters", "dead letters written", "stage", "reason")
        self._unavailable = self._counter("cx_unavailable", "answers that a part was not there", "part")
        self._problems = self._counter("cx_http_problems", "problem documents sent", "status", "reason")
        self.append_seconds = self._histogram("cx_log_append_seconds", "from hand-over to durable")
        self.requests_open = Gauge("cx_http_requests_open", "requests under way", registry=self.registry)
        self.request_bytes = Gauge("cx_http_request_bytes", "bytes of bodies under way", registry=self.registry)
        self.mail_bytes = Gauge("cx_smtp_bytes", "bytes of mails under way", registry=self.registry)
        self.chats_open = Gauge("cx_chats_open", "open chat sockets", registry=self.registry)

        self.batch_seconds = self._histogram("cx_projector_batch_seconds", "one transaction of a projector")
        self.batch_events = self._counter("cx_projector_events", "events applied", "outcome")
        self.lag_events = self._gauge("cx_projector_lag_events", "events not yet applied", "topic", "partition")
        self.lag_seconds = self._gauge("cx_projector_lag_seconds", "age of the first event not yet applied", "topic")
        self.retries = self._counter("cx_retries", "work begun again after a conflict or a fault", "what")
        self.relayed = self._counter("cx_relay_notices", "change notices relayed from the outbox")
        self.relay_waiting = Gauge("cx_relay_waiting", "change notices not yet relayed", registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, registry=self.registry, buckets=_SECONDS)

    def accepted(self, provider: str, type: str, count: int = 1) -> None:
        """``provider``: ``client`` for events that clients send. ``type``: a known one, or ``other``."""
        # To find a counter by its labels takes longer than to count.
        counter = self._accepted_by.get((provider, type))
        if counter is None:
            counter = self._accepted_by[provider, type] = self._accepted.labels(provider, type)
        counter.inc(count)

    def refused(self, provider: str, reason: str) -> None:
        self._refused.labels(provider, self._reason(reason)).inc()

    def ignored(self, provider: str, kind: str) -> None:
        self._ignored.labels(provider, self._kind(kind)).inc()

    def dead_letter(self, stage: str, reason: str) -> None:
        self._dead.labels(stage, self._reason(reason)).inc()

    def unavailable(self, part: str) -> None:
        self._unavailable.labels(part).inc()

    def problem(self, status: int, reason: str) -> None:
        self._problems.labels(str(status), self._reason(reason)).inc()

    def watch(self, health: Health) -> None:
        """Export the age of each worker's last progress."""
        self.registry.register(_ProgressAges(health))

    def render(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


class _ProgressAges(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[GaugeMetricFamily]:
        ages = GaugeMetricFamily("cx_progress_age_seconds", "since a worker's last progress", labels=["worker"])
        for name, age in self._health.ages().items():
            ages.add_metric([name], age)
        yield ages
