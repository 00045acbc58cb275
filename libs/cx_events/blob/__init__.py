"""Store originals too large for the log, by content: the blob store.

A blob's name is ``sha256:HEX`` of its bytes, so storing it twice stores it once and a reference can be computed before
it is stored. Tenants never share blobs.

Modules: ``port`` (what a blob store does), ``open`` (from a URL to a store), ``folder`` and ``postgres``;
``references`` (the blobs that a record of the log names).
"""

from cx_events.blob.port import Blobs, blob_name

__all__ = ["Blobs", "blob_name"]
