"""Hold what an identity request comes to: events, and whom they concern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import Data, IdentityDecision
from cx_events.ids import NodeId
from cx_events.timestamps import Micros


class DecisionPlan(NamedTuple):
    """What a person's request comes to: the events, and whom they concern, to show the outcome. ``whole``: it concerns
    everybody, as rules do."""

    choices: Sequence[DecisionDraft]
    profiles: frozenset[NodeId] = frozenset()
    nodes: frozenset[NodeId] = frozenset()
    whole: bool = False


def draft_decision(
    tenancy: Tenancy,
    type: str,
    said: IdentityDecision,
    body: bodies.Merge | bodies.Unmerge | bodies.Attribute | bodies.Dismiss,
    after: Micros,
) -> DecisionDraft:
    agent = bodies.agent_name(body.agent)
    data = Data(identity=said, reason=body.reason, agent=agent)
    return DecisionDraft(type, tenancy.ids.tenant_node(), data, after=after)
