"""Map telephone notices by the connection's own declaration: ``settings.mapping``. See docs/generic.md.

What it can map is whatever events a declaration may make; here stands which identifiers the examples give which weight.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.envelope import Weight

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "phone": {"claimed": "a caller's number is whatever the caller's network lets through, unless declared otherwise"},
    "crm": {
        "asserted": "declared so: the business gave its own record's id when it ordered the call (examples/exotel)"
    },
}
"""The weights in the examples. A declaration may give any kind a weight, as far as its authentication goes."""
