"""List WhatsApp's notices that are no event: ignored, or kept until there is an adapter.

Fields: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview, "Fields".
"""

from __future__ import annotations

from collections.abc import Mapping

_ACCOUNT = "about the account, its numbers and what they may do; about no customer"
_TEMPLATE = "about a template, not about a message made of it"
_GROUP = "about a group itself; what is said in it comes as messages"
_PAST = "what was said before the number was connected is no news"

IGNORED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "account_alerts", "account_review_update", "account_settings_update", "account_update",
            "business_capability_update", "business_status_update", "business_username_update", "flows",
            "partner_solutions", "payment_configuration_update", "phone_number_name_update",
            "phone_number_quality_update", "security",
        ), _ACCOUNT,
    ),
    **dict.fromkeys(
        (
            "message_template_components_update", "message_template_quality_update", "message_template_status_update",
            "template_category_update", "template_correct_category_detection",
        ), _TEMPLATE,
    ),
    **dict.fromkeys(
        ("group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update"), _GROUP
    ),
    "history": _PAST,
    "smb_app_state_sync": "the address book of the business's telephone: third parties, who did not write",
    "automatic_events": "what Meta's model guesses of a chat, for advertising",
    "tracking_events": "how an advertisement did, for advertising",
    "messages/system/customer_identity_changed": "a new telephone or a new key: the same person under the same number",
    "statuses/sent": "WhatsApp took a message whose words are not in it; whoever sent it tells them "
    "(the setting statuses keeps it)",
    "statuses/deleted": "the business deleted a message; a status of the old API",
    "statuses/warning": "a note to the business's developers; a status of the old API",
    "statuses/call/ringing": "the telephone rings; the call's start was told",
    "no-entries": "the delivery has no entries",
    "no-changes": "the entry has no changes",
    "other-account": "the setting accounts lists neither the entry's account nor its number",
}  # fmt: skip
"""Each with the reason."""

KEPT: Mapping[str, str] = {
    "errors": "an error of the account or of Meta's, about no message",
    "messaging_handovers": "which app has the thread",
    "user_id_update": "a person's new id, of which system messages tell by now",
}
"""Each with the reason."""
