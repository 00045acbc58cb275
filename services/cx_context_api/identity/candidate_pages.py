"""List the candidates that nobody has decided about."""

from __future__ import annotations

from cx_context.store import refused_claims
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.settled_identifiers import settled_among
from cx_context.store.sql import Tx
from cx_context_api.identity.candidate_views import candidate_view
from cx_context_api.identity.candidates import read_candidate
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.json_types import Json

_NO_ID = bytes(16)


async def read_candidate_page(
    tx: Tx, tenant: str, tenancy: Tenancy, after: NodeId | None, limit: int
) -> tuple[list[Json], NodeId | None]:
    """Return a page of open candidates in order of identifier, and where the next page begins (None after the last)."""
    graph = CurrentGraph(tx, tenant)
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    views: list[Json] = []
    position = after or _NO_ID
    while True:
        identifiers = await refused_claims.identifiers_in_doubt(tx, tenant, position, limit + 1)
        settled = await settled_among(graph, identifiers)
        profiles = await graph.profiles(identifiers)
        for identifier in identifiers:
            if identifier in profiles and identifier not in settled:
                if len(views) == limit:
                    return views, position
                views.append(candidate_view(await read_candidate(graph, tenancy.ids, profiles[identifier], rules)))
            position = identifier
        if len(identifiers) <= limit:
            return views, None
