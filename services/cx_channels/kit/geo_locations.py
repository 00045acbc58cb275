"""Write places that somebody shares."""

from __future__ import annotations

from typing import Any

from cx_channels.kit.json_values import number

GEO_SCHEME = "geo:"
"""The beginning of a place as a URI; there is no file at it."""


def geo_url(latitude: Any, longitude: Any) -> str:
    """Return a place as a ``geo:`` URI (RFC 5870), "" where either is no number. Degrees, as numbers or text."""
    north, east = number(latitude), number(longitude)
    return f"{GEO_SCHEME}{north},{east}" if north is not None and east is not None else ""
