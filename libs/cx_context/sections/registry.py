"""List all sections. The fields of a part are in this order, and what they add to a part is added in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cx_context.sections import (
    acts,
    agents,
    assurance,
    attachments,
    bots,
    candidates,
    consents,
    contact_state,
    conversations,
    counts,
    customer,
    glance,
    handoff_acceptances,
    handoff_requests,
    handoffs,
    join_fields,
    last_agent,
    messages,
    notes,
    now,
    part_identity,
    proofs,
    references,
    sentiment,
    timeline,
    unresolved,
)
from cx_context.sections.section import Section

SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "part_identity": part_identity.SECTION,
        "counts": counts.SECTION,
        "join_fields": join_fields.SECTION,
        "agents": agents.SECTION,
        "contact_state": contact_state.SECTION,
        "proofs": proofs.SECTION,
        "messages": messages.SECTION,
        "attachments": attachments.SECTION,
        "customer": customer.SECTION,
        "references": references.SECTION,
        "notes": notes.SECTION,
        "acts": acts.SECTION,
        "bots": bots.SECTION,
        "handoff_acceptances": handoff_acceptances.SECTION,
        "handoffs": handoffs.SECTION,
        "handoff_requests": handoff_requests.SECTION,
        "glance": glance.SECTION,
        "consents": consents.SECTION,
        "sentiment": sentiment.SECTION,
        "assurance": assurance.SECTION,
        "candidates": candidates.SECTION,
        "now": now.SECTION,
        "conversations": conversations.SECTION,
        "timeline": timeline.SECTION,
        "last_agent": last_agent.SECTION,
        "unresolved": unresolved.SECTION,
    }
)
"""By the name of the module. ``cx_context.parts.write_model`` reads the modules' ``Fields``."""
