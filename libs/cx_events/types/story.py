"""Tell the story of all families' examples: Ana was charged twice for order 4711.

She asks in the web chat (a bot, then Ben), calls when nothing happens, writes a mail and complains in public.
"""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

CHAT = "chat-42"
CALL = "acme-calls/CA00000000000000000000000000004711"
MAIL = "acme-mail/ana-4711@example.com"
POST = "acme-social/post-815"

ORDER: Example = {"kind": "order", "value": "4711"}

EMAIL: Example = {"kind": "email", "value": "ana@example.com"}
COOKIE: Example = {"kind": "cookie", "value": "c-7"}
PHONE: Example = {"kind": "phone", "value": "+15550100123"}
CRM: Example = {"kind": "crm", "value": "C-1001"}

# Profiles and part ids of the tenant acme under the key of ``cx_events.testing.builders.ACME``.
ANA_BY_EMAIL = "1eed28c6-4f7f-8871-abb9-c2d9cb565c72"
ANA_BY_PHONE = "254fd8b5-3f17-872e-beda-a81d8a2fdb0a"
CHAT_THREAD = "2bd761cc-3f57-852e-8231-6d272974dfa4"
CALL_THREAD = "f47ea4af-d437-81a5-9cbd-8e63bf5cbbec"

CONTINUATION = "thr-mfzwizlomvzxgzlm"

BEN: Example = {"id": "agent-7", "name": "Ben"}
BILLING: Example = {"id": "billing", "name": "Billing"}


def proved(identifier: Example) -> Example:
    """The identifier as a key with the scope ``identity:prove`` may state it."""
    return {**identifier, "weight": "proved"}


def asserted(identifier: Example) -> Example:
    """The identifier as a key with the scope ``identity:assert`` may state it."""
    return {**identifier, "weight": "asserted"}


ANA_IN_CHAT: Example = {"role": "customer", "name": "Ana", "identifiers": [EMAIL, COOKIE]}
ANA_ON_THE_PHONE: Example = {"role": "customer", "name": "Ana", "identifiers": [PHONE]}
ANA_BY_MAIL: Example = {"role": "customer", "name": "Ana", "identifiers": [EMAIL]}
ANA_IN_CRM: Example = {
    "role": "customer",
    "name": "Ana",
    "identifiers": [asserted(CRM), asserted(EMAIL), asserted(PHONE)],
}
BEN_TAKES_PART: Example = {"role": "agent", "id": "agent-7", "name": "Ben"}
BOT_TAKES_PART: Example = {"role": "bot", "id": "helper-bot"}


def told(type: str, id: str, time: str, source: str = "chat", **data: Any) -> Example:
    """An event as a client of acme sends it; ``time`` is that of the story's day, ``source`` one of acme's systems."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": f"//acme.example/{source}",
        "type": type,
        "time": f"2026-11-22T{time}Z",
        "data": data,
    }


def in_chat(type: str, id: str, time: str, **data: Any) -> Example:
    return told(type, id, time, "chat", channel="chat", interaction=CHAT, **data)


def on_the_phone(type: str, id: str, time: str, **data: Any) -> Example:
    return told(type, id, time, "calls", channel="voice", interaction=CALL, **data)


def decided(type: str, id: str, time: str, interaction: str, **data: Any) -> Example:
    """By Ben, at his desk."""
    return told(type, id, time, "desk", interaction=interaction, agent=BEN, **data)


def in_public(type: str, id: str, time: str, **data: Any) -> Example:
    return told(type, id, time, "social", channel="social", interaction=POST, **data)
