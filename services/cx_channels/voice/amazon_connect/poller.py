"""Read the connection's own queues and streams at AWS; ``cx_channels.pollers.aws`` does it for every provider."""

from __future__ import annotations

from cx_channels.pollers.aws.source import open_source

__all__ = ["open_source"]
