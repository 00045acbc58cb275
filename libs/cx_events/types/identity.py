"""Who is who: what channels claim or prove, and what people decide."""

from __future__ import annotations

from cx_events.catalogue import EventType
from cx_events.types.story import (
    ANA_BY_EMAIL,
    ANA_BY_PHONE,
    ANA_IN_CRM,
    BEN,
    CALL,
    COOKIE,
    CRM,
    EMAIL,
    PHONE,
    told,
)

TYPES = (
    EventType(
        name="cx.identity.asserted.v1",
        summary="Some identifiers are said to be one person's, such as by a form or a CRM.",
        needs=("participants|links",),
        example=told(
            "cx.identity.asserted.v1",
            "crm-match-1001",
            "09:00:00",
            "crm",
            channel="crm",
            participants=[ANA_IN_CRM],
            links=[[CRM, EMAIL], [CRM, PHONE]],
            evidence="crm",
        ),
    ),
    EventType(
        name="cx.identity.verified.v1",
        summary="A login or a one-time code proved that identifiers are one person's.",
        needs=("participants|links",),
        example=told(
            "cx.identity.verified.v1",
            "login-77",
            "10:01:30",
            "web",
            channel="web",
            participants=[{"role": "customer", "identifiers": [{**EMAIL, "verified": True}, COOKIE]}],
            links=[[{**EMAIL, "verified": True}, COOKIE]],
            evidence="login",
        ),
    ),
    EventType(
        name="cx.identity.attributed.v1",
        kind="decision",
        summary="Somebody decided whose an interaction is that named nobody.",
        needs=("identity.interaction", "identity.profile"),
        example=told(
            "cx.identity.attributed.v1",
            "desk-attribute-1",
            "10:16:00",
            "desk",
            agent=BEN,
            identity={"interaction": CALL, "profile": ANA_BY_EMAIL},
            reason="caller gave order 4711 and the address",
        ),
    ),
    EventType(
        name="cx.identity.merged.v1",
        kind="decision",
        summary="Somebody decided that two profiles are one customer.",
        needs=("identity.a", "identity.b"),
        example=told(
            "cx.identity.merged.v1",
            "desk-merge-1",
            "10:17:00",
            "desk",
            agent=BEN,
            identity={"a": ANA_BY_EMAIL, "b": ANA_BY_PHONE},
            reason="Ana confirmed her mail address on the phone",
        ),
    ),
    EventType(
        name="cx.identity.unmerged.v1",
        kind="decision",
        summary="Somebody withdrew an earlier decision without a trace, or decided that two profiles are two people.",
        needs=("identity.decision|identity.a", "identity.decision|identity.b"),
        example=told(
            "cx.identity.unmerged.v1",
            "desk-unmerge-1",
            "10:40:00",
            "desk",
            agent=BEN,
            identity={"decision": "//acme.example/desk#desk-merge-1"},
            reason="merged the wrong phone",
        ),
    ),
    EventType(
        name="cx.identity.candidate_dismissed.v1",
        kind="decision",
        summary="Somebody looked at a proposed match and declined it.",
        needs=("identity.candidate",),
        example=told(
            "cx.identity.candidate_dismissed.v1",
            "desk-dismiss-1",
            "10:42:00",
            "desk",
            agent=BEN,
            identity={"candidate": "254fd8b5-3f17-872e-beda-621097883b0a"},
            reason="a shared office phone",
        ),
    ),
    EventType(
        name="cx.identity.rules_changed.v1",
        kind="decision",
        summary="The tenant's rules of identity changed: what may link, what never does, when something is shared.",
        needs=("identity.rules",),
        example=told(
            "cx.identity.rules_changed.v1",
            "rules-2",
            "08:00:00",
            "desk",
            agent=BEN,
            identity={
                "rules": {
                    "shared_after": {"phone": 1, "email": 2, "cookie": 2},
                    "exclusive": ["crm"],
                    "never_link": ["phone:+266696687", "email:noreply@*"],
                }
            },
            reason="cookies of shop terminals are shared",
        ),
    ),
)
