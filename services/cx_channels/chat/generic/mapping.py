"""Map notices of chats by the connection's own declaration: ``settings.mapping``. See docs/generic.md.

What it can map is whatever events a declaration may make; here stands which identifiers the examples give which weight.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.envelope import Weight

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "email": {"claimed": "a visitor types it, unless declared otherwise"},
    "crisp-session": {"claimed": "a browser's session, not a person"},
    "whatsapp": {"asserted": "declared so: WhatsApp's own id, in the word of a reseller that proves who it is"},
    "phone": {"asserted": "declared so: the number of that WhatsApp account, in the word of the same reseller"},
}
"""The weights in the examples. A declaration may give any kind a weight, as far as its authentication goes."""
