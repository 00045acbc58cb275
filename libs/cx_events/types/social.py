"""Declare events of public posts, comments and reviews. A post with its replies is one interaction, each author a
customer.
"""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import in_public

_ANA_IN_PUBLIC = {
    "role": "customer",
    "name": "Ana",
    "identifiers": [{"kind": "facebook-psid", "value": "7001", "scope": "page-1"}],
}

TYPES = (
    EventType(
        name="cx.social.mention.v1",
        scope="events:write",
        summary="Somebody named the business in a post of their own.",
        needs=("message|url|references",),
        example=in_public(
            "cx.social.mention.v1",
            "mention-815",
            "12:00:05",
            direction="inbound",
            participants=[_ANA_IN_PUBLIC],
            message={
                "id": "post-815",
                "text": "@acme charged me twice and nobody answers",
                "content_type": "text/plain",
            },
            url="https://social.example.com/posts/815",
        ),
    ),
    EventType(
        name="cx.social.post.v1",
        scope="events:write",
        summary="Something was posted on a page or account of the business.",
        needs=("message|url|references",),
        example=in_public(
            "cx.social.post.v1",
            "post-815",
            "12:00:00",
            direction="inbound",
            participants=[_ANA_IN_PUBLIC],
            message={"id": "post-815", "text": "Charged twice, anyone else?", "content_type": "text/plain"},
            url="https://social.example.com/posts/815",
        ),
    ),
    EventType(
        name="cx.social.comment.v1",
        scope="events:write",
        summary="Somebody commented on a post.",
        needs=("message|url|references",),
        example=in_public(
            "cx.social.comment.v1",
            "comment-9",
            "12:04:00",
            direction="inbound",
            participants=[_ANA_IN_PUBLIC],
            references=[{"kind": "message", "value": "post-815"}],
            message={
                "id": "comment-9",
                "text": "Thanks, the refund is there.",
                "content_type": "text/plain",
                "in_reply_to": "post-815",
            },
        ),
    ),
    EventType(
        name="cx.social.review.v1",
        scope="events:write",
        summary="Somebody reviewed the business or a product; `rating` on the site's own scale.",
        needs=("message|rating",),
        example=in_public(
            "cx.social.review.v1",
            "review-3",
            "12:30:00",
            direction="inbound",
            participants=[_ANA_IN_PUBLIC],
            rating=4.0,
            message={"id": "review-3", "text": "Quick refund after all.", "content_type": "text/plain"},
            url="https://reviews.example.com/acme/3",
        ),
    ),
)
