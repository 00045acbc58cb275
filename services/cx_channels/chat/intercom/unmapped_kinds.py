"""List topics that concern a customer and have no mapping yet: their notifications are kept, and can be mapped later.

Which topics arrive is chosen in Intercom's Developer Hub, so that nobody has to keep unwanted ones.
"""

from __future__ import annotations

from collections.abc import Mapping

_TAKES_PART = "who takes part in it"
_COMPANY = "which company a customer belongs to"
_CAMPAIGN = "what became of a campaign's message to a customer"
_CALL = "what was said in a call of Intercom Phone, of which the address alone is told"
_FORGOTTEN = "a contact that Intercom archives or forgets"
_AUDIENCE = "who belongs to an audience"

TOPICS: Mapping[str, str] = {
    "conversation.contact.attached": _TAKES_PART,
    "conversation.contact.detached": _TAKES_PART,
    "ticket.contact.attached": _TAKES_PART,
    "ticket.contact.detached": _TAKES_PART,
    "ticket.attribute.updated": "what a form about a ticket says",
    "conversation.company.updated": _COMPANY,
    "contact.deleted": _FORGOTTEN,
    "contact.archive": _FORGOTTEN,
    "contact.archived": _FORGOTTEN,
    "user.deleted": _FORGOTTEN,
    "procedure.hitl_notification.created": "a value that Fin asks a person for, in a conversation",
    **dict.fromkeys(
        (
            "company.created", "company.updated", "company.deleted", "company.contact.attached",
            "company.contact.detached", "company.*",
        ), _COMPANY,
    ),
    **dict.fromkeys(
        (
            "content_stat.banner", "content_stat.carousel", "content_stat.chat", "content_stat.checklist",
            "content_stat.custom_bot", "content_stat.email", "content_stat.news_item", "content_stat.post",
            "content_stat.push", "content_stat.series", "content_stat.series.webhook", "content_stat.sms",
            "content_stat.survey", "content_stat.tooltip_group", "content_stat.tour", "content_stat.*",
        ), _CAMPAIGN,
    ),
    **dict.fromkeys(
        ("call.transcription_available", "call.*"), _CALL
    ),
    **dict.fromkeys(
        (
            "audience.created", "audience.updated", "audience.deleted", "audience.member_added",
            "audience.member_removed", "audience.*",
        ), _AUDIENCE,
    ),
}  # fmt: skip
"""A family's ``*`` stands for topics of it that were not documented when this was written."""
