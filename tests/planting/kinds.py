"""All kinds of differences."""

from __future__ import annotations

from tests.planting.in_store import IN_STORE
from tests.planting.on_log import ON_LOG

KINDS = [*IN_STORE, *ON_LOG]
