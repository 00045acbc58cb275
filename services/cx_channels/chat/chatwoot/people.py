"""Tell who is who: contacts are customers, users agents, agent bots and captains bots.

In older versions the agent stands as ``sender`` of what a customer wrote, and the customer as ``contact``: what
somebody is counts, not where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_channels.chat.chatwoot.notice import Notice
from cx_channels.chat.chatwoot.signature import takes_unsigned
from cx_channels.kit.json_values import first, obj, text
from cx_events.envelope import AgentOrQueue, Identifier, Participant, Role, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED, PROVED

CONTACT = "chatwoot-contact"

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    CONTACT: {"proved": "Chatwoot's own id of a contact of the account, in a notice that the secret signed"},
    "account": {
        "proved": "the site's own id of somebody, whose HMAC the site sent and Chatwoot checked (hmac_verified)",
        "claimed": "the site's own id of somebody as the visitor's browser told it",
    },
    "email": {"claimed": "typed by the visitor or an agent"},
    "phone": {
        "asserted": "the number that WhatsApp named as the sender's",
        "claimed": "typed by the visitor or an agent, or the sender of a text message or call, which can be forged",
    },
}

_BOTS = frozenset({"agent_bot", "agentbot", "captain", "captain::assistant", "captain_assistant"})
_WHATSAPP = "Channel::Whatsapp"
_TWILIO = "Channel::TwilioSms"
"""Of text messages, whose sender can be forged, and of WhatsApp: then the source is ``whatsapp:+1415...``."""


def contact_of(notice: Notice) -> Json:
    """Return the conversation's contact with all that is told of it."""
    meta = obj(obj(notice.conversation.get("meta")).get("sender"))
    sender = obj(notice.value.get("sender"))
    alone = obj(notice.value.get("contact"))
    told = sender if text(sender.get("type")) == "contact" or _is_contact(sender) else {}
    return {**{name: value for each in (alone, told) for name, value in each.items() if value}, **meta}


def _is_contact(sender: Json) -> bool:
    """Return whether a sender without a type is a contact: only these have numbers or ids of the site's."""
    return not text(sender.get("type")) and bool(
        {"phone_number", "identifier", "additional_attributes"} & sender.keys()
    )


def customer(notice: Notice, contact: Json) -> Participant:
    """Return the customer. What an unsigned notice says is a claim."""
    talk = notice.conversation
    verified = first_true(
        obj(talk.get("meta")).get("hmac_verified"), obj(talk.get("contact_inbox")).get("hmac_verified")
    )
    numbered = _is_by_whatsapp(talk)
    given = (
        (CONTACT, text(contact.get("id")), PROVED, id_scope(notice)),
        ("account", text(contact.get("identifier")), PROVED if verified else CLAIMED, ""),
        ("email", text(contact.get("email")), CLAIMED, ""),
        ("phone", text(contact.get("phone_number")), ASSERTED if numbered else CLAIMED, ""),
    )
    lax = takes_unsigned(notice.connection)
    known = [
        Identifier(kind=kind, value=value, scope=scope, weight=CLAIMED if lax else weight)
        for kind, value, weight, scope in given
        if value
    ]
    return Participant(role="customer", name=text(contact.get("name")), identifiers=known)


def _is_by_whatsapp(talk: Json) -> bool:
    channel, source = text(talk.get("channel")), text(obj(talk.get("contact_inbox")).get("source_id"))
    return channel == _WHATSAPP or (channel == _TWILIO and source.startswith("whatsapp:"))


def id_scope(notice: Notice) -> str:
    """Return where a contact's id is valid: ids are unique in one installation, which a connection stands for."""
    return notice.connection.id


def first_true(*values: Any) -> bool:
    """Return whether any is true and nothing else."""
    return any(value is True for value in values)


def role_of(sender: Json) -> Role:
    """Return what a sender of outgoing words is. None at all: Chatwoot's own greeting or a campaign."""
    kind = text(sender.get("type")).lower()
    if kind in _BOTS:
        return "bot"
    return "agent" if text(sender.get("id")) and kind in ("", "user") else "system"


def agent_of(person: Json) -> AgentOrQueue | None:
    """Return an agent, or a team as a queue; None for nobody."""
    id = text(person.get("id"))
    return AgentOrQueue(id=id, name=first(person.get("available_name"), person.get("name"))) if id else None


def staff(person: Json, role: Role) -> Participant:
    """Return somebody of the business's."""
    return Participant(
        role=role, id=text(person.get("id")), name=first(person.get("available_name"), person.get("name"))
    )
