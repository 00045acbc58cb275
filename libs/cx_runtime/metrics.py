"""Measure the process for Prometheus. One ``Metrics`` is made at the start and handed on.

What each metric means stands in ``cx_runtime.metric_catalogue``. Names start with ``cx_``; durations are seconds. A
label whose values come from outside is bounded: after the first ``MOST_VALUES`` the rest count as ``other``, so that
nobody can fill a scraper's memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from cx_runtime.health import Health, Report
from cx_runtime.metric_catalogue import METRICS, SHORT_SECONDS
from cx_runtime.release import release

MOST_VALUES = 200
OTHER = "other"
STALE_SECONDS = 10.0

OUTCOMES = ("accepted", "ignored", "dead-letter", "refused", "unavailable")
"""How a request of a connection may end."""

SESSIONS = (
    "begun",
    "ended",
    "bad-key",
    "too-many-attempts",
    "session-over",
    "cross-origin",
    "bad-csrf-token",
)
"""What may become of a session, or of a request by its cookie."""

PROBED = ("log", "store", "disk", "mapping", "mail")
"""The parts that readiness asks (``Health.probe``)."""

_AGES = METRICS["cx_progress_age_seconds"]
_PARTS = ("log", "store", "blobs", "mapping")
_PROBLEMS = (
    *(("503", reason) for reason in ("try-later", "too-many-requests", "too-many-bytes", "too-many-connections")),
    *(("503", reason) for reason in ("too-many-appends", "log-too-slow", "not-ready")),
    ("429", "rate-limited"),
    ("500", "internal"),
)
_REFUSALS = ("bad-signature", "malformed", "too-large", "rate-limited")
_UNDELIVERED = ("no-answer", "no-connection", "private-address", "redirect", "status-500", "gone")
_KEY_OUTCOMES = ("fetched", "no-answer", "no-connection", "private-address", "no-such-document")
_UNPOLLED = ("disconnected", "no-answer", "no-connection", "login-refused", "throttled", "fault", "gap")
_MEDIA_OUTCOMES = ("stored", "retried", "given-up", "left")
_DEAD = (
    ("decode", "undecodable"),
    ("decode", "unknown-tenant"),
    ("map", "took-too-long"),
    ("map", "mapping-crashed"),
    ("map", "adapter-fault"),
    ("map", "no-adapter-yet"),
    ("map", "unknown-kind"),
    ("fold", "unfoldable"),
    ("fold", "not-applied"),
    ("conflict", "other-content"),
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
        self._kind, self._reason = Bounded(), Bounded()
        self._accepted = self._counter("cx_intake_events_total")
        self._accepted_by: dict[tuple[str, str], Counter] = {}
        self._requests = self._counter("cx_intake_requests_total")
        self._requests_by: dict[tuple[str, str, str], Counter] = {}
        self._refused = self._counter("cx_intake_refused_total")
        self._ignored = self._counter("cx_intake_ignored_total")
        self._shown = self._counter("cx_contexts_shown_total")
        self._dead = self._counter("cx_dead_letters_total")
        self._unavailable = self._counter("cx_unavailable_total")
        self._problems = self._counter("cx_http_problems_total")
        self._answers = self._counter("cx_http_requests_total")
        self._answer_seconds = self._histogram("cx_http_request_seconds")
        self._answers_by: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.append_seconds = self._histogram("cx_log_append_seconds")
        self.requests_open = self._gauge("cx_http_requests_open")
        self.request_bytes = self._gauge("cx_http_request_bytes")
        self.streams_open = self._gauge("cx_streams_open")
        self.stream_frames = self._counter("cx_stream_frames_total")
        self.sessions = self._counter("cx_sessions_total")
        self.cache_bytes = self._gauge("cx_cache_bytes")
        self.mail_bytes = self._gauge("cx_smtp_bytes")
        self.chats_open = self._gauge("cx_chats_open")

        self._begin_projecting()
        self._keys_fetched = self._counter("cx_keys_fetched_total")
        self.keys_missing = self._fresh("cx_keys_missing")
        self.subscription_delivered = self._counter("cx_subscription_delivered_total")
        self.subscription_failures = self._counter("cx_subscription_failures_total")
        self.subscription_waiting = self._fresh("cx_subscription_waiting_keys")
        self.subscription_oldest = self._fresh("cx_subscription_oldest_seconds")
        self.poller_connected = self._fresh("cx_poller_connected")
        self.poller_lag = self._fresh("cx_poller_lag_seconds")
        self.poller_failures = self._counter("cx_poller_failures_total")
        self.media_waiting = self._fresh("cx_media_waiting")
        self._media_files = self._counter("cx_media_files_total")
        self._begin_at_zero()
        ProcessCollector(registry=self.registry)

    def _begin_projecting(self) -> None:
        self.batch_seconds = self._histogram("cx_projector_batch_seconds")
        self.batch_events = self._counter("cx_projector_events_total")
        self.lag_events = self._fresh("cx_projector_lag_events")
        self.lag_seconds = self._fresh("cx_projector_lag_seconds")
        self.retries = self._counter("cx_retries_total")
        self.relayed = self._counter("cx_relay_notices_total")
        self.relay_waiting = self._fresh("cx_relay_waiting")
        self.relay_lag = self._fresh("cx_relay_lag_seconds")
        self.lists_waiting = self._fresh("cx_lists_waiting")
        self.lists_lag = self._fresh("cx_lists_lag_seconds")
        self.lists_written = self._counter("cx_lists_written_total")
        self.lists_failures = self._counter("cx_lists_failures_total")
        self.waits_over = self._fresh("cx_waits_over_bound")
        self.overdue_waits = self._counter("cx_overdue_waits_total")

    def _counter(self, name: str) -> Counter:
        spec = METRICS[name]
        return Counter(name, spec.meaning, spec.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        spec = METRICS[name]
        return Gauge(name, spec.meaning, spec.labels, registry=self.registry)

    def _fresh(self, name: str) -> FreshGauge:
        spec = METRICS[name]
        gauge = FreshGauge(name, spec.meaning, *spec.labels)
        self.registry.register(gauge)
        return gauge

    def _histogram(self, name: str) -> Histogram:
        spec = METRICS[name]
        return Histogram(name, spec.meaning, spec.labels, registry=self.registry, buckets=SHORT_SECONDS)

    def _begin_at_zero(self) -> None:
        """Counters with the labels that are known beforehand: an alert on a rise sees the first one, too."""
        self._gauge("cx_build_info").labels(release() or "unknown").set(1)
        for what in ("task", "fenced", "failed", *_PARTS):
            self.retries.labels(what)
        for part in _PARTS:
            self._unavailable.labels(part)
        for outcome in ("new", "repeated", "conflicting"):
            self.batch_events.labels(outcome)
        for kind in ("state", "cut-off"):
            self.stream_frames.labels(kind)
        for outcome in SESSIONS:
            self.sessions.labels(outcome)
        for before_answer in ("true", "false"):
            self._shown.labels(before_answer)
        for status, reason in _PROBLEMS:
            self._problems.labels(status, self._reason(reason))
        for stage, reason in _DEAD:
            self._dead.labels(stage, self._reason(reason))

    def begin_connection(self, provider: str, connection: str) -> None:
        """Count a connection's requests from now on, at zero. ``connection`` is empty for ``client``."""
        for outcome in OUTCOMES:
            self._requests.labels(provider, connection, outcome)

    def request(self, provider: str, connection: str, outcome: str) -> None:
        """Count one request, mail or message. ``connection``: a configured one. ``outcome``: one of ``OUTCOMES``."""
        counter = self._requests_by.get((provider, connection, outcome))
        if counter is None:
            counter = self._requests.labels(provider, connection, outcome)
            self._requests_by[provider, connection, outcome] = counter
        counter.inc()

    def begin_route(self, route: str) -> None:
        """Count a route's answers from now on, at zero."""
        for status in ("2xx", "4xx", "5xx"):
            self._answers.labels(route, status)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer. ``route``: a path with its parameters' names, or ``other``. ``seconds``: until its head."""
        found = self._answers_by.get((route, status))
        if found is None:
            labelled = self._answers.labels(route, f"{status // 100}xx"), self._answer_seconds.labels(route)
            found = self._answers_by[route, status] = labelled
        found[0].inc()
        found[1].observe(seconds)

    def begin_provider(self, provider: str, ignored: Iterable[str] = ()) -> None:
        """Counters of a provider that this process serves, or of ``client``, from now on. ``ignored``: the kinds of
        notices that it leaves out."""
        self._accepted.labels(provider, OTHER)
        self.begin_refusals(provider, *_REFUSALS)
        for kind in ignored:
            self._ignored.labels(provider, self._kind(kind))

    def begin_subscription(self, tenant: str, subscription: str) -> None:
        """Count what a subscription's receiver takes and refuses from now on, at zero."""
        self.subscription_delivered.labels(tenant, subscription)
        for reason in _UNDELIVERED:
            self.subscription_failures.labels(tenant, subscription, reason)

    def begin_keys(self, provider: str) -> None:
        """Count what is fetched of a vendor's published keys from now on, at zero."""
        for outcome in _KEY_OUTCOMES:
            self._keys_fetched.labels(provider, self._reason(outcome))

    def keys_fetched(self, provider: str, outcome: str) -> None:
        """Count one attempt to fetch a document. ``outcome``: ``fetched``, or why not."""
        self._keys_fetched.labels(provider, self._reason(outcome)).inc()

    def begin_poller(self, connection: str) -> None:
        """Count the failures of a connection's poller from now on, at zero."""
        for reason in _UNPOLLED:
            self.poller_failures.labels(connection, reason)

    def begin_media(self, connection: str) -> None:
        """Count what becomes of a connection's files from now on, at zero."""
        for outcome in _MEDIA_OUTCOMES:
            self._media_files.labels(connection, outcome)

    def media_file(self, connection: str, outcome: str) -> None:
        """Count what became of a file: ``stored``, ``retried``, ``given-up`` or ``left``."""
        self._media_files.labels(connection, outcome).inc()

    def begin_refusals(self, provider: str, *reasons: str) -> None:
        """Count refusals that no provider's name stands for, such as ``smtp`` and ``continue``, at zero."""
        for reason in reasons:
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

    def render(self, report: Report | None = None) -> tuple[bytes, str]:
        """Return the exposition and its content type. ``report``: the readiness at this moment, told with it."""
        content = generate_latest(self.registry)
        if report is not None:
            content += generate_latest(_readiness(report))
        return content, CONTENT_TYPE_PLAIN_0_0_4


def _readiness(report: Report) -> CollectorRegistry:
    """Return whether the process is ready, and its parts up, as metrics of a moment."""
    registry = CollectorRegistry()
    Gauge("cx_ready", METRICS["cx_ready"].meaning, registry=registry).set(report.ok)
    parts = Gauge("cx_part_up", METRICS["cx_part_up"].meaning, ("part",), registry=registry)
    for name, part in report.parts.items():
        if part.age is None and name in PROBED:
            parts.labels(name).set(part.ok)
    return registry


class _ProgressAges(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[GaugeMetricFamily]:
        ages = GaugeMetricFamily(_AGES.name, _AGES.meaning, labels=_AGES.labels)
        for name, age in self._health.ages().items():
            ages.add_metric([name], age)
        yield ages
