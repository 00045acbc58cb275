"""Hold the ``id_key`` of tenants against those under which records were made (``IdSpace.key_digest``). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.errors import Refused
from cx_events.ids import IdSpace


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
        if spaces[tenant].key_digest() != digest:
            raise Refused(
                "other-id-key",
                f"the tenant {tenant!r} has another id_key in {where} than here, and all ids derive from it: set "
                f"tenants.{tenant}.id_key to that of the other hub, or bring its file CX_HOME/id-key-{tenant}",
            )
