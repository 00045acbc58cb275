"""Try other rules on a tenant's facts; nothing is written.

This resolves the whole graph twice. So the number of profiles is bounded, and the work runs in a thread, in the
tenant's turn.
"""

from __future__ import annotations

import asyncio

from cx_context.store import Store
from cx_context.store.decisions import read_decisions
from cx_context.store.graph import has_more_profiles, read_whole_graph
from cx_context.store.rule_changes import read_rules_in_force
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_identity.model import Graph
from cx_identity.rule_preview import preview_rules
from cx_identity.rule_preview_json import preview_json
from cx_identity.rules import Rules
from cx_runtime.answer_deadline import within

MAX_PROFILES = 200_000
_READ_SECONDS = 20.0


class RulesWhatIf:
    """Compares rules. Tenants with more than ``max_profiles`` must use ``cx identity whatif`` instead."""

    def __init__(self, store: Store, turns: ReadTurns, *, max_profiles: int = MAX_PROFILES) -> None:
        self._store = store
        self._max_profiles = max_profiles
        self._heavy = turns.heavy

    async def compare(self, tenant: str, tenancy: Tenancy, body: bodies.WhatIf) -> Json:
        """Return who would join or part. Raises ``Refused``: ``bad-rules``, ``too-many-profiles`` (422)."""
        wanted = Rules.parse(body.rules)
        async with self._heavy.turn(tenant):
            in_force, graph = await within(self._read(tenant, tenancy), seconds=_READ_SECONDS)
            found = await asyncio.to_thread(_work_out, graph, in_force, wanted, body.examples)
        return {"rules": {"before": in_force.as_mapping(), "after": wanted.as_mapping()}, **found}

    async def _read(self, tenant: str, tenancy: Tenancy) -> tuple[Rules, Graph]:
        async with self._store.reading() as tx:
            if await has_more_profiles(tx, tenant, self._max_profiles):
                detail = f"There are more than {self._max_profiles} profiles; use cx identity whatif."
                raise Refused("too-many-profiles", detail)
            in_force = await read_rules_in_force(tx, tenant, tenancy.rules)
            profiles, edges = await read_whole_graph(tx, tenant)
            return in_force, Graph(profiles, edges, await read_decisions(tx, tenant))


def _work_out(graph: Graph, in_force: Rules, wanted: Rules, examples: int) -> Json:
    return preview_json(preview_rules(graph, in_force, wanted, examples), graph.profiles)
