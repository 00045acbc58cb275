"""List who may be meant by a target that stands for several people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from cx_context.document import context_body
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.graph_view import GraphView
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.settled_identifiers import settled_among
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.identity.candidate_views import candidate_view
from cx_context_api.identity.candidates import read_candidate
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId, parse_node_id, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_identity.model import Profile
from cx_identity.rules import Rules

CANDIDATES_SHOWN = 20


class AmbiguousTarget(Exception):
    """A target that stands for several people."""

    def __init__(self, target: Target, candidates: Sequence[NodeId] = (), identifier: NodeId | None = None) -> None:
        """``candidates``: who takes part in an interaction of several; ``identifier``: the shared one, if it is all
        that an interaction names."""
        super().__init__("several people may be meant")
        self.target = target
        self.candidates = candidates
        self.identifier = identifier

    @property
    def profiles(self) -> list[NodeId]:
        """The profiles that the shared identifier may be, likeliest first; none for an interaction of several."""
        forms = self.target.profiles if isinstance(self.target, ByIdentifier) else (self.identifier,)
        return [form for form in forms if form is not None]


Load = Callable[[NodeId], Awaitable[CustomerFacts]]
"""Load what a customer's body is made of."""


async def read_possible_customers(tx: Tx, tenancy: Tenancy, ambiguous: AmbiguousTarget) -> Json:
    """Return ``{"candidates": [...]}``, likeliest first, with ``candidate`` if an identifier is shared."""
    tenant = tenancy.ids.tenant

    async def load(customer: NodeId) -> CustomerFacts:
        return await load_known(tx, tenancy.ids, customer, timeline=1)

    async def rules() -> Rules:
        return await read_rules_in_force(tx, tenant, tenancy.rules)

    return await _possible_customers(CurrentGraph(tx, tenant), rules, load, tenancy, ambiguous)


async def read_possible_customers_as_of(snapshot: Snapshot, tenancy: Tenancy, ambiguous: AmbiguousTarget) -> Json:
    """Return what ``read_possible_customers`` returns, as of a moment of the past."""
    return await _possible_customers(snapshot, snapshot.rules, snapshot.load, tenancy, ambiguous)


async def _possible_customers(
    graph: GraphView, rules: Callable[[], Awaitable[Rules]], load: Load, tenancy: Tenancy, ambiguous: AmbiguousTarget
) -> Json:
    identifier = _shared_identifier(ambiguous, await graph.profiles(ambiguous.profiles))
    customers = _participants(ambiguous)
    more: Json = {}
    if identifier is not None:
        candidate = await read_candidate(graph, tenancy.ids, identifier, await rules())
        dismissed = bool(await settled_among(graph, [identifier.id]))
        customers, more = _owners(candidate_view(candidate, dismissed=dismissed), ambiguous)
    named = [_with_display(each, await load(parse_node_id(each["id"])), tenancy.window) for each in customers]
    return {"candidates": named, **more}


def _shared_identifier(ambiguous: AmbiguousTarget, profiles: Mapping[NodeId, Profile]) -> Profile | None:
    return next((profiles[form] for form in ambiguous.profiles if form in profiles), None)


def _with_display(customer: Json, facts: CustomerFacts, window: Micros) -> Json:
    return {**customer, "display": context_body(facts, window)["customer"]["display"]}


def _participants(ambiguous: AmbiguousTarget) -> list[Json]:
    """Return who takes part in an interaction of several people."""
    return [
        {"id": text_of(id), "why": "takes part in the interaction"} for id in ambiguous.candidates[:CANDIDATES_SHOWN]
    ]


def _owners(candidate: Json, ambiguous: AmbiguousTarget) -> tuple[list[Json], Json]:
    """Return who may own a shared identifier, each with the reason, and what else is known of it."""
    customers = [{**customer, "why": _reason(customer)} for customer in candidate["customers"][:CANDIDATES_SHOWN]]
    if not isinstance(ambiguous.target, ById | ByIdentifier):
        interaction = ambiguous.target.interaction
        for customer in customers:
            attribute = {"interaction": interaction, "profile": customer["profile"]}
            customer["actions"] = {"attribute": attribute, **customer["actions"]}
    return customers, {"candidate": {name: candidate[name] for name in candidate if name != "customers"}}


def _reason(customer: Json) -> str:
    event = customer["evidence"]["event"]
    return f"{customer['rule']} in {event['source']}#{event['id']}"
