"""Exchange the cookie of a request for the key that it stands for, inside of the process.

Whatever reads keys (scopes, rates, shares, assurance) then works for a session as for its key. A cookie counts for the
hub's API alone, from pages of the hub's own origin alone, and a request that changes something must bring the session's
CSRF token, too. A request with ``Authorization`` is not looked at: no other page can send one in somebody's name.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cx_events.errors import Refused, TryLater
from cx_runtime import problems
from cx_runtime.metrics import Metrics
from cx_runtime.sessions.same_origin import is_own_page
from cx_runtime.sessions.sealing import COOKIE, CSRF_HEADER, Session, SessionSealer

FRESH_SECONDS = 1.0
"""A session that was signed out at another process is refused here so much later, at most."""

SIGN_IN_PATH = "/v1/session"

_API = "/v1/"
_APART = ("/v1/hooks/", "/v1/chat/")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_STATE = "session"
_MOST_REMEMBERED = 10_000


class EndedSessions(Protocol):
    """The sessions that were signed out before they expired; every process of a hub sees the same."""

    async def end(self, session: Session) -> None:
        """End a session, durably. Raises ``TryLater``."""

    async def has_ended(self, session: Session) -> bool:
        """Return whether it was ended, by any process. Raises ``TryLater``."""


def session_of(state: MutableMapping[str, Any]) -> Session | None:
    """Return the session that a request came with, from its ``state``; None where it came with a key."""
    found: Session | None = state.get(_STATE)
    return found


def signed_in_agent(request: Request) -> str:
    """Return the directory's id of who signed in; empty where a key was sent, and where the session has no agent."""
    session = session_of(request.scope.get("state", {}))
    return session.agent if session is not None else ""


class SessionAuth:
    """Answers for the cookies of one process. ``clock``: seconds since 1970."""

    def __init__(
        self,
        sealer: SessionSealer,
        ended: EndedSessions,
        metrics: Metrics,
        public_url: str = "",
        clock: Callable[[], float] = time.time,
        stream_seconds: float = 15.0,
    ) -> None:
        """``stream_seconds``: how often it is asked whether the session of an open stream still holds."""
        self.sealer = sealer
        self.public_url = public_url
        self._ended = ended
        self._metrics = metrics
        self._clock = clock
        self._stream_seconds = stream_seconds
        self._seen: OrderedDict[str, float] = OrderedDict()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return ``app``, which sees the key of a session where a request came with its cookie."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if not _may_be_asked_by_cookie(scope):
                await app(scope, receive, send)
                return
            headers = Headers(scope=scope)
            if "authorization" in headers or (value := cookie_of(headers)) is None:
                await app(scope, receive, send)
                return
            try:
                session = await self.check(value, scope["method"], headers)
            except (Refused, TryLater) as error:
                await self._refuse(error, scope, receive, send)
                return
            scope.setdefault("state", {})[_STATE] = session
            named = (b"authorization", b"Bearer " + session.key.secret.encode("latin-1"))
            inner = {**scope, "headers": [*scope["headers"], named]}
            if not scope["path"].endswith("/stream"):
                await app(inner, receive, send)
                return
            watched = _Watched(self, session, receive, self._stream_seconds)
            await app(inner, watched.receive, send)
            if watched.is_over:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        return wrapped

    async def check(self, value: str, method: str, headers: Headers) -> Session:
        """Return the session that a request may be made in.

        Raises ``Refused``: ``session-over`` (401), ``cross-origin`` or ``bad-csrf-token`` (403); ``TryLater`` where
        nobody can tell whether it was ended.
        """
        session = self.sealer.open(value, self._clock())
        if session is None or await self._has_ended(session):
            raise Refused("session-over", "the session is over, or is none; sign in again", 401)
        if not is_own_page(headers, self.public_url):
            raise Refused("cross-origin", "a session's cookie counts for the hub's own pages alone", 403)
        if method not in _SAFE:
            given = headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), self.sealer.csrf_token(session).encode()):
                raise Refused("bad-csrf-token", f"send the session's token in {CSRF_HEADER}, as /v1/me tells it", 403)
        return session

    async def end(self, session: Session) -> None:
        """End a session. Raises ``TryLater`` where it can't be kept that it is over."""
        await self._ended.end(session)
        self._seen.pop(session.id, None)

    async def holds(self, session: Session) -> bool:
        """Return whether a session that was good is good still. Where nobody can tell, it is."""
        if session.expires <= self._clock():
            return False
        try:
            return not await self._has_ended(session)
        except TryLater:
            return True

    async def _has_ended(self, session: Session) -> bool:
        now = time.monotonic()
        seen = self._seen.get(session.id)
        if seen is not None and now - seen < FRESH_SECONDS:
            return False
        if await self._ended.has_ended(session):
            return True
        self._seen[session.id] = now
        self._seen.move_to_end(session.id)
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return False

    async def _refuse(self, error: Refused | TryLater, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(error, Refused):
            self._metrics.problem(error.status, error.reason)
            self._metrics.sessions.labels(error.reason).inc()
            response = problems.refused(error)
        else:
            self._metrics.unavailable(error.part)
            response = problems.try_later(error)
        await response(scope, receive, send)


class _Watched:
    """Ends a stream with its session, whose client is then gone as far as the stream can tell: whoever signed out must
    not be told on."""

    def __init__(self, auth: SessionAuth, session: Session, receive: Receive, seconds: float) -> None:
        self.is_over = False
        self._auth = auth
        self._session = session
        self._receive = receive
        self._seconds = seconds

    async def receive(self) -> Message:
        """Return the next message of the client, or the end of a session that holds no more."""
        coming = asyncio.ensure_future(self._receive())
        try:
            while not (await asyncio.wait({coming}, timeout=self._seconds))[0]:
                if not await self._auth.holds(self._session):
                    self.is_over = True
                    return {"type": "http.disconnect"}
            return coming.result()
        finally:
            coming.cancel()


def cookie_of(headers: Headers) -> str | None:
    """Return the value of the session's cookie, None where there is none."""
    found: str | None = None
    for line in headers.getlist("cookie"):
        if COOKIE in line:
            found = cookie_parser(line).get(COOKIE, found)
    return found


def _may_be_asked_by_cookie(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path.startswith(_API) and not path.startswith(_APART) and path != SIGN_IN_PATH
