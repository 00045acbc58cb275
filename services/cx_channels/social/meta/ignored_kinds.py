"""List kinds of changes that are ignored: they say nothing of a customer, or another item says the same.

Kinds that concern a customer and have no mapping yet are listed in ``unmapped_kinds``. Fields:
developers.facebook.com/docs/graph-api/webhooks/reference/page and .../reference/instagram, and what a page can be
subscribed to besides (.../docs/graph-api/reference/page/subscribed_apps).
"""

from __future__ import annotations

from collections.abc import Mapping

_SETTINGS = "the page's own profile and settings"
_NOT_TALK = "not said by or to a customer"

IGNORED: Mapping[str, str] = {
    "hide": "what moderators hide stays said; only removal takes it away",
    "page-like": "somebody likes the page; of whom or of what is not told",
    "conversations": "names a conversation whose messages come by themselves",
    "live_videos": _NOT_TALK,
    "videos": _NOT_TALK,
    "story_insights": _NOT_TALK,
    "creator_marketplace_projects": _NOT_TALK,
    "business_login": _SETTINGS,
    "message_template_status_update": _SETTINGS,
    "product_review": _SETTINGS,
    "page_upcoming_change": _SETTINGS,
    "page_change_proposal": _SETTINGS,
    "publisher_subscriptions": _NOT_TALK,
    **dict.fromkeys(
        (
            "business_integrity", "call_settings_update", "feature_access_list", "invalid_topic_placeholder",
            "merchant_review", "messaging_integrity", "page_about_story", "invoice_access_onboarding_status_active",
        ), _SETTINGS,
    ),
    "marketing_messages_subscriber_upload_status": _SETTINGS,
    # What else an item of a feed may be: not said by anybody to anybody.
    **{
        f"feed/{item}": _NOT_TALK
        for item in (
            "address", "connection", "coupon", "experience", "group", "group_message", "interest", "page", "picture",
            "profile", "question", "relationship-status", "tag", "timeline cover",
        )
    },
    "messenger_template_status_update": _SETTINGS,
    **{
        f"profile/{field}": _SETTINGS
        for field in (
            "about", "affiliation", "attire", "awards", "bio", "birthday", "category", "checkins", "company_overview",
            "contact_address", "culinary_team", "current_location", "description", "email", "founded",
            "general_info", "general_manager", "hometown", "hours", "interests", "location", "members", "mission",
            "name", "parking", "payment_options", "personal_info", "personal_interests", "phone", "picture",
            "price_range", "products", "public_transit", "website",
        )
    },
}  # fmt: skip
