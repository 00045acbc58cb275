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
    handoff_requests,
    handoffs,
    last_agent,
    messages,
    notes,
    now,
    part_identity,
    proofs,
    references,
    sentiment,
    takeovers,
    threads,
    timeline,
    unresolved,
)
from cx_context.sections.section import Section

SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "part_identity": part_identity.SECTION,
        "counts": counts.SECTION,
        "threads": threads.SECTION,
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
        "takeovers": takeovers.SECTION,
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
