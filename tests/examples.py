"""Say how many examples a property is tried with.

The suite tries few of what is costly, so that it stays short; ``CX_TEST_EXAMPLES=20 ./cx test PATH`` tries twenty times
as many of every property.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("CX_TEST_EXAMPLES", "1"))


def examples(usual: int) -> settings:
    """Return the settings of a property: ``usual`` examples, times ``CX_TEST_EXAMPLES``."""
    return settings(max_examples=usual * FACTOR, deadline=None, suppress_health_check=list(HealthCheck))
