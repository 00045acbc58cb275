"""Say what runs here and where to go, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlsplit

from cx_events.json_types import Json
from cx_hub.pages.html import code, link, page
from cx_runtime.release import release
from cx_runtime.settings import Settings

_NAMES = {
    "sqlite": "SQLite",
    "sqlite+aiosqlite": "SQLite",
    "kafka": "Kafka",
    "postgresql+asyncpg": "PostgreSQL",
    "file": "folder",
}
_SERVICES = {
    "channels": "events, webhooks and the web chat in",
    "pollers": "what is fetched: mailboxes and vendors' streams",
    "projectors": "events into contexts",
    "api": "contexts out, and what people decide",
    "ops": "for operators: the log, dead letters, rebuilds",
    "desktop": "the pages, and signing in to them",
}
GUIDES = {
    "docs/integrating.md": "send events, read and follow contexts, generate a client",
    "docs/ai-agents.md": "tools for AI agents",
    "docs/operators.md": "run the hub",
    "docs/desk.md": "the agents' desktop",
}


@dataclass(frozen=True)
class Process:
    """A process, as its front page tells of it. ``environment``: what its log, store and blobs lie on. ``links``: what
    each of its addresses is, by path."""

    services: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    version: str = field(default_factory=release)

    def as_json(self) -> Json:
        return {
            "product": "throughline",
            "version": self.version,
            "services": list(self.services),
            "environment": dict(self.environment),
            "links": dict(self.links),
            "guides": dict(GUIDES),
        }


def environment_of(settings: Settings) -> dict[str, str]:
    """Return on what a hub keeps its things: products alone, no addresses."""
    urls = {
        "log": settings.resolved_log_url(),
        "store": settings.resolved_store_url(),
        "blobs": settings.resolved_blob_url(),
    }
    return {part: _NAMES.get(urlsplit(url).scheme, "other") for part, url in urls.items()}


def links_of(services: Iterable[str], *, with_metrics: bool) -> dict[str, str]:
    """Return what a process with these services serves beside its API."""
    links = {
        "/docs": "the API, to read",
        "/openapi.json": "the API, for generators of clients",
        "/healthz": "whether this process lives",
        "/readyz": "whether it does its work",
    }
    if with_metrics:
        links["/metrics"] = "measurements, for Prometheus; with a key of their own"
    if "api" in services:
        links["/mcp"] = "tools for AI agents (MCP); by POST"
    if "desktop" in services:
        links["/desk"] = "the agents' desktop"
        links["/console"] = "the operators' console"
    return links


def front_page(process: Process) -> bytes:
    """Return the page."""
    services = "".join(f"<li>{code(name)}: {escape(_SERVICES.get(name, ''))}</li>" for name in process.services)
    parts = "".join(f"<dt>{escape(part)}</dt><dd>{escape(name)}</dd>" for part, name in process.environment.items())
    links = "".join(f"<li>{link(path, code(path))}: {escape(text)}</li>" for path, text in process.links.items())
    guides = "".join(f"<li>{code(name)}: {escape(text)}</li>" for name, text in GUIDES.items())
    version = f" {escape(process.version)}" if process.version else ""
    return page(
        "Throughline",
        f"<h1>Throughline{version}</h1><p>Events of all channels in, one context per customer out.</p>"
        f"<h2>What runs here</h2><ul>{services}</ul><dl>{parts}</dl>"
        f"<h2>Where to go</h2><ul>{links}</ul>"
        f"<p>The guides lie in the repository:</p><ul>{guides}</ul>",
    )
