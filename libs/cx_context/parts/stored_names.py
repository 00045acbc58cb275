"""Name the fields that stored parts keep under another name. A field that is not listed is kept under its own name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STORED_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "activity": "active",
        "answered_at": "answered",
        "business_spoke_at": "business_spoke",
        "contact_resolution": "resolved_alone",
        "context_view": "shown",
        "customer_spoke_at": "customer_spoke",
        "declines": "declined",
        "deletions": "deleted",
        "end": "ended",
        "endless_since": "endless",
        "first_answers": "first_answered",
        "first_views": "first_shown",
        "identifier": "home",
        "customer_active_at": "heard",
        "open_active_at": "open_heard",
        "latest_messages": "said",
        "message_times": "written",
        "messages_by_others": "others",
        "offer": "offered",
        "other_identifiers": "named",
        "queued_at": "queued",
        "quote_times": "quoted",
        "reopened_at": "reopened",
        "resolution": "resolved",
        "resumed_at": "resumed",
        "split_at": "split",
        "transfer": "passed",
        "verifications": "verified",
    }
)
"""By the field. The names are in the bytes of the table ``parts``: with another one here what is stored reads as empty,
since a member that no field has is skipped, and stores must be filled anew."""
