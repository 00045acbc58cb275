"""Make the headers by which the hub logs in where it asks a vendor. What vendors send is ``sent_secret``'s."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping


def bearer_header(token: str) -> Mapping[str, str]:
    """Return the header of a bearer token (RFC 6750)."""
    return {"authorization": f"Bearer {token}"}


def basic_header(user: str, password: str) -> Mapping[str, str]:
    """Return the header of a name and a password (RFC 7617)."""
    return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")}
