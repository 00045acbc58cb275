"""Serve the pages: a small document for each, and the files that it names.

    GET /desk, /desk/REST         the agents' desktop; REST says whom it opens
    GET /console, /console/REST   the operators' console
    GET /assets/VERSION/PATH      a file, for good

A document holds who is signed in and, at an address of a customer, the first answer of the API. Nothing else of it
depends on who asks. Whoever is not signed in gets the same document without these, and its script asks for a key.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cx_desktop.assets import Assets
from cx_desktop.first_reads import Answer, context_path, is_told, read
from cx_desktop.me import Environment, chats_of, me
from cx_desktop.page_headers import PageHeaders
from cx_events.directory import Directory
from cx_events.errors import Refused
from cx_runtime.content_codings import takes_gzip
from cx_runtime.sessions.sealing import Session
from cx_runtime.sessions.session_auth import SessionAuth, cookie_of
from cx_runtime.tenants import Tenants

ASSET_PATH = "/assets/{version}/{path:path}"

_FOR_GOOD = "public, max-age=31536000, immutable"
_NAVIGATIONS = frozenset({"document", "iframe", "frame"})
"""``Sec-Fetch-Dest`` of what a person looks at, in a window or in a frame that ``frame-ancestors`` allows."""


class PageKind(NamedTuple):
    """A page. ``styles`` and ``script``: paths of files. ``later``: a module that ``script`` imports once it has shown
    what came with the page; empty where it imports all at once."""

    path: str
    title: str
    styles: tuple[str, ...]
    script: str
    later: str = ""


PAGES = (
    PageKind(
        "/desk",
        "Desk",
        ("kit/tokens.css", "kit/kit.css", "desk/desk.css", "desk/acts/acts.css"),
        "desk/main.js",
        later="desk/desk.js",
    ),
    PageKind("/console", "Console", ("kit/tokens.css", "kit/kit.css", "console/console.css"), "console/main.js"),
)


class PageRoutes:
    """Handles requests for the pages and their files. ``clock``: seconds since 1970."""

    def __init__(
        self,
        auth: SessionAuth,
        headers: PageHeaders,
        environment: Environment,
        assets: Assets,
        directories: Mapping[str, Directory],
        tenants: Tenants,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._auth = auth
        self._headers = headers
        self._environment = environment
        self._assets = assets
        self._directories = directories
        self._tenants = tenants
        self._clock = clock
        self._heads = {page.path: _head(page, assets) for page in PAGES}

    def all(self, app: ASGIApp) -> list[Route]:
        """Return all routes. ``app``: answers for the API, where this process serves it."""
        routes = [Route(ASSET_PATH, self.asset, methods=["GET"])]
        for page in PAGES:
            endpoint = self._page(page, app)
            routes += [Route(page.path, endpoint, methods=["GET"]), Route(page.path + "/{rest:path}", endpoint)]
        return routes

    def _page(self, page: PageKind, app: ASGIApp) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            session = await self._session(request)
            first = await self._first(app, page, session, request) if session is not None else ""
            text = self._heads[page.path] + first + "</body></html>\n"
            headers = {**self._headers.of(session), "cache-control": "no-store"}
            return Response(text.encode(), headers=headers, media_type="text/html")

        return answer

    async def asset(self, request: Request) -> Response:
        """Answer with a file of this version."""
        asset = self._assets.by_path.get(request.path_params["path"])
        if asset is None or request.path_params["version"] != self._assets.version:
            raise Refused("unknown-file", "there is no such file in this version; load the page again", 404)
        headers = {
            "cache-control": _FOR_GOOD,
            "etag": asset.etag,
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
            "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
        }
        if request.headers.get("if-none-match") == asset.etag:
            return Response(status_code=304, headers=headers)
        content = asset.content
        if takes_gzip(request.headers.get("accept-encoding", "")):
            content, headers["content-encoding"] = asset.gzipped, "gzip"
        return Response(content, headers={**headers, "content-type": asset.media_type})

    async def _session(self, request: Request) -> Session | None:
        """Return the session of who opens a page; None for nobody, and for what is no navigation of a window.

        A link in another site's page may open a page signed in, as it only reads. What that site embeds as a script or
        fetches by itself is no navigation.
        """
        if request.headers.get("sec-fetch-dest", "document") not in _NAVIGATIONS:
            return None
        value = cookie_of(request.headers)
        session = self._auth.sealer.open(value, self._clock()) if value is not None else None
        return session if session is not None and await self._auth.holds(session) else None

    async def _first(self, app: ASGIApp, page: PageKind, session: Session, request: Request) -> str:
        told = me(
            session.tenant,
            session.key,
            self._environment,
            directory=self._directories[session.tenant],
            chats=chats_of(self._tenants.by_name[session.tenant]),
            session=session,
            csrf_token=self._auth.sealer.csrf_token(session),
        )
        parts = [_data("me", msgspec.json.encode(told))]
        waits = "at_least" in request.query_params  # the page asks by itself: its document is not held up for it
        path = context_path(request.path_params.get("rest", "")) if page.path == "/desk" and not waits else None
        answer = await read(app, session.key.secret, path) if path is not None else None
        if path is not None and answer is not None and is_told(answer):
            parts.append(_data("first", _enveloped(path, answer)))
        return "".join(parts)


def _head(page: PageKind, assets: Assets) -> str:
    modules = assets.modules_of(page.script)
    later = [each for each in assets.modules_of(page.later) if each not in modules] if page.later else []
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(page.title)}</title>",
        f'<link rel="icon" href="{assets.url("kit/icon.svg")}">',
        f'<script src="{assets.url("kit/early_theme.js")}"></script>',
        *(f'<link rel="stylesheet" href="{assets.url(each)}">' for each in page.styles),
        *(f'<link rel="modulepreload" href="{assets.url(each)}">' for each in modules),
        f'<script type="module" src="{assets.url(page.script)}"></script>',
        '</head><body><div id="app"></div><noscript>This page needs JavaScript.</noscript>',
    ]
    if later:
        lines.append(_data("later", msgspec.json.encode([assets.url(each) for each in later])))
    return "\n".join(lines)


def _enveloped(path: str, answer: Answer) -> bytes:
    """Return an answer and the request that it answers, as JSON."""
    return msgspec.json.encode({"path": path, "status": answer.status, "body": msgspec.Raw(answer.body)})


def _data(id: str, content: bytes) -> str:
    """Return JSON as an element that runs nothing. No character of it can end the element (HTML, section 4.12.1.3)."""
    text = content.decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="{id}">{text}</script>'
