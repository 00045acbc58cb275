"""Hold a decision about identity before it is taken: its events, and whom they concern."""

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
    """The events of a decision, and the profiles and interactions that they concern.

    ``concerns_all``: they concern all customers, as rules do.
    """

    drafts: Sequence[DecisionDraft]
    profiles: frozenset[NodeId] = frozenset()
    nodes: frozenset[NodeId] = frozenset()
    concerns_all: bool = False


def draft_decision(
    tenancy: Tenancy,
    type: str,
    identity: IdentityDecision,
    body: bodies.Merge | bodies.Unmerge | bodies.Attribute | bodies.Dismiss,
    after: Micros,
) -> DecisionDraft:
    """Return one event of a decision. ``after``: µs, as in ``DecisionDraft``."""
    agent = bodies.agent_name(body.agent)
    data = Data(identity=identity, reason=body.reason, agent=agent)
    return DecisionDraft(type, tenancy.ids.tenant_node(), data, after=after)
