"""Keep which sessions were signed out before their time, in the store, where every process sees it."""

from __future__ import annotations

import time
from hashlib import sha256

from cx_context.store import Store, short_lived
from cx_runtime.answer_deadline import within
from cx_runtime.sessions.sealing import Session

KIND = "ended-session"
DEADLINE_SECONDS = 2.0
"""A client must get 503 within 2.5 s."""


class StoredEndedSessions:
    """``EndedSessions`` of ``session_auth``: a row has a digest of a session's id, until that would have expired."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def end(self, session: Session) -> None:
        """End a session, durably. Raises ``TryLater``."""
        await within(self._end(session), seconds=DEADLINE_SECONDS)

    async def has_ended(self, session: Session) -> bool:
        """Return whether it was ended, by any process. Raises ``TryLater``."""
        return await within(self._has_ended(session), seconds=DEADLINE_SECONDS)

    async def _end(self, session: Session) -> None:
        seconds = max(session.expires - time.time(), 0.0) + _MARGIN_SECONDS
        async with self._store.writing() as tx:
            await short_lived.put(tx, session.tenant, KIND, _name(session), b"", seconds)

    async def _has_ended(self, session: Session) -> bool:
        async with self._store.reading() as tx:
            return await short_lived.is_there(tx, session.tenant, KIND, _name(session))


_MARGIN_SECONDS = 3600.0
"""By which the clocks of a hub's processes may differ."""


def _name(session: Session) -> str:
    return sha256(session.id.encode()).hexdigest()
