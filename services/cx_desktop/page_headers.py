"""Make the headers of a page: what it may load, and who may show it in a frame."""

from __future__ import annotations

from collections.abc import Mapping

from cx_runtime.sessions.sealing import Session
from cx_runtime.tenants import Tenants

NOBODY = "'none'"


class PageHeaders:
    """The headers of the pages of all tenants."""

    def __init__(self, tenants: Tenants) -> None:
        self._ancestors = {name: config.frame_ancestors for name, config in tenants.by_name.items()}
        self._all = tuple(dict.fromkeys(each for some in self._ancestors.values() for each in some))

    def of(self, session: Session | None) -> Mapping[str, str]:
        """Return the headers of a page for who is signed in.

        Only pages that the session's tenant lists may show it in a frame. Nobody knows yet whose a visitor will be who
        is not signed in: any listed page may show them where to do so.
        """
        ancestors = self._ancestors[session.tenant] if session is not None else self._all
        return {
            "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; "
            f"frame-ancestors {' '.join(ancestors) or NOBODY}",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "vary": "cookie",
        }
