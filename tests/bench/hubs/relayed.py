"""A projector with its relay in one process: all that ``cx run projectors`` does but for its HTTP server."""

from __future__ import annotations

from tests.bench.hubs.projector import run_with_relay as run

__all__ = ["run"]
