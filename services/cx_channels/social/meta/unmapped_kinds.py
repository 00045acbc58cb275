"""List kinds that Meta sends to the same address and that have no mapping yet: they are kept, and can be mapped later.

Each may concern a customer. Unwanted kinds are switched off in the app's dashboard, which lists objects and fields.
"""

from __future__ import annotations

from collections.abc import Mapping

_PRODUCT = "a product of its own at the same address"

OBJECTS: Mapping[str, str] = {
    "user": f"what people of the app change in their own profiles, {_PRODUCT}",
    "permissions": f"permissions that people give to the app, {_PRODUCT}",
    "application": f"the app's own life, {_PRODUCT}",
    "payments": f"payments in the app, {_PRODUCT}",
    "payments_subscriptions": f"subscriptions in the app, {_PRODUCT}",
    "threads": f"posts and answers on Threads, {_PRODUCT}",
    "ad_account": f"the business's advertisements, {_PRODUCT}",
    "catalog": f"the business's catalogue, {_PRODUCT}",
    "certificate_transparency": f"certificates of the business's domains, {_PRODUCT}",
}
"""Objects other than pages, Instagram accounts and WhatsApp's
(developers.facebook.com/docs/graph-api/webhooks/reference; .../docs/threads)."""

_FORM = "an answer to a form, which the Graph API gives"
_MARKETING = "about a marketing message, by the token of a subscription"
_INVOICE = "about an invoice to a customer"

KINDS: Mapping[str, str] = {
    # in an entry beside, or instead of, messages and changes
    "calls": "a call in Messenger",
    # among the messages
    "messaging_in_thread_lead_form_submit": _FORM,
    # changes, by field
    "leadgen": _FORM,
    "leadgen_fat": _FORM,
    "leadgen_update": _FORM,
    "video_text_question_responses": _FORM,
    "inbox_labels": "a label at a person, or taken from one",
    "story_share": "somebody shares a story",
    "share_to_feed": "somebody shares a post",
    "local_delivery": "about an order that is delivered",
    "registration": "somebody registers",
    **dict.fromkeys(
        (
            "marketing_message_clicks", "marketing_message_deliveries", "marketing_message_delivery_failed",
            "marketing_message_echoes", "marketing_message_reads",
        ), _MARKETING,
    ),
    **dict.fromkeys(
        ("invoice_access_bank_slip_events", "invoice_access_invoice_change", "invoice_access_invoice_draft_change",
         "mcom_invoice_change"), _INVOICE,
    ),
}  # fmt: skip
"""Kinds of items of pages and Instagram accounts."""
