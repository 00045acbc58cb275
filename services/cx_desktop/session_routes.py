"""Exchange keys for sessions, end sessions, and tell who asks.

Signing in takes a page of the hub's own origin, too: else another page could sign a visitor in as somebody whom it
chooses. It always makes a new session, whatever cookie came with it. Wrong keys are counted by the sender's address.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_desktop.me import Environment, chats_of, me
from cx_events.directory import Directory
from cx_events.errors import Refused, TooFast
from cx_events.strict_json import Limits, decode
from cx_runtime import shares
from cx_runtime.addresses import Addresses
from cx_runtime.attempt_limits import AttemptLimits, AttemptRates
from cx_runtime.authentication import authenticated
from cx_runtime.http import BodyLimits, read_body
from cx_runtime.in_flight import address_of, claim
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate
from cx_runtime.sessions.same_origin import is_own_page
from cx_runtime.sessions.sealing import COOKIE, MOST_CHARACTERS, Session, new_id
from cx_runtime.sessions.session_auth import SIGN_IN_PATH, SessionAuth, cookie_of, session_of
from cx_runtime.tenants import KeyConfig, Tenants

ME_PATH = "/v1/me"

MOST_AGENT = 280
WRONG_KEYS = AttemptRates(Rate(1 / 60, 20.0), Rate(1.0, 1.0), Rate(1.0, 1.0))
"""Of one address: 20 at once, one a minute in the long run. Keys that are right are not counted: a call centre of two
hundred is one address."""

_BODY = BodyLimits(max_bytes=8 << 10)
_JSON = Limits(max_bytes=_BODY.max_bytes, max_depth=4)
_NO_STORE = {"cache-control": "no-store", "vary": "cookie"}


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/session``. ``key``: of the tenant. ``agent``: who the person is, by any id of the
    directory."""

    key: str
    agent: str = ""


class SignInRoutes:
    """Handles ``/v1/session`` and ``/v1/me``. ``clock``: seconds since 1970. ``directories``: who agents are now;
    without them, who the configuration says."""

    def __init__(
        self,
        tenants: Tenants,
        auth: SessionAuth,
        metrics: Metrics,
        environment: Environment,
        addresses: Addresses = Addresses(),
        session_seconds: float = 12 * 3600.0,
        clock: Callable[[], float] = time.time,
        directories: Mapping[str, Directory] | None = None,
    ) -> None:
        self._tenants = tenants
        self._directories = tenants.directories if directories is None else directories
        self._auth = auth
        self._metrics = metrics
        self._environment = environment
        self._addresses = addresses
        self._seconds = session_seconds
        self._clock = clock
        self._attempts = AttemptLimits(WRONG_KEYS)

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            Route(SIGN_IN_PATH, self.sign_in, methods=["POST"]),
            Route(SIGN_IN_PATH, self.sign_out, methods=["DELETE"]),
            Route(ME_PATH, self.me, methods=["GET"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Begin a session: 201 with what ``/v1/me`` tells, and the cookie."""
        if not is_own_page(request.headers, self._auth.public_url):
            raise self._refused(Refused("cross-origin", "only a page of the hub's own origin may sign in", 403))
        body = await _read(request)
        tenant, key = self._known(body.key, address_of(self._addresses, request.scope))
        claim(tenant, shares.key(key.id))
        agent = _agent_of(body.agent, key, self._directories[tenant])
        before = self._session_before(request)
        if before is not None:
            await self._auth.end(before)
        session = Session(new_id(), tenant, key, agent, int(self._clock() + self._seconds))
        sealed = self._auth.sealer.seal(session)
        if len(sealed) > MOST_CHARACTERS:
            raise Refused("bad-agent", "the agent's id is too long for a cookie", 422)
        self._metrics.sessions.labels("begun").inc()
        response = self._answer(tenant, key, session, 201)
        response.set_cookie(COOKIE, sealed, int(self._seconds), path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session: 204. One that is over already is as good as ended."""
        value = cookie_of(request.headers)
        if value is not None:
            try:
                session = await self._auth.check(value, request.method, request.headers)
            except Refused as error:
                if error.reason != "session-over":
                    raise self._refused(error) from None
            else:
                await self._auth.end(session)
                self._metrics.sessions.labels("ended").inc()
        response = Response(status_code=204, headers=_NO_STORE)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def me(self, request: Request) -> Response:
        """Tell who asks."""
        tenant, key = authenticated(request.headers, self._tenants)
        claim(tenant, shares.key(key.id))
        return self._answer(tenant, key, session_of(request.scope.get("state", {})), 200)

    def _answer(self, tenant: str, key: KeyConfig, session: Session | None, status: int) -> Response:
        told = me(
            tenant,
            key,
            self._environment,
            directory=self._directories[tenant],
            chats=chats_of(self._tenants.by_name[tenant]),
            session=session,
            csrf_token=self._auth.sealer.csrf_token(session) if session is not None else "",
        )
        return Response(msgspec.json.encode(told), status, _NO_STORE, "application/json")

    def _known(self, key: str, address: str) -> tuple[str, KeyConfig]:
        """Return the tenant and the key. Raises ``Refused("bad-key", 401)``, ``TooFast`` after too many wrong ones."""
        wait = self._attempts.wait("", "caller", address)
        if wait:
            self._metrics.sessions.labels("too-many-attempts").inc()
            detail = f"too many keys that are none were tried from this address; none is looked at for {wait} s"
            raise TooFast(detail, wait, "too-many-attempts")
        found = self._tenants.authenticate(key) if key.isascii() and key == key.strip() else None
        if found is None:
            self._attempts.count("", "caller", address)
            raise self._refused(Refused("bad-key", "this key is not known", 401))
        return found

    def _session_before(self, request: Request) -> Session | None:
        value = cookie_of(request.headers)
        return self._auth.sealer.open(value, self._clock()) if value is not None else None

    def _refused(self, error: Refused) -> Refused:
        self._metrics.sessions.labels(error.reason).inc()
        return error


async def _read(request: Request) -> SignIn:
    """Read the body. Raises ``Refused``."""
    raw = await read_body(request.headers, request.receive, _BODY)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("unsupported-media-type", "send application/json", 415)
    try:
        return msgspec.convert(decode(raw, _JSON), SignIn)
    except msgspec.ValidationError as error:
        raise Refused("bad-body", f"expected {{key, agent?}}: {error}", 422) from None


def _agent_of(asked: str, key: KeyConfig, directory: Directory) -> str:
    """Return the directory's id of who signs in, empty where nobody says. Where the directory has no agents, anybody's
    word is taken. Raises ``Refused``: ``unknown-agent`` (422), ``other-agent`` (403)."""
    id = directory.asked_for("agent", asked) if asked else key.agent
    if key.agent and id != key.agent:
        raise Refused("other-agent", f"the key {key.id!r} is the agent {key.agent!r}'s", 403)
    if len(id) > MOST_AGENT or not (id.isprintable() and id == id.strip()):
        raise Refused("unknown-agent", f"agent: expected an id of at most {MOST_AGENT} characters", 422)
    has_agents = any(kind == "agent" for kind, _ in directory.entries)
    if id and has_agents and ("agent", id) not in directory.entries:
        raise Refused("unknown-agent", f"the directory has no agent {id[:64]!r}", 422)
    return id
