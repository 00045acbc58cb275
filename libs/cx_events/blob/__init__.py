"""The blob port: originals too large for the log, kept by content.

A blob's name is ``sha256:HEX`` of its bytes, so storing it twice stores it once and a reference can be computed before
it is stored. Blobs of one tenant are never another's. Implementations: ``folder`` and ``postgres``.
"""

from cx_events.blob.port import Blobs, blob_name

__all__ = ["Blobs", "blob_name"]
