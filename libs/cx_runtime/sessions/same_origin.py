"""Tell requests of the hub's own pages from those of others: browsers say whose one is, and no page can forge that."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

_OWN = frozenset({"same-origin", "none"})
"""``Sec-Fetch-Site`` (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header) of a page of this origin, and of
what a person does in the browser's own window, such as opening an address."""


def is_own_page(headers: Headers, public_url: str = "") -> bool:
    """Return whether a request comes from a page of this origin, from the person, or from no browser at all.

    ``public_url``: how others reach this hub, for proxies that exchange ``Host``. Another host of the same site is not
    this origin: it may be a forgotten one.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN:
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    if not parts.netloc:  # "null": a sandboxed frame, a file
        return False
    own = urlsplit(public_url)
    return parts.netloc == headers.get("host", "").lower() or (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
