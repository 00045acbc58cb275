"""List the decisions about identity that a person can take.

Their events lie in the tenant's own stream, in one partition, in the order in which they were taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_context.store.sql import Tx
from cx_context_api.identity.attribute_and_dismiss import attribute, dismiss
from cx_context_api.identity.decision_plans import DecisionPlan
from cx_context_api.identity.merge_and_unmerge import merge, unmerge
from cx_context_api.requests import bodies
from cx_context_api.requests.tenancy import Tenancy

Planner = Callable[[Tx, str, Tenancy, Any], Awaitable[DecisionPlan]]


class DecisionCommand(NamedTuple):
    """A kind of decision about identity: its body, and the function that plans it."""

    shape: type[bodies.RequestBody]
    plan: Planner


DECISION_COMMANDS: Mapping[str, DecisionCommand] = MappingProxyType(
    {
        "merge": DecisionCommand(bodies.Merge, merge),
        "unmerge": DecisionCommand(bodies.Unmerge, unmerge),
        "attribute": DecisionCommand(bodies.Attribute, attribute),
        "dismiss": DecisionCommand(bodies.Dismiss, dismiss),
    }
)
