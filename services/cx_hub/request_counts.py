"""Read how requests of connections ended from the metrics of a running hub."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from cx_runtime.settings import Settings

SECONDS = 5.0
_COUNTER = "cx_intake_requests_total"

RequestCounts = Mapping[str, Mapping[str, int]]
"""By connection, how many requests ended in each outcome since the process began."""


async def read_request_counts(settings: Settings) -> RequestCounts | None:
    """Return the counts of the hub at CX_URL; None where it does not answer, or not to this key."""
    url, key = _door(settings)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False) as http:
            answer = await http.get(url, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
    return counts_in(answer.text) if answer.is_success else None


def counts_in(exposition: str) -> RequestCounts | None:
    """Return the counts in a text of Prometheus; None where it is none."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    try:
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                if sample.name == _COUNTER and sample.labels["connection"]:
                    counts[sample.labels["connection"]][sample.labels["outcome"]] = int(sample.value)
    except (ValueError, KeyError):
        return None
    return counts


def _door(settings: Settings) -> tuple[str, str]:
    """Return the address of /metrics and its key, which a port of its own does not need."""
    if settings.metrics_port:
        return f"http://{urlsplit(settings.url).hostname}:{settings.metrics_port}/metrics", settings.metrics_key
    kept = settings.home / "metrics-key"
    key = settings.metrics_key or (kept.read_text(encoding="ascii").strip() if kept.is_file() else "")
    return f"{settings.url.rstrip('/')}/metrics", key
