"""Digests by which a tenant's ``id_key`` is known again, without telling anything of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.errors import Refused
from cx_events.ids import IdSpace

_DIGEST_BYTES = 12


def id_key_digest(ids: IdSpace) -> str:
    """Return the digest of a tenant's ``id_key`` in hex."""
    return ids.secret("id-key-digest")[:_DIGEST_BYTES].hex()


def check_id_keys(digests: Mapping[str, str], spaces: Mapping[str, IdSpace], where: str) -> None:
    """Raise ``Refused("other-id-key")`` where a tenant is not configured here, or has another ``id_key``.

    ``digests``: by tenant, from where the records come; empty for a tenant that was not configured there. ``where``:
    what is refused, for the sentence.
    """
    for tenant, digest in sorted(digests.items()):
        if not digest:
            continue
        if tenant not in spaces:
            raise Refused(
                "other-id-key",
                f"{where} has events of the tenant {tenant!r}, which is not configured here: add it to CX_CONFIG, with "
                "the id_key that it has there",
            )
        if id_key_digest(spaces[tenant]) != digest:
            raise Refused(
                "other-id-key",
                f"the tenant {tenant!r} has another id_key in {where} than here, and all ids derive from it: set "
                f"tenants.{tenant}.id_key to that of the other hub, or bring its file CX_HOME/id-key-{tenant}",
            )
