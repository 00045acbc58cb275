"""Give each connection the key that signs its requests, renewed before it ends.

Who may use the hub's own identity is the operator's to say, since whoever does reads all that it may read.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping

from cx_channels.aws_login.own import OwnIdentity
from cx_channels.aws_login.sts import Sts
from cx_channels.aws_login.temporary import Temporary
from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_events.errors import Refused, TryLater

EARLY_SECONDS = 300.0
"""Before its end a key is replaced."""
LAST_SECONDS = 30.0
"""Before its end a key is used no more, where no other came."""
PAUSE_SECONDS = 30.0
"""Between two tries to replace a key that still holds."""

_OWN = AwsLogin("", "", "", None)
_NOT_A_SESSION = re.compile(r"[^A-Za-z0-9+=,.@_-]")


class AwsKeys:
    """``given``: the process's environment; ``tenants``: that may use its identity, ``*`` for all. ``clock``: s since
    1970."""

    def __init__(
        self,
        given: Mapping[str, str] | None = None,
        tenants: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        given = given or {}
        self._clock = clock
        self._tenants = tenants
        self._sts = Sts(lambda: int(clock() * 1_000_000), given.get("AWS_ENDPOINT_URL_STS", "").rstrip("/"))
        self._own = OwnIdentity(given, self._sts)
        self._kept: dict[AwsLogin, Temporary] = {}
        self._locks: dict[AwsLogin, asyncio.Lock] = {}
        self._not_before: dict[AwsLogin, float] = {}

    async def key(self, login: AwsLogin) -> AwsKey:
        """Return the present key of a connection.

        Raise ``Refused`` where it gets none: ``not-allowed`` to use the hub's identity, ``access-denied`` to assume the
        role, ``login-refused``; ``TryLater`` where none came.
        """
        if login.key is None and not self._tenants & {"*", login.tenant}:
            raise Refused(
                "not-allowed",
                f"CX_AWS_TENANTS does not list {login.tenant}: it may not use the hub's own identity at AWS",
            )
        if not login.role:
            return login.key or await self._renewed(_OWN)
        return await self._renewed(login)

    async def _renewed(self, login: AwsLogin) -> AwsKey:
        async with self._locks.setdefault(login, asyncio.Lock()):
            kept = self._kept.get(login)
            now = self._clock()
            if kept is not None and now < max(kept.ends - EARLY_SECONDS, self._not_before.get(login, 0.0)):
                return kept.key
            try:
                kept = self._kept[login] = await self._new(login)
            except (Refused, TryLater):
                if kept is None or now >= kept.ends - LAST_SECONDS:
                    raise
                self._not_before[login] = min(now + PAUSE_SECONDS, kept.ends - LAST_SECONDS)
            return kept.key

    async def _new(self, login: AwsLogin) -> Temporary:
        if login == _OWN:
            return await self._own.key()
        key = login.key or await self._renewed(_OWN)
        session = _NOT_A_SESSION.sub("-", f"throughline-{login.connection}")[:64]
        return await self._sts.assume(key, login.region or self._own.region, login.role, session, login.external_id)
