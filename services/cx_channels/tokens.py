"""Continuity tokens at intake: recognised in what comes in, within bounds on how often codes may be tried.

Whether a code was ever issued is not known here, where no store is asked; the facts tell. So whatever looks like a code
counts as a try, and above the bounds codes are passed over quietly: the event is taken as it is, without the token.
"""

from __future__ import annotations

from cx_events.envelope import Data, Reference
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace
from cx_events.tokens import has_code, looks_like_a_code, presented, recognised
from cx_runtime.metrics import Metrics
from cx_runtime.tries import ENTRIES, Allowed, Tries


class Tokens:
    """Of one process."""

    def __init__(self, metrics: Metrics, allowed: Allowed = ENTRIES) -> None:
        self._metrics = metrics
        self._tries = Tries(allowed)

    def recognised(self, data: Data, ids: IdSpace, way: str, provider: str) -> list[Reference]:
        """The references of an event with its tokens by their ids; see ``cx_events.tokens.recognised``. ``way``: by
        which it came, a connection or ``client``."""
        if has_code(data):
            return recognised(data, ids, codes=self._may_try(ids.tenant, way, data.interaction, provider))
        return recognised(data, ids, codes=False) if data.references else data.references

    def presented(self, text: str, ids: IdSpace, way: str, interaction: str) -> str:
        """``Refused("unknown-token", 404)`` for what is no token or a forged one, ``TooFast`` above the bounds."""
        if looks_like_a_code(text):
            self._tries.ask(ids.tenant, way, interaction)
            self._tries.count(ids.tenant, way, interaction)
        id = presented(text, ids)
        if id is None:
            raise Refused("unknown-token", "there is no such token", 404)
        return id

    def _may_try(self, tenant: str, way: str, interaction: str, provider: str) -> bool:
        try:
            self._tries.ask(tenant, way, interaction)
        except TooFast:
            self._metrics.refused(provider, "too-many-codes")
            return False
        self._tries.count(tenant, way, interaction)
        return True
