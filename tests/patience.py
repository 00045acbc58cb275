"""Say how long tests wait for what must come."""

from __future__ import annotations

PATIENCE = 300.0
"""Seconds. It only guards against hanging, below pytest's own timeout: what is waited for ends the wait, and a loaded
machine may take a hundred times as long as a quiet one."""
