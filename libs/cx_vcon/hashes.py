"""Check and normalise hashes of files in a vCon.

``content_hash`` is ``ALGORITHM-VALUE`` or a list of such, the value in base64url without padding
(draft-ietf-vcon-vcon-core, "content_hash"); up to 0.0.1 ``alg`` named the algorithm and ``signature`` held the value.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator

from cx_events.json_types import Json
from cx_vcon.json_values import flat, objects, text

MAX_HASH_FAULTS = 20
"""The most malformed hashes of one vCon that are reported."""

_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64}
"""Bytes of each algorithm's value. Hashes of other algorithms are not checked."""

_FILES = ("dialog", "analysis", "attachments")


def normalise_hash(algorithm: str, written: str) -> str | None:
    """Return a hash's value in base64url without padding; None where it is not as long as the algorithm makes it.

    ``algorithm``: as ``SHA-512`` or ``sha512``. ``written``: in base64url, base64 (padded or not) or hex.
    """
    length = _LENGTHS.get(_plain(algorithm))
    if length is None:
        return None
    try:
        if len(written) == 2 * length:
            content = bytes.fromhex(written)
        else:
            bare = written.rstrip("=").replace("+", "-").replace("/", "_")
            content = urlsafe_b64decode(bare.encode("ascii") + b"=" * (-len(bare) % 4))
            if urlsafe_b64encode(content).rstrip(b"=").decode() != bare:
                return None
    except (ValueError, binascii.Error):
        return None
    return urlsafe_b64encode(content).rstrip(b"=").decode() if len(content) == length else None


def hash_faults(vcon: Json) -> list[str]:
    """Return a sentence for each malformed hash, at most ``MAX_HASH_FAULTS``. Such hashes are kept as they came."""
    found: list[str] = []
    for name in _FILES:
        for number, file in enumerate(objects(vcon.get(name))):
            for fault in _of_file(file):
                if len(found) == MAX_HASH_FAULTS:
                    return found
                found.append(f"/{name}/{number}/{fault}")
    return found


def _of_file(file: Json) -> Iterator[str]:
    for hash in flat(file.get("content_hash")):
        if hash is None or hash == "":
            continue
        algorithm, dash, value = text(hash).partition("-")
        if not (algorithm and dash and value):
            yield f"content_hash: {str(hash)[:64]!r} is not ALGORITHM-VALUE"
        elif _plain(algorithm) in _LENGTHS and normalise_hash(algorithm, value) is None:
            yield f"content_hash: {str(hash)[:64]!r} has no valid {algorithm} value"
    algorithm, signature = text(file.get("alg")), text(file.get("signature"))
    if signature and _plain(algorithm) in _LENGTHS and normalise_hash(algorithm, signature) is None:
        yield f"signature: {signature[:64]!r} is not a {algorithm[:16]} value"


def _plain(algorithm: str) -> str:
    return algorithm.strip().lower().replace("-", "")
