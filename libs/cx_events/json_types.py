"""Name the type of JSON objects, as they are read and built everywhere."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON object: members by name, values as ``json.loads`` gives them."""
