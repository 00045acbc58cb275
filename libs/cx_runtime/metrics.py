"""The process's metrics for Prometheus. One ``Metrics`` is made at the start and handed on.

Names start with ``cx_``; durations are seconds. A label whose values come from outside is bounded: after the first
``MOST_VALUES`` the rest count as ``other``, so that nobody can fill a scraper's memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from cx_runtime.health import Health

MOST_VALUES = 200
OTHER = "other"
STALE_SECONDS = 10.0
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_PARTS = ("log", "store", "blobs", "mapping")
_PROBLEMS = (
    *(("503", reason) for reason in ("try-later", "too-many-requests", "too-many-bytes", "too-many-connections")),
    *(("503", reason) for reason in ("too-many-appends", "log-too-slow", "not-ready")),
    ("429", "rate-limited"),
    ("500", "internal"),
)
_REFUSALS = ("bad-signature", "malformed", "too-large", "rate-limited")
_DEAD = (
    ("decode", "undecodable"),
    ("decode", "unknown-tenant"),
    ("map", "took-too-long"),
    ("map", "mapping-crashed"),
)


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


class FreshGauge(Collector):
    """A gauge whose values are absent once nobody has set them for ``STALE_SECONDS``: whoever measures may be gone, and
    a last value or a zero would be taken for the truth."""

    def __init__(self, name: str, text: str, *labels: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._clock = clock
        self._values: dict[tuple[str, ...], tuple[float, float]] = {}

    def set(self, value: float, *labels: str) -> None:
        self._values[labels] = value, self._clock()

    def clear(self) -> None:
        """Whoever measured is over."""
        self._values.clear()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        now = self._clock()
        for labels, (value, at) in list(self._values.items()):
            if now - at < STALE_SECONDS:
                family.add_metric(labels, value)
        yield family


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
        self._shown = self._counter("cx_contexts_shown", "contexts that desktops said are on screen", "before_answer")
        self._dead = self._counter("cx_dead_letters", "dead letters written", "stage", "reason")
        self._unavailable = self._counter("cx_unavailable", "answers that a part was not there", "part")
        self._problems = self._counter("cx_http_problems", "problem documents sent", "status", "reason")
        self.append_seconds = self._histogram("cx_log_append_seconds", "from hand-over to durable")
        self.requests_open = Gauge("cx_http_requests_open", "requests under way", registry=self.registry)
        self.request_bytes = Gauge("cx_http_request_bytes", "bytes of bodies under way", registry=self.registry)
        self.streams_open = Gauge("cx_streams_open", "event streams under way", registry=self.registry)
        self.stream_frames = self._counter("cx_stream_frames", "states sent to followers", "kind")
        self.mail_bytes = Gauge("cx_smtp_bytes", "bytes of mails under way", registry=self.registry)
        self.chats_open = Gauge("cx_chats_open", "open chat sockets", registry=self.registry)

        self.batch_seconds = self._histogram("cx_projector_batch_seconds", "one transaction of a projector")
        self.batch_events = self._counter("cx_projector_events", "events applied", "outcome")
        self.lag_events = self._fresh("cx_projector_lag_events", "events not yet applied", "topic", "partition")
        self.lag_seconds = self._fresh("cx_projector_lag_seconds", "age of the first event not yet applied", "topic")
        self.retries = self._counter("cx_retries", "work begun again after a conflict or a fault", "what")
        self.relayed = self._counter("cx_relay_notices", "change notices relayed from the outbox")
        self.relay_waiting = self._fresh("cx_relay_waiting", "change notices not yet relayed")
        self._begin_at_zero()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _fresh(self, name: str, text: str, *labels: str) -> FreshGauge:
        gauge = FreshGauge(name, text, *labels)
        self.registry.register(gauge)
        return gauge

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, registry=self.registry, buckets=_SECONDS)

    def _begin_at_zero(self) -> None:
        """Counters with the labels that are known beforehand: an alert on a rise sees the first one, too."""
        for what in ("task", "fenced", "failed", *_PARTS):
            self.retries.labels(what)
        for part in _PARTS:
            self._unavailable.labels(part)
        for outcome in ("new", "repeated", "conflicting"):
            self.batch_events.labels(outcome)
        for kind in ("state", "cut-off"):
            self.stream_frames.labels(kind)
        for before_answer in ("true", "false"):
            self._shown.labels(before_answer)
        for status, reason in _PROBLEMS:
            self._problems.labels(status, self._reason(reason))
        for stage, reason in _DEAD:
            self._dead.labels(stage, self._reason(reason))

    def begin_provider(self, provider: str) -> None:
        """Counters of a provider that this process serves, or of ``client``, from now on."""
        self._accepted.labels(provider, OTHER)
        for reason in _REFUSALS:
            self._refused.labels(provider, self._reason(reason))

    def lag_gone(self) -> None:
        """A projector that reported lag is over. Another one in this process tells it again in a moment."""
        self.lag_events.clear()
        self.lag_seconds.clear()

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

    def context_shown(self, *, before_answer: bool) -> None:
        """``before_answer``: the agent had said nothing yet, as far as is known when the desktop tells."""
        self._shown.labels(str(before_answer).lower()).inc()

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
