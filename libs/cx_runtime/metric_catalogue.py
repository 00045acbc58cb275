"""List all metrics: name, type, labels, unit and meaning, and the process that reports each.

``cx_runtime.metrics`` makes the metrics from it, ``python -m cx_hub.generated_docs`` the page ``docs/metrics.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]

SHORT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of every histogram, in seconds."""

ALL = "every process"
CHANNELS = "channels"
PROJECTORS = "projectors"
API = "api"
OPS = "ops"
POLLERS = "pollers"
WRITERS = "channels, pollers, api, ops"
INTAKE = "channels, pollers"


class MetricSpec(NamedTuple):
    """One metric. ``name``: as Prometheus shows it; a histogram's without ``_bucket``, ``_sum`` and ``_count``.

    ``process``: the services that report it. ``measured``: the value is absent while nobody measures it.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    process: str
    meaning: str
    measured: bool = False


_INTAKE = (
    MetricSpec(
        "cx_intake_requests_total",
        "counter",
        "requests",
        ("provider", "connection", "outcome"),
        INTAKE,
        "webhooks, mails, chat messages and what pollers fetched, by connection, and requests of clients (provider"
        " `client`, no connection), by outcome: `accepted` (in part, too), `ignored` (nothing in it is wanted),"
        " `dead-letter` (some of it can't be mapped), `refused`, `unavailable` (told to come again)",
    ),
    MetricSpec(
        "cx_intake_events_total",
        "counter",
        "events",
        ("provider", "type"),
        WRITERS,
        "events that are durable; `type` is a known one, or `other`",
    ),
    MetricSpec(
        "cx_intake_refused_total",
        "counter",
        "requests or events",
        ("provider", "reason"),
        "channels, api",
        "requests and events refused; `provider` is `continue` for codes and tokens, `smtp` for mail before its"
        " recipient is known",
    ),
    MetricSpec(
        "cx_intake_ignored_total",
        "counter",
        "notices",
        ("provider", "kind"),
        INTAKE,
        "notices of providers that are left out on purpose",
    ),
    MetricSpec(
        "cx_log_append_seconds", "histogram", "seconds", (), WRITERS, "from the handover of an append to its durability"
    ),
    MetricSpec(
        "cx_keys_fetched_total",
        "counter",
        "documents",
        ("provider", "outcome"),
        CHANNELS,
        "attempts to fetch what vendors publish (keys, certificates, confirmations): `fetched`, or why not:"
        " `no-answer`, `no-connection`, `private-address`, `redirect`, `too-large`, `status-404` and the like,"
        " `no-such-document`",
    ),
    MetricSpec(
        "cx_keys_missing",
        "gauge",
        "documents",
        ("provider",),
        CHANNELS,
        "documents that connections need in any case and that are missing, or due to be fetched again",
        measured=True,
    ),
    MetricSpec("cx_smtp_bytes", "gauge", "bytes", (), CHANNELS, "bytes of mails under way"),
    MetricSpec("cx_chats_open", "gauge", "sockets", (), CHANNELS, "open sockets of the web chat"),
)
_HTTP = (
    MetricSpec(
        "cx_http_requests_total",
        "counter",
        "requests",
        ("route", "status"),
        ALL,
        "requests answered, by route and class of the status (`2xx`); `other` for paths that are no route",
    ),
    MetricSpec(
        "cx_http_request_seconds",
        "histogram",
        "seconds",
        ("route",),
        ALL,
        "from a request's first byte to the head of its answer; for a context with `at_least`, the wait is in it",
    ),
    MetricSpec(
        "cx_http_problems_total",
        "counter",
        "answers",
        ("status", "reason"),
        ALL,
        "problem documents sent; `too-many-...`, `log-too-slow` and `rate-limited` are bounds that were met",
    ),
    MetricSpec("cx_http_requests_open", "gauge", "requests", (), ALL, "requests under way"),
    MetricSpec("cx_http_request_bytes", "gauge", "bytes", (), ALL, "bytes of bodies under way"),
    MetricSpec("cx_streams_open", "gauge", "streams", (), API, "event streams under way: the followers"),
    MetricSpec(
        "cx_stream_frames_total",
        "counter",
        "frames",
        ("kind",),
        API,
        "states sent to followers (`state`), and followers cut off since they read nothing (`cut-off`)",
    ),
    MetricSpec(
        "cx_contexts_shown_total",
        "counter",
        "contexts",
        ("before_answer",),
        API,
        "contexts that desktops said are on screen; `before_answer`: the agent had said nothing yet",
    ),
)
_SESSIONS = (
    MetricSpec(
        "cx_sessions_total",
        "counter",
        "sessions",
        ("outcome",),
        "api, ops, desktop",
        "what became of sessions: `begun` by signing in, `ended` by signing out, `bad-key` and `too-many-attempts`"
        " where nobody was let in; and requests by a cookie that were refused: `session-over`, `cross-origin`,"
        " `bad-csrf-token`",
    ),
)
_PROJECTORS = (
    MetricSpec(
        "cx_projector_events_total",
        "counter",
        "events",
        ("outcome",),
        PROJECTORS,
        "events read from the log: `new`, `repeated` (known already), `conflicting` (a copy with other content)",
    ),
    MetricSpec("cx_projector_batch_seconds", "histogram", "seconds", (), PROJECTORS, "applying one batch, retries too"),
    MetricSpec(
        "cx_projector_lag_events",
        "gauge",
        "events",
        ("topic", "partition"),
        PROJECTORS,
        "records not applied yet; each projector process reports all partitions, so take the maximum",
        measured=True,
    ),
    MetricSpec(
        "cx_projector_lag_seconds",
        "gauge",
        "seconds",
        ("topic",),
        PROJECTORS,
        "age of the records that were applied last; 0 once nothing waits",
        measured=True,
    ),
    MetricSpec("cx_relay_notices_total", "counter", "notices", (), PROJECTORS, "change notifications published"),
    MetricSpec(
        "cx_relay_waiting",
        "gauge",
        "batches",
        (),
        PROJECTORS,
        "batches whose change notifications are not published yet",
        measured=True,
    ),
    MetricSpec(
        "cx_relay_lag_seconds",
        "gauge",
        "seconds",
        (),
        PROJECTORS,
        "since the relay last had published all that waited",
        measured=True,
    ),
    MetricSpec(
        "cx_lists_waiting",
        "gauge",
        "customers and events",
        (),
        PROJECTORS,
        "what lists and search don't show yet, as far as it was read; told by the process that keeps them",
        measured=True,
    ),
    MetricSpec(
        "cx_lists_lag_seconds",
        "gauge",
        "seconds",
        (),
        PROJECTORS,
        "age of the oldest change that lists and search don't show",
        measured=True,
    ),
    MetricSpec(
        "cx_lists_written_total", "counter", "customers and events", ("tenant",), PROJECTORS, "written to lists, search"
    ),
    MetricSpec(
        "cx_lists_failures_total",
        "counter",
        "customers and events",
        ("tenant",),
        PROJECTORS,
        "left out of lists and search, since their rows could not be made; the log names them",
    ),
    MetricSpec(
        "cx_waits_over_bound",
        "gauge",
        "waits",
        ("tenant", "queue"),
        PROJECTORS,
        "customers who wait for longer than `answer_within` of their queue; told by the process that watches it",
        measured=True,
    ),
    MetricSpec(
        "cx_overdue_waits_total",
        "counter",
        "waits",
        ("tenant", "queue"),
        PROJECTORS,
        "waits that were found to be longer than `answer_within` of their queue, each once",
    ),
)
_SUBSCRIPTIONS = (
    MetricSpec(
        "cx_subscription_delivered_total",
        "counter",
        "messages",
        ("tenant", "subscription"),
        OPS,
        "messages that a subscription's receiver took",
    ),
    MetricSpec(
        "cx_subscription_failures_total",
        "counter",
        "attempts",
        ("tenant", "subscription", "reason"),
        OPS,
        "attempts that did not deliver: `status-500` and the like, `redirect`, `no-answer`, `no-connection`,"
        " `private-address`, `gone`",
    ),
    MetricSpec(
        "cx_subscription_waiting_keys",
        "gauge",
        "keys",
        ("tenant", "subscription"),
        OPS,
        "customers' streams whose messages wait to be tried again; absent while nobody works on the subscription",
        measured=True,
    ),
    MetricSpec(
        "cx_subscription_oldest_seconds",
        "gauge",
        "seconds",
        ("tenant", "subscription"),
        OPS,
        "since the first attempt of the message that has been tried for the longest; 0 while none waits",
        measured=True,
    ),
)
_POLLERS = (
    MetricSpec(
        "cx_poller_connected",
        "gauge",
        "0 or 1",
        ("connection",),
        POLLERS,
        "1 while the poller or stream of a connection is connected and what comes is stored; told by the process that"
        " runs it, absent where none does",
        measured=True,
    ),
    MetricSpec(
        "cx_poller_lag_seconds",
        "gauge",
        "seconds",
        ("connection",),
        POLLERS,
        "for which the latest message had waited at the vendor; 0 once nothing waits there",
        measured=True,
    ),
    MetricSpec(
        "cx_poller_failures_total",
        "counter",
        "failures",
        ("connection", "reason"),
        POLLERS,
        "times that a poller or stream had to begin anew: `disconnected`, `no-answer`, `no-connection`, a refusal such"
        " as `login-refused`, `throttled`, `fault`; and `gap`: its vendor no longer had something",
    ),
)
_MEDIA = (
    MetricSpec(
        "cx_media_files_total",
        "counter",
        "files",
        ("connection", "outcome"),
        POLLERS,
        "files of vendors by outcome: `stored`, `retried`, `given-up`, `left` (too many wait: see `cx media fetch`)",
    ),
    MetricSpec("cx_media_waiting", "gauge", "files", ("connection",), POLLERS, "files still to be fetched", True),
)
_OPERATION = (
    MetricSpec("cx_build_info", "gauge", "1", ("version",), ALL, "always 1; the release that runs"),
    MetricSpec("cx_ready", "gauge", "0 or 1", (), ALL, "1 while `/readyz` holds, as asked at the scrape"),
    MetricSpec(
        "cx_part_up",
        "gauge",
        "0 or 1",
        ("part",),
        ALL,
        "1 while a part that this process needs answers, as asked at the scrape: `log`, `store`, `disk`, `mapping`,"
        " `mail`",
    ),
    MetricSpec(
        "cx_progress_age_seconds",
        "gauge",
        "seconds",
        ("worker",),
        ALL,
        "since a worker's last progress; absent while it is not at work",
        measured=True,
    ),
    MetricSpec(
        "cx_cache_bytes",
        "gauge",
        "bytes",
        ("cache",),
        "projectors, api",
        "about how much memory is taken by what is kept at hand: `bodies` of contexts (160 MiB at most), the `pieces`"
        " that they are made of (256), a projector's `parts` (320 of each worker)",
    ),
    MetricSpec(
        "cx_unavailable_total", "counter", "answers", ("part",), ALL, "requests that were told that a part is away"
    ),
    MetricSpec(
        "cx_retries_total",
        "counter",
        "retries",
        ("what",),
        ALL,
        "work begun again: `task` (one that ended by a fault), `fenced` (partitions taken over), `failed` (a batch with"
        " an unexpected error), or the part that was away",
    ),
    MetricSpec(
        "cx_dead_letters_total",
        "counter",
        "dead letters",
        ("stage", "reason"),
        "channels, pollers, projectors",
        "dead letters written; `stage`: `map` (at intake), `decode`, `fold` or `conflict` (in the projectors)",
    ),
    MetricSpec("process_cpu_seconds_total", "counter", "seconds", (), ALL, "processor time used (Linux)"),
    MetricSpec("process_resident_memory_bytes", "gauge", "bytes", (), ALL, "memory in use (Linux)"),
    MetricSpec("process_virtual_memory_bytes", "gauge", "bytes", (), ALL, "address space in use (Linux)"),
    MetricSpec("process_open_fds", "gauge", "files", (), ALL, "open files and sockets (Linux)"),
    MetricSpec("process_max_fds", "gauge", "files", (), ALL, "how many may be open (Linux)"),
    MetricSpec("process_start_time_seconds", "gauge", "seconds", (), ALL, "when it started, since 1970 (Linux)"),
)

GROUPS: Mapping[str, tuple[MetricSpec, ...]] = {
    "Intake": _INTAKE,
    "HTTP and followers": _HTTP,
    "Sessions": _SESSIONS,
    "Projectors": _PROJECTORS,
    "Subscriptions": _SUBSCRIPTIONS,
    "Pollers": _POLLERS,
    "Media": _MEDIA,
    "Operation": _OPERATION,
}
METRICS: Mapping[str, MetricSpec] = {each.name: each for group in GROUPS.values() for each in group}
