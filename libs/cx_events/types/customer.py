"""Declare events of other systems that know the customer: a CRM, a shop, a ledger."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_IN_CRM, BEN, CRM, ORDER, told

TYPES = (
    EventType(
        name="cx.customer.attributes_changed.v1",
        scope="events:write",
        summary="Attributes of the customer were set.",
        needs=("attributes",),
        example=told(
            "cx.customer.attributes_changed.v1",
            "crm-1001-rev-8",
            "09:00:05",
            "crm",
            channel="crm",
            participants=[ANA_IN_CRM],
            attributes={"tier": "gold", "city": "Springfield", "since": 2019},
        ),
    ),
    EventType(
        name="cx.customer.order_placed.v1",
        scope="events:write",
        summary="The customer placed an order; `references` names it.",
        needs=("references|attributes",),
        example=told(
            "cx.customer.order_placed.v1",
            "order-4711",
            "08:30:00",
            "shop",
            channel="crm",
            participants=[ANA_IN_CRM],
            references=[ORDER],
            attributes={"last_order": "4711", "last_order_total": "49.90 EUR"},
        ),
    ),
    EventType(
        name="cx.customer.fact.v1",
        scope="events:write",
        summary="Something else that another system knows and an agent should see on the timeline.",
        needs=("topic|note|attributes",),
        example=told(
            "cx.customer.fact.v1",
            "ledger-88",
            "09:40:00",
            "ledger",
            channel="crm",
            participants=[ANA_IN_CRM],
            references=[ORDER],
            topic="payment",
            note="Card charged twice: 49.90 EUR at 09:38 and at 09:39.",
        ),
    ),
    EventType(
        name="cx.customer.erased.v1",
        scope="identity:write",
        kind="decision",
        summary="The customer's personal data must go; not taken yet.",
        unsupported="an erasure can't be carried out yet, so none is taken down",
        needs=("participants|identity.profile",),
        example=told(
            "cx.customer.erased.v1",
            "erasure-3",
            "16:00:00",
            "desk",
            participants=[{"role": "customer", "identifiers": [CRM]}],
            agent=BEN,
            reason="asked for by the customer",
        ),
    ),
)
