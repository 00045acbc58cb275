"""Describe who calls a tool."""

from __future__ import annotations

from typing import NamedTuple

from cx_mcp.hub_api import HubApi


class ToolCaller(NamedTuple):
    """The API under the key of whoever calls a tool. ``tenant`` and ``key``: for the log; empty if the hub knows."""

    api: HubApi
    tenant: str = ""
    key: str = ""
