"""Judge each connection: what its configuration lacks, what came last by it, and how its requests ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.catch_up.listing import listings
from cx_channels.configured_connections import configured_connections
from cx_channels.pollers.report import FAILED, read_report
from cx_channels.pollers.source import source_factories
from cx_channels.readiness import SetupProblem, setup_problems
from cx_channels.registry import providers
from cx_context.store.poller_rows import Standing
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_ops.connection_traffic import ConnectionTraffic
from cx_ops.http_routes.connection_routes import ConnectionFacts, ConnectionGap
from cx_runtime.tenants import Tenants

ERROR, WARNING, OK = "error", "warning", "ok"
_WELL = ("accepted", "ignored", "dead-letter")
"""Outcomes of requests that passed: of a genuine sender, whatever was made of them."""


def connection_state(
    tenant: str,
    id: str,
    provider: str,
    gaps: Iterable[SetupProblem],
    traffic: ConnectionTraffic | None,
    requests: Mapping[str, int] | None,
    poller: Standing | None = None,
    media: Standing | None = None,
) -> Json:
    """Return a connection's state with its problems. ``traffic``, ``requests``: None where nobody could tell.
    ``poller``: of one whose vendor we ask ourselves, as its row says; None for others, and where nobody could tell.
    ``media``: the worker's that fetches this connection's files, where any are fetched.
    """
    problems = [_problem(WARNING if each.works else ERROR, each.reason, each.detail) for each in gaps]
    if traffic is not None and traffic.is_failing and traffic.last_error is not None:
        failed = traffic.last_error
        detail = f"what came last could not be used: {failed['reason']}: {failed['detail']}; cx dlq show {failed['id']}"
        problems.append(_problem(ERROR, "latest-failed", detail))
    if requests is not None:
        problems += _of_requests(requests)
    if poller is not None:
        problems += _of_poller(poller)
    if media is not None:
        problems += _of_media(media)
    levels = {each["level"] for each in problems}
    return {
        "tenant": tenant,
        "connection": id,
        "provider": provider,
        "state": ERROR if ERROR in levels else WARNING if WARNING in levels else OK,
        "problems": problems,
        "last_event": traffic.last_event if traffic is not None else None,
        "last_error": traffic.last_error if traffic is not None else None,
        "requests": requests,
        "poller": _shown(poller) if poller is not None else None,
    }


def connection_facts(tenants: Tenants, public_url: str) -> ConnectionFacts:
    """Return what the adapters know of the connections. Raises ``Mistakes``."""
    configured = configured_connections(tenants, providers())
    gaps = {
        id: [
            ConnectionGap(each.reason, each.detail, each.works)
            for each in setup_problems(connection, provider, public_url)
        ]
        for id, (connection, provider) in configured.items()
    }
    sources = polled_providers()
    polled = frozenset(
        id
        for id, (connection, provider) in configured.items()
        if provider.name in sources and provider.asks(connection)
    )
    return ConnectionFacts(gaps, polled, shown_poller)


def polled_providers() -> frozenset[str]:
    """Return the names of the providers whose vendors pollers ask, be it for what webhooks missed."""
    return frozenset({*source_factories(), *listings()})


def shown_poller(poller: Standing) -> Json:
    """Return a poller's state with what is wrong with it, None where nothing is."""
    return {**_shown(poller), "problem": next(iter(_of_poller(poller)), None)}


def _of_poller(poller: Standing) -> list[Json]:
    report = read_report(poller.report)
    if not poller.owner:
        return [_problem(ERROR, "not-polled", "no process fetches what is there: start cx run pollers, or cx up")]
    if report.state in FAILED:
        level = WARNING if report.state == "retrying" else ERROR
        return [_problem(level, f"poller-{report.state}", f"{report.reason}: {report.detail}")]
    if report.state == "waiting":
        return [_problem(WARNING, "poller-waiting", f"what came can't be stored: {report.reason}: {report.detail}")]
    return []


def _of_media(media: Standing) -> list[Json]:
    report = read_report(media.report)
    if not media.owner:
        return [_problem(WARNING, "media-not-fetched", "no process fetches files: start cx run pollers, or cx up")]
    if report.state in FAILED:
        return [_problem(WARNING, f"media-{report.state}", f"{report.reason}: {report.detail}")]
    return []


def _shown(poller: Standing) -> Json:
    """Return a poller's state for people; times are RFC 3339, None for never."""
    report = read_report(poller.report)
    return {
        "owner": poller.owner,
        "state": report.state if poller.owner else "not running",
        "since": _time(report.since),
        "heard_at": _time(report.heard_at),
        "came_at": _time(report.came_at),
        "accepted": report.accepted,
        "lag_seconds": report.lag,
        "last_failure": {"time": _time(report.failed_at), "reason": report.reason, "detail": report.detail}
        if report.failed_at
        else None,
    }


def _time(seconds: float) -> str | None:
    return format_time(int(seconds * 1_000_000)) if seconds else None


def _of_requests(requests: Mapping[str, int]) -> list[Json]:
    refused = requests.get("refused", 0)
    if not refused:
        return []
    passed = sum(requests.get(outcome, 0) for outcome in _WELL)
    if passed:
        return [_problem(WARNING, "some-refused", f"{refused} requests were refused, {passed} passed")]
    detail = (
        f"all {refused} requests since the hub began were refused: is the secret the one of the provider's account?"
    )
    return [_problem(ERROR, "all-refused", detail)]


def _problem(level: str, reason: str, detail: str) -> Json:
    return {"level": level, "reason": reason, "detail": detail}
