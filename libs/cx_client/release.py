"""Name the release of this package."""

from __future__ import annotations

VERSION = "0.1.0"
USER_AGENT = f"cx-client/{VERSION}"
